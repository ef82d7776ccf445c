import type { Fetcher, FetcherOpts, FetcherParams } from '@graphiql/toolkit';
import { type ExecutionResult, getOperationAST } from 'graphql';
import { readCost } from '../cost/cost';
import { mayLookInside } from '../session/insight';
import { freshToken, renew } from '../session/session';
import { keepAnswer, takeOut } from './answers';
import { inOrder } from './introspection';
import { errorCodes, type GraphQLReply, sendMeasured } from './send';
import { follow, forgetStream } from './stream';

type Data = ExecutionResult['data'];

/** Sends what the editor holds, as whoever is signed in. */
export const fetcher: Fetcher = (params, options) => {
  if (isIntrospection(params)) return introspect(params);
  forgetStream();
  keepAnswer(null);
  return subscription(params, options) ?? execute(params, options);
};

/** The schema is the same for everyone, and must load even with a token that has ended. */
function isIntrospection(params: FetcherParams): boolean {
  return params.operationName === 'IntrospectionQuery';
}

async function introspect(params: FetcherParams): Promise<ExecutionResult> {
  return inOrder((await sendMeasured<Data>(params)).reply as unknown as ExecutionResult);
}

function subscription(params: FetcherParams, options?: FetcherOpts) {
  const document = options?.documentAST;
  if (!document || getOperationAST(document, params.operationName)?.operation !== 'subscription')
    return undefined;

  const headers = Object.fromEntries(typedHeaders(options));
  return {
    // GraphiQL hands over functions of its own, and calls `unsubscribe` to stop.
    subscribe: (sink: Parameters<typeof follow>[1]) => follow({ request: params, document, headers }, sink),
  };
}

async function execute(params: FetcherParams, options?: FetcherOpts): Promise<ExecutionResult> {
  const begin = performance.now();
  const typed = typedHeaders(options);
  const { reply, bytes } = await sendAsViewer(params, typed);
  const tookMs = performance.now() - begin;

  const traced = takeOut('trace', reply);
  const priced = takeOut('cost', traced.rest);
  keepAnswer({
    operationName: params.operationName ?? '',
    reply: priced.rest,
    trace: traced.extension,
    cost: readCost(priced.extension),
    tookMs,
    bytes: bytes - traced.bytes - priced.bytes,
    traceBytes: traced.bytes,
  });
  return priced.rest as unknown as ExecutionResult;
}

/** A token that the server refuses is replaced, and the operation sent once more: nothing was executed. */
async function sendAsViewer(params: FetcherParams, typed: Headers) {
  const token = typed.has('authorization') ? undefined : await freshToken();
  const answer = await sendMeasured<Data>(params, headersFor(token, typed));
  if (!token || !isRefused(answer.reply)) return answer;

  const renewed = await renew(token);
  return renewed ? sendMeasured<Data>(params, headersFor(renewed, typed)) : answer;
}

function headersFor(token: string | undefined, typed: Headers): Headers {
  const headers = new Headers({ 'lyceum-cost': '1', ...(token ? { authorization: `Bearer ${token}` } : {}) });
  if (mayLookInside()) headers.set('lyceum-trace', '1');
  for (const [name, value] of typed.entries()) headers.set(name, value);
  return headers;
}

function isRefused(reply: GraphQLReply<Data>): boolean {
  return !reply.data && errorCodes(reply).has('UNAUTHENTICATED');
}

function typedHeaders(options?: FetcherOpts): Headers {
  const entries = Object.entries(options?.headers ?? {}).map(([name, value]) => [name, String(value)]);
  return new Headers(entries as [string, string][]);
}
