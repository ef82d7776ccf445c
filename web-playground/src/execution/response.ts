import type { Cost } from '../cost/cost';
import type { GraphQLRequest, GraphQLResponse, GraphQLResponseError } from '../network/send';

/** The last response of a tab, for the panels that explain it. */
export interface LastResponse {
  operationName: string;
  request: GraphQLRequest;
  /** Those of the headers editor, without the token of the session. */
  requestHeaders: Record<string, string>;
  response: GraphQLResponse<unknown>;
  /** The response extension `trace`, if any. */
  trace: unknown;
  /** The response extension `cost`, if any. */
  cost: Cost | undefined;
  /** The HTTP status. */
  status: number;
  /** Of the response, by name. */
  headers: [string, string][];
  /** Measured in the browser. */
  durationMs: number;
  /** The size of the response without the extensions `trace` and `cost`. */
  bytes: number;
  /** The size of the extension `trace`. */
  traceBytes: number;
  /** In milliseconds since 1970. */
  receivedAt: number;
}

/** Removes an extension that is shown elsewhere from the response. */
export function extractExtension<Data>(
  name: 'trace' | 'cost',
  response: GraphQLResponse<Data>,
): { extension: unknown; rest: GraphQLResponse<Data>; bytes: number } {
  const { [name]: extension, ...others } = response.extensions ?? {};
  if (extension === undefined) return { extension, rest: response, bytes: 0 };
  const { extensions: _, ...withoutAny } = response;
  const rest = Object.keys(others).length > 0 ? { ...withoutAny, extensions: others } : withoutAny;
  return { extension, rest, bytes: sizeOfExtensions(response) - sizeOfExtensions(rest) };
}

/** In bytes, as compact JSON. The server writes an integral cost two bytes longer, as `4000.0`. */
function sizeOfExtensions({ extensions }: GraphQLResponse<unknown>): number {
  return extensions ? new TextEncoder().encode(`,"extensions":${JSON.stringify(extensions)}`).length : 0;
}

/** An entry of `errors`, or of a mutation's `userErrors`. */
export interface DisplayedError {
  code: string;
  message: string;
  path: string;
  /** The subgraph that it came from; only development servers report it. */
  subgraph: string | undefined;
  /** Other details from the server, such as after how many seconds to retry. */
  note: string;
  /** The position in the document, as `line:column`. */
  location: string | undefined;
}

export function displayedErrors(response: GraphQLResponse<unknown>): DisplayedError[] {
  return [...(response.errors ?? []).map(requestError), ...userErrors(response.data)];
}

function requestError({ message, path, locations, extensions }: GraphQLResponseError): DisplayedError {
  const location = locations?.[0];
  return {
    code: extensions?.code ?? '',
    message,
    path: path?.join('.') ?? '',
    subgraph: typeof extensions?.service === 'string' ? extensions.service : undefined,
    note: noteOf(extensions ?? {}),
    location: location && `${location.line}:${location.column}`,
  };
}

function noteOf({ field, retryAfter, requestId }: Record<string, unknown>): string {
  const parts = [
    field ? `argument ${field}` : '',
    retryAfter ? `try again in ${retryAfter} s` : '',
    requestId ? `in the log as ${requestId}` : '',
  ];
  return parts.filter(Boolean).join(', ');
}

/** The `userErrors` of mutation payloads: the mutation was executed but changed nothing. */
function userErrors(data: unknown): DisplayedError[] {
  return Object.entries(record(data)).flatMap(([mutation, payload]) => {
    const { userErrors } = record(payload);
    if (!Array.isArray(userErrors)) return [];
    return userErrors.map(record).map(({ code, message, field }) => ({
      code: text(code),
      message: text(message),
      path: [mutation, ...(Array.isArray(field) ? field : [field])].filter(Boolean).join('.'),
      subgraph: undefined,
      note: '',
      location: undefined,
    }));
  });
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
