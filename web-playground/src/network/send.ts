export interface GraphQLRequest {
  query: string;
  variables?: Record<string, unknown> | undefined;
  operationName?: string | null | undefined;
  /** For the server, beside what GraphQL itself defines. */
  extensions?: Record<string, unknown> | undefined;
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

/** What a proxy answers when the server behind it is away. */
const BAD_GATEWAY = new Set([502, 503, 504]);

/** The server could not be reached, or the connection was lost before the response was complete. */
export class NetworkError extends Error {}

export interface Sent<Data> {
  response: GraphQLResponse<Data>;
  /** The size of the response, uncompressed. */
  bytes: number;
  status: number;
  headers: [string, string][];
}

interface Options {
  headers?: HeadersInit;
  accept?: string;
  signal?: AbortSignal;
}

/** Sends one operation to the router of this page's origin. */
export async function send<Data>(
  request: GraphQLRequest,
  headers: HeadersInit = {},
  accept = ACCEPT,
): Promise<GraphQLResponse<Data>> {
  return (await sendMeasured<Data>(request, { headers, accept })).response;
}

/** Also returns the size, status and headers of the response. */
export async function sendMeasured<Data>(
  request: GraphQLRequest,
  { headers, accept = ACCEPT, signal }: Options = {},
): Promise<Sent<Data>> {
  const allHeaders = new Headers(headers);
  allHeaders.set('content-type', 'application/json');
  allHeaders.set('accept', accept);

  const { body, ...answer } = await post(JSON.stringify(request), allHeaders, signal);
  const response = parseResponse<Data>(answer.status, new TextDecoder().decode(body));
  return { ...answer, response, bytes: body.byteLength };
}

async function post(body: string, headers: Headers, signal: AbortSignal | undefined) {
  try {
    const response = await fetch('/graphql', { method: 'POST', headers, body, ...(signal && { signal }) });
    return {
      status: response.status,
      headers: [...response.headers.entries()] as [string, string][],
      body: await response.arrayBuffer(),
    };
  } catch {
    throw new NetworkError('The server is unreachable. Is it running?');
  }
}

function parseResponse<Data>(status: number, text: string): GraphQLResponse<Data> {
  try {
    return JSON.parse(text) as GraphQLResponse<Data>;
  } catch {
    // A proxy answers with a page of its own when the server is away.
    if (BAD_GATEWAY.has(status))
      throw new NetworkError(`The server is unavailable (status ${status}). Try again.`);
    throw new Error(`The server responded with status ${status} and a body that is not JSON.`);
  }
}

/** The distinct error codes of a response. */
export function errorCodes(response: GraphQLResponse<unknown>): Set<string> {
  const codes = response.errors?.map((error) => error.extensions?.code) ?? [];
  return new Set(codes.filter((code) => code !== undefined));
}
