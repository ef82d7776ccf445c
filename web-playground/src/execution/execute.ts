import { type DocumentNode, type ExecutionResult, getOperationAST, parse } from 'graphql';
import { readCost } from '../cost/cost';
import { type GraphQLRequest, NetworkError, type Sent } from '../network/send';
import { sendAsViewer } from '../session/send-as-viewer';
import { useSession } from '../session/session';
import { canTrace } from '../session/trace-access';
import { extractExtension, type LastResponse } from './response';
import { startRun, updateRun, useRuns } from './runs';
import { subscribe } from './subscription';

type Data = ExecutionResult['data'];

export interface Execution {
  tab: string;
  request: GraphQLRequest;
  headers: Record<string, string>;
}

/** Executes an operation on behalf of the signed-in user, as the run of its tab. */
export async function execute({ tab, request, headers }: Execution): Promise<void> {
  const operationName = request.operationName ?? '';
  const viewer = currentViewer();
  const signal = startRun(tab, { operationName, viewer });
  const document = parseSubscription(request);
  try {
    if (document) await runSubscription(tab, signal, { request, document, headers });
    else await runOnce(tab, signal, request, headers);
  } catch (error) {
    updateRun(tab, signal, {
      problem: { message: messageOf(error), canRetry: error instanceof NetworkError },
    });
  }
  updateRun(tab, signal, { isRunning: false });
}

/** Shows why the request could not be sent. */
export function rejectRun(tab: string, message: string): void {
  const signal = startRun(tab, { operationName: '', viewer: currentViewer() });
  updateRun(tab, signal, { isRunning: false, problem: { message, canRetry: false } });
}

function parseSubscription({ query, operationName }: GraphQLRequest): DocumentNode | undefined {
  try {
    const document = parse(query);
    return getOperationAST(document, operationName)?.operation === 'subscription' ? document : undefined;
  } catch {
    return undefined;
  }
}

async function runSubscription(
  tab: string,
  signal: AbortSignal,
  subscription: { request: GraphQLRequest; document: DocumentNode; headers: Record<string, string> },
): Promise<void> {
  await subscribe(
    subscription,
    {
      update: (stream) => updateRun(tab, signal, { stream }),
      next: (response) => updateRun(tab, signal, { text: format(response) }),
    },
    signal,
  );
}

async function runOnce(
  tab: string,
  signal: AbortSignal,
  request: GraphQLRequest,
  headers: Record<string, string>,
): Promise<void> {
  const startedAt = performance.now();
  const sent = await sendAsViewer<Data>(request, ownHeaders(headers), signal);
  const response = describe(sent, request, headers, performance.now() - startedAt);
  // Somebody else has signed in meanwhile: the run was ended, and is not changed any more.
  updateRun(tab, signal, { response, text: format(response.response) });
}

function describe(
  { response, bytes, status, headers }: Sent<Data>,
  request: GraphQLRequest,
  requestHeaders: Record<string, string>,
  durationMs: number,
): LastResponse {
  const trace = extractExtension('trace', response);
  const cost = extractExtension('cost', trace.rest);
  return {
    operationName: request.operationName ?? '',
    request,
    requestHeaders,
    response: cost.rest,
    trace: trace.extension,
    cost: readCost(cost.extension),
    status,
    headers,
    durationMs,
    bytes: bytes - trace.bytes - cost.bytes,
    traceBytes: trace.bytes,
    receivedAt: Date.now(),
  };
}

/** What the page asks for beside the response; the headers editor may say otherwise. */
function ownHeaders(custom: Record<string, string>): Headers {
  const headers = new Headers({ 'lyceum-cost': '1' });
  if (canTrace()) headers.set('lyceum-trace', '1');
  for (const [name, value] of Object.entries(custom)) headers.set(name, value);
  return headers;
}

function format(response: unknown): string {
  return JSON.stringify(response, null, 2);
}

function currentViewer(): string | null {
  return useSession.getState().session?.user.id ?? null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether the tab has a run that has not ended. */
export function isRunning(tab: string): boolean {
  return useRuns.getState().runs[tab]?.isRunning ?? false;
}
