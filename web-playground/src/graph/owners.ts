import { graphTypes } from './supergraph';

const owners = new Map(graphTypes.map(({ name, owner }) => [name, owner]));

/** The subgraph that owns a type; undefined for shared types. */
export function ownerOfType(type: string): string | undefined {
  return owners.get(type);
}
