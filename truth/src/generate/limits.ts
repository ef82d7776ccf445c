// The router's limits apply to a document with its fragments expanded.

import { type DocumentNode, getOperationAST, Kind, type SelectionSetNode, visit } from "graphql";
import type { Operation } from "../operation.ts";

// Slightly below the limits in router/router.config.yaml.
const MAX_DEPTH = 14;
const MAX_ALIASES = 28;
const MAX_DIRECTIVES = 45;
/** Approximates the limit of tokens. */
const MAX_SELECTIONS = 400;

interface Extent {
  depth: number;
  aliases: number;
  directives: number;
  selections: number;
}

export function isWithinLimits({ document, operationName }: Operation): boolean {
  const operation = getOperationAST(document, operationName);
  if (!operation) return false;
  const { depth, aliases, directives, selections } = extent(operation.selectionSet, document);
  return (
    depth <= MAX_DEPTH &&
    aliases <= MAX_ALIASES &&
    directives <= MAX_DIRECTIVES &&
    selections <= MAX_SELECTIONS
  );
}

/**
 * Whether a key stands for `__typename` here and for another field there. In fragments of different types that is
 * invalid if the other one has another type, which graphql-js does not see: it knows no type of `__typename` there.
 */
export function usesTypenameAsAnother(document: DocumentNode): boolean {
  const keys = { typename: new Set<string>(), other: new Set<string>() };
  visit(document, {
    Field({ alias, name }) {
      const kind = name.value === "__typename" ? keys.typename : keys.other;
      kind.add((alias ?? name).value);
    },
  });
  return [...keys.typename].some((key) => keys.other.has(key));
}

function extent(set: SelectionSetNode, document: DocumentNode): Extent {
  const all = { depth: 0, aliases: 0, directives: 0, selections: 0 };
  for (const node of set.selections) {
    const inner = innerOf(node, document);
    const below = inner && extent(inner, document);
    const isField = node.kind === Kind.FIELD;
    all.depth = Math.max(all.depth, (below?.depth ?? 0) + (isField ? 1 : 0));
    all.aliases += (below?.aliases ?? 0) + (isField && node.alias ? 1 : 0);
    all.directives += (below?.directives ?? 0) + (node.directives?.length ?? 0);
    all.selections += (below?.selections ?? 0) + 1;
  }
  return all;
}

function innerOf(node: SelectionSetNode["selections"][number], document: DocumentNode) {
  if (node.kind !== Kind.FRAGMENT_SPREAD) return node.selectionSet;
  const found = document.definitions.find(
    (one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === node.name.value,
  );
  return found?.kind === Kind.FRAGMENT_DEFINITION ? found.selectionSet : undefined;
}
