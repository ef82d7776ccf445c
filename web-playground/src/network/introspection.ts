import type { ExecutionResult } from 'graphql';

/** The answer to an introspection with its types by name: the router gives them in a new order each time. */
export function inOrder(reply: ExecutionResult): ExecutionResult {
  const schema = reply.data?.__schema as { types?: { name: string }[] } | undefined;
  if (!schema?.types) return reply;
  const types = schema.types.toSorted((one, other) => one.name.localeCompare(other.name));
  return { ...reply, data: { ...reply.data, __schema: { ...schema, types } } };
}
