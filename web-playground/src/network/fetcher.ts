import type { Fetcher, FetcherParams } from '@graphiql/toolkit';
import type { ExecutionResult } from 'graphql';
import { accessToken, endSession } from '../session/session';
import { errorCodes, send } from './send';

/** Sends what the editor holds, as whoever is signed in. */
export const fetcher: Fetcher = async (params, options) => {
  const token = isIntrospection(params) ? undefined : accessToken();
  const headers = new Headers(token ? { authorization: `Bearer ${token}` } : {});
  // What is typed into the headers tab comes last, and wins.
  for (const [name, value] of Object.entries(options?.headers ?? {})) headers.set(name, String(value));

  const reply = await send<ExecutionResult['data']>(params, headers);

  if (token && errorCodes(reply).has('UNAUTHENTICATED')) {
    endSession(token, 'The server no longer accepts this session. Please sign in again.');
  }
  return reply;
};

/** The schema is the same for everyone, and must load even with a token that has ended. */
function isIntrospection(params: FetcherParams): boolean {
  return params.operationName === 'IntrospectionQuery';
}
