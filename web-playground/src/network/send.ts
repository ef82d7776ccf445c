export interface GraphQLRequest {
  query: string;
  variables?: Record<string, unknown> | undefined;
  operationName?: string | null | undefined;
}

export interface GraphQLResponseError {
  message: string;
  path?: (string | number)[];
  locations?: { line: number; column: number }[];
  extensions?: { code?: string; [name: string]: unknown };
}

export interface GraphQLResponse<Data = Record<string, unknown>> {
  data?: Data | null;
  errors?: GraphQLResponseError[];
  extensions?: Record<string, unknown>;
}

const ACCEPT = 'application/graphql-response+json, application/json;q=0.9';

/** The server could not be reached, or the connection was lost before the response was complete. */
export class NetworkError extends Error {}

/** Sends one operation to the router of this page's origin. */
export async function send<Data>(
  request: GraphQLRequest,
  headers: HeadersInit = {},
  accept = ACCEPT,
): Promise<GraphQLResponse<Data>> {
  return (await sendMeasured<Data>(request, headers, accept)).response;
}

/** Also returns the size of the response in bytes, uncompressed. */
export async function sendMeasured<Data>(
  request: GraphQLRequest,
  headers: HeadersInit = {},
  accept = ACCEPT,
): Promise<{ response: GraphQLResponse<Data>; bytes: number }> {
  const allHeaders = new Headers(headers);
  allHeaders.set('content-type', 'application/json');
  allHeaders.set('accept', accept);

  const { status, body } = await post(JSON.stringify(request), allHeaders);
  return { response: parseResponse<Data>(status, new TextDecoder().decode(body)), bytes: body.byteLength };
}

async function post(body: string, headers: Headers): Promise<{ status: number; body: ArrayBuffer }> {
  try {
    const response = await fetch('/graphql', { method: 'POST', headers, body });
    return { status: response.status, body: await response.arrayBuffer() };
  } catch {
    throw new NetworkError('The server is unreachable. Is it running?');
  }
}

function parseResponse<Data>(status: number, text: string): GraphQLResponse<Data> {
  try {
    return JSON.parse(text) as GraphQLResponse<Data>;
  } catch {
    throw new Error(`The server responded with status ${status} and a body that is not JSON.`);
  }
}

/** The distinct error codes of a response. */
export function errorCodes(response: GraphQLResponse<unknown>): Set<string> {
  const codes = response.errors?.map((error) => error.extensions?.code) ?? [];
  return new Set(codes.filter((code) => code !== undefined));
}
