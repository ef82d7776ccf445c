import type { ExecutionResult } from 'graphql';

/** Sorts the types of an introspection response by name: the router returns them in random order. */
export function sortTypes(response: ExecutionResult): ExecutionResult {
  const schema = response.data?.__schema as { types?: { name: string }[] } | undefined;
  if (!schema?.types) return response;
  const types = schema.types.toSorted((one, other) => one.name.localeCompare(other.name));
  return { ...response, data: { ...response.data, __schema: { ...schema, types } } };
}
