import type { GraphQLReply } from '../network/send';

const LONGEST = 140;

/** An event in a line: what it says comes first, and its id, which tells a person nothing, last. */
export function eventLine({ data, errors }: GraphQLReply<unknown>): string {
  const event = errors ?? Object.values(data ?? {})[0] ?? null;
  return JSON.stringify(isRecord(event) ? idLast(event) : event).slice(0, LONGEST);
}

function idLast({ id, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return id === undefined ? rest : { ...rest, id };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
