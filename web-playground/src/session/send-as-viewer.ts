import { errorCodes, type GraphQLRequest, type Sent, sendMeasured } from '../network/send';
import { renewToken, validToken } from './session';

/**
 * Sends an operation on behalf of the signed-in user, unless the headers have another token. Retries once with a new
 * token if the server rejects the token: nothing was executed.
 */
export async function sendAsViewer<Data>(
  request: GraphQLRequest,
  headers: Headers = new Headers(),
  signal?: AbortSignal,
): Promise<Sent<Data>> {
  const sendWith = (token: string | undefined) =>
    sendMeasured<Data>(request, { headers: withToken(headers, token), ...(signal && { signal }) });
  const token = headers.has('authorization') ? undefined : await validToken();
  const sent = await sendWith(token);
  if (!token || !isUnauthenticated(sent)) return sent;

  const renewed = await renewToken(token);
  return renewed ? sendWith(renewed) : sent;
}

function withToken(headers: Headers, token: string | undefined): Headers {
  const all = new Headers(headers);
  if (token) all.set('authorization', `Bearer ${token}`);
  return all;
}

function isUnauthenticated({ response }: Sent<unknown>): boolean {
  return !response.data && errorCodes(response).has('UNAUTHENTICATED');
}
