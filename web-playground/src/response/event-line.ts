import type { GraphQLResponse } from '../network/send';

const MAX_LENGTH = 140;

/** An event on one line, with the id last, since it says little to people. */
export function eventLine({ data, errors }: GraphQLResponse<unknown>): string {
  const event = errors ?? Object.values(data ?? {})[0] ?? null;
  return JSON.stringify(isRecord(event) ? idLast(event) : event).slice(0, MAX_LENGTH);
}

function idLast({ id, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return id === undefined ? rest : { ...rest, id };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
