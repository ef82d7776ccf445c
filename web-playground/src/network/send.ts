export interface GraphQLRequest {
  query: string;
  variables?: Record<string, unknown> | undefined;
  operationName?: string | null | undefined;
}

export interface GraphQLFailure {
  message: string;
  path?: (string | number)[];
  extensions?: { code?: string; [name: string]: unknown };
}

export interface GraphQLReply<Data = Record<string, unknown>> {
  data?: Data | null;
  errors?: GraphQLFailure[];
  extensions?: Record<string, unknown>;
}

/** Sends one operation to the router of this page's origin. */
export async function send<Data>(
  request: GraphQLRequest,
  headers: HeadersInit = {},
): Promise<GraphQLReply<Data>> {
  const allHeaders = new Headers(headers);
  allHeaders.set('content-type', 'application/json');
  allHeaders.set('accept', 'application/graphql-response+json, application/json;q=0.9');

  const response = await post(JSON.stringify(request), allHeaders);
  return readReply<Data>(response);
}

async function post(body: string, headers: Headers): Promise<Response> {
  try {
    return await fetch('/graphql', { method: 'POST', headers, body });
  } catch {
    throw new Error('The server does not answer. Is it running?');
  }
}

async function readReply<Data>(response: Response): Promise<GraphQLReply<Data>> {
  const text = await response.text();
  try {
    return JSON.parse(text) as GraphQLReply<Data>;
  } catch {
    throw new Error(`The server answered ${response.status} with something that is not JSON.`);
  }
}

/** The error codes of a reply, without repetition. */
export function errorCodes(reply: GraphQLReply<unknown>): Set<string> {
  const codes = reply.errors?.map((error) => error.extensions?.code) ?? [];
  return new Set(codes.filter((code) => code !== undefined));
}
