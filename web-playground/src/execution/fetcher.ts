import type { Fetcher, FetcherOpts, FetcherParams } from '@graphiql/toolkit';
import { type ExecutionResult, getOperationAST } from 'graphql';
import { readCost } from '../cost/cost';
import { errorCodes, type GraphQLResponse, sendMeasured } from '../network/send';
import { renewToken, validToken } from '../session/session';
import { canTrace } from '../session/trace-access';
import { sortTypes } from './introspection';
import { extractExtension, setLastResponse } from './response';
import { resetStream, subscribe } from './subscription';

type Data = ExecutionResult['data'];

/** Executes the operation in the editor on behalf of the signed-in user. */
export const fetcher: Fetcher = (params, options) => {
  if (isIntrospection(params)) return introspect(params);
  resetStream();
  setLastResponse(null);
  return subscription(params, options) ?? execute(params, options);
};

/** Introspection is sent without a token, so that an expired one cannot make it fail. */
function isIntrospection(params: FetcherParams): boolean {
  return params.operationName === 'IntrospectionQuery';
}

async function introspect(params: FetcherParams): Promise<ExecutionResult> {
  return sortTypes((await sendMeasured<Data>(params)).response as unknown as ExecutionResult);
}

function subscription(params: FetcherParams, options?: FetcherOpts) {
  const document = options?.documentAST;
  if (!document || getOperationAST(document, params.operationName)?.operation !== 'subscription')
    return undefined;

  const headers = Object.fromEntries(customHeaders(options));
  return {
    // GraphiQL passes the sink, and calls `unsubscribe` to stop.
    subscribe: (sink: Parameters<typeof subscribe>[1]) =>
      subscribe({ request: params, document, headers }, sink),
  };
}

async function execute(params: FetcherParams, options?: FetcherOpts): Promise<ExecutionResult> {
  const startedAt = performance.now();
  const custom = customHeaders(options);
  const { response, bytes } = await sendAsViewer(params, custom);
  const durationMs = performance.now() - startedAt;

  const trace = extractExtension('trace', response);
  const cost = extractExtension('cost', trace.rest);
  setLastResponse({
    operationName: params.operationName ?? '',
    response: cost.rest,
    trace: trace.extension,
    cost: readCost(cost.extension),
    durationMs,
    bytes: bytes - trace.bytes - cost.bytes,
    traceBytes: trace.bytes,
  });
  return cost.rest as unknown as ExecutionResult;
}

/** Retries once with a new token if the server rejects the token: nothing was executed. */
async function sendAsViewer(params: FetcherParams, custom: Headers) {
  const token = custom.has('authorization') ? undefined : await validToken();
  const result = await sendMeasured<Data>(params, headersFor(token, custom));
  if (!token || !isUnauthenticated(result.response)) return result;

  const renewed = await renewToken(token);
  return renewed ? sendMeasured<Data>(params, headersFor(renewed, custom)) : result;
}

function headersFor(token: string | undefined, custom: Headers): Headers {
  const headers = new Headers({ 'lyceum-cost': '1', ...(token ? { authorization: `Bearer ${token}` } : {}) });
  if (canTrace()) headers.set('lyceum-trace', '1');
  for (const [name, value] of custom.entries()) headers.set(name, value);
  return headers;
}

function isUnauthenticated(response: GraphQLResponse<Data>): boolean {
  return !response.data && errorCodes(response).has('UNAUTHENTICATED');
}

function customHeaders(options?: FetcherOpts): Headers {
  const entries = Object.entries(options?.headers ?? {}).map(([name, value]) => [name, String(value)]);
  return new Headers(entries as [string, string][]);
}
