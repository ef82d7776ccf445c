export interface GraphQLRequest {
  query: string;
  variables?: Record<string, unknown> | undefined;
  operationName?: string | null | undefined;
}

export interface GraphQLFailure {
  message: string;
  path?: (string | number)[];
  locations?: { line: number; column: number }[];
  extensions?: { code?: string; [name: string]: unknown };
}

export interface GraphQLReply<Data = Record<string, unknown>> {
  data?: Data | null;
  errors?: GraphQLFailure[];
  extensions?: Record<string, unknown>;
}

const ACCEPT = 'application/graphql-response+json, application/json;q=0.9';

/** The server could not be reached, or its answer was cut off. */
export class Away extends Error {}

/** Sends one operation to the router of this page's origin. */
export async function send<Data>(
  request: GraphQLRequest,
  headers: HeadersInit = {},
  accept = ACCEPT,
): Promise<GraphQLReply<Data>> {
  return (await sendMeasured<Data>(request, headers, accept)).reply;
}

/** The same, with the answer's size in bytes: as it came, after what compresses it on the way was undone. */
export async function sendMeasured<Data>(
  request: GraphQLRequest,
  headers: HeadersInit = {},
  accept = ACCEPT,
): Promise<{ reply: GraphQLReply<Data>; bytes: number }> {
  const allHeaders = new Headers(headers);
  allHeaders.set('content-type', 'application/json');
  allHeaders.set('accept', accept);

  const { status, body } = await post(JSON.stringify(request), allHeaders);
  return { reply: readReply<Data>(status, new TextDecoder().decode(body)), bytes: body.byteLength };
}

async function post(body: string, headers: Headers): Promise<{ status: number; body: ArrayBuffer }> {
  try {
    const response = await fetch('/graphql', { method: 'POST', headers, body });
    return { status: response.status, body: await response.arrayBuffer() };
  } catch {
    throw new Away('The server does not answer. Is it running?');
  }
}

function readReply<Data>(status: number, text: string): GraphQLReply<Data> {
  try {
    return JSON.parse(text) as GraphQLReply<Data>;
  } catch {
    throw new Error(`The server answered ${status} with something that is not JSON.`);
  }
}

/** The error codes of a reply, without repetition. */
export function errorCodes(reply: GraphQLReply<unknown>): Set<string> {
  const codes = reply.errors?.map((error) => error.extensions?.code) ?? [];
  return new Set(codes.filter((code) => code !== undefined));
}
