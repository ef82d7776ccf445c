import type { GraphField, GraphType } from '../graph/supergraph';

export interface Found {
  type: GraphType;
  /** None when the type itself was found. */
  field: GraphField | undefined;
}

const MOST = 30;

/** Types and fields with the text in their name, the closest first. */
export function search(types: GraphType[], text: string): Found[] {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];

  const all = types.flatMap((type): Found[] => [
    { type, field: undefined },
    ...type.fields.map((field) => ({ type, field })),
  ]);
  const matches = (found: Found) =>
    nameOf(found).toLowerCase().includes(wanted) || path(found).includes(wanted);
  return all
    .filter(matches)
    .sort((one, other) => rank(one, wanted) - rank(other, wanted))
    .slice(0, MOST);
}

function rank(found: Found, wanted: string): number {
  const name = nameOf(found).toLowerCase();
  if (name === wanted) return found.field ? 1 : 0;
  return name.startsWith(wanted) ? 2 : 3;
}

function nameOf({ type, field }: Found): string {
  return field?.name ?? type.name;
}

function path({ type, field }: Found): string {
  return `${type.name}.${field?.name ?? ''}`.toLowerCase();
}
