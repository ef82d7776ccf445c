import type { GraphField, GraphType } from '../graph/supergraph';

export interface SearchResult {
  type: GraphType;
  /** Undefined when the type itself matches. */
  field: GraphField | undefined;
}

const MAX_RESULTS = 30;

/** Types and fields whose name contains the text, best matches first. */
export function search(types: GraphType[], text: string): SearchResult[] {
  const query = text.trim().toLowerCase();
  if (!query) return [];

  const all = types.flatMap((type): SearchResult[] => [
    { type, field: undefined },
    ...type.fields.map((field) => ({ type, field })),
  ]);
  const matches = (found: SearchResult) =>
    nameOf(found).toLowerCase().includes(query) || path(found).includes(query);
  return all
    .filter(matches)
    .sort((one, other) => rank(one, query) - rank(other, query))
    .slice(0, MAX_RESULTS);
}

function rank(found: SearchResult, query: string): number {
  const name = nameOf(found).toLowerCase();
  if (name === query) return found.field ? 1 : 0;
  return name.startsWith(query) ? 2 : 3;
}

function nameOf({ type, field }: SearchResult): string {
  return field?.name ?? type.name;
}

function path({ type, field }: SearchResult): string {
  return `${type.name}.${field?.name ?? ''}`.toLowerCase();
}
