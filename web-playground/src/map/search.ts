import { type GraphField, type GraphType, ROOTS } from '../graph/supergraph';

export interface SearchResult {
  type: GraphType;
  /** Undefined when the type itself matches. */
  field: GraphField | undefined;
}

const MAX_RESULTS = 60;

/** Types and fields whose name contains the text, best matches first; what clients read before what they send. */
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
  const names = [nameOf(found).toLowerCase(), path(found)];
  if (names.includes(query) && !found.field) return 0;
  const match = names.includes(query) ? 1 : names.some((name) => name.startsWith(query)) ? 2 : 3;
  return match * 100 + (found.field ? 10 : 0) + kindRank(found.type);
}

/** Entities first, then other results of operations; what is only sent, or only says whether it worked, last. */
function kindRank({ name, kind, key }: GraphType): number {
  if (key) return 0;
  if (ROOTS.includes(name)) return 1;
  if (kind === 'input') return 4;
  return name.endsWith('Payload') ? 3 : 2;
}

function nameOf({ type, field }: SearchResult): string {
  return field?.name ?? type.name;
}

function path({ type, field }: SearchResult): string {
  return `${type.name}.${field?.name ?? ''}`.toLowerCase();
}
