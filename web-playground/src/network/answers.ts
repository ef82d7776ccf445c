import { create } from 'zustand';
import type { Cost } from '../cost/cost';
import type { GraphQLFailure, GraphQLReply } from './send';

/** What the server said last, for the panels that explain it. */
export interface Answer {
  operationName: string;
  reply: GraphQLReply<unknown>;
  /** The extension of that name, where the server gave one. */
  trace: unknown;
  /** What it cost, where the server says so. */
  cost: Cost | undefined;
  /** From the browser's side, in milliseconds. */
  tookMs: number;
  /** Of the answer alone. */
  bytes: number;
  /** Of the trace, which came along. */
  traceBytes: number;
}

export const useAnswer = create<{ answer: Answer | null }>(() => ({ answer: null }));

export function keepAnswer(answer: Answer | null): void {
  useAnswer.setState({ answer });
}

/** Takes out of an answer what is shown elsewhere: in the answer's text it would be in the way. */
export function takeOut<Data>(
  name: 'trace' | 'cost',
  reply: GraphQLReply<Data>,
): { extension: unknown; rest: GraphQLReply<Data>; bytes: number } {
  const { [name]: extension, ...others } = reply.extensions ?? {};
  if (extension === undefined) return { extension, rest: reply, bytes: 0 };
  const { extensions: _, ...withoutAny } = reply;
  const rest = Object.keys(others).length > 0 ? { ...withoutAny, extensions: others } : withoutAny;
  return { extension, rest, bytes: sizeOfExtensions(reply) - sizeOfExtensions(rest) };
}

/** In bytes, written without spaces; a whole number of a cost comes two bytes longer, as `4000.0`. */
function sizeOfExtensions({ extensions }: GraphQLReply<unknown>): number {
  return extensions ? new TextEncoder().encode(`,"extensions":${JSON.stringify(extensions)}`).length : 0;
}

/** An error of the request, or a refusal that a mutation answers with. */
export interface Problem {
  code: string;
  message: string;
  path: string;
  /** Which subgraph it came from; a development server says so. */
  subgraph: string | undefined;
  /** What else the server tells, such as after how many seconds to try again. */
  note: string;
  /** Where in the document, as `line:column`. */
  place: string | undefined;
}

export function problemsOf(reply: GraphQLReply<unknown>): Problem[] {
  return [...(reply.errors ?? []).map(ofFailure), ...refusals(reply.data)];
}

function ofFailure({ message, path, locations, extensions }: GraphQLFailure): Problem {
  const place = locations?.[0];
  return {
    code: extensions?.code ?? '',
    message,
    path: path?.join('.') ?? '',
    subgraph: typeof extensions?.service === 'string' ? extensions.service : undefined,
    note: noteOf(extensions ?? {}),
    place: place && `${place.line}:${place.column}`,
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

/** A mutation's `userErrors`: it was executed, and did nothing. */
function refusals(data: unknown): Problem[] {
  return Object.entries(record(data)).flatMap(([mutation, payload]) => {
    const { userErrors } = record(payload);
    if (!Array.isArray(userErrors)) return [];
    return userErrors.map(record).map(({ code, message, field }) => ({
      code: text(code),
      message: text(message),
      path: [mutation, ...(Array.isArray(field) ? field : [field])].filter(Boolean).join('.'),
      subgraph: undefined,
      note: '',
      place: undefined,
    }));
  });
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
