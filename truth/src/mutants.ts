// Known bugs that are put into the reference one at a time: a good comparison finds each of them.

import {
  type DocumentNode,
  type FieldNode,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from "graphql";

export const mutants = {
  "alias-replaces-key": "an alias `id` replaces the key in requests to other subgraphs",
  "include-lost": "`@include` and `@skip` on fragments are ignored",
  "default-lost": "the default of an omitted variable is ignored",
  "dangling-nulls-parent": "an object with a dangling reference is null",
  "empty-selection-null": "an object with an empty selection is null",
  "parallel-mutations": "all mutations run before the first payload is resolved",
  "page-off-by-one": "a page has one row too many",
  "filter-ignored": "a list ignores `status`",
  "permission-forgotten": "anyone may see the enrollments of a course",
  "merge-lost": "of two merged fields, only the selections of the second one count",
} as const;
export type Mutant = keyof typeof mutants;

/** Applies the bug to a document before it is executed. */
export function mutateDocument(document: DocumentNode, mutant: Mutant | undefined): DocumentNode {
  switch (mutant) {
    case "include-lost":
      return visit(document, {
        InlineFragment: (node) => ({ ...node, directives: [] }),
        FragmentSpread: (node) => ({ ...node, directives: [] }),
      });
    case "default-lost":
      return visit(document, {
        VariableDefinition: (node) =>
          node.type.kind === Kind.NON_NULL_TYPE ? undefined : { ...node, defaultValue: undefined },
      });
    case "merge-lost":
      return visit(document, { SelectionSet: { leave: keepLastOfEachField } });
    default:
      return document;
  }
}

/** Applies the bug to the data of a result. */
export function mutateData(
  data: unknown,
  mutant: Mutant | undefined,
  dangling: Set<string>,
): unknown {
  const walk = (value: unknown, path: string): unknown => {
    if (Array.isArray(value)) return value.map((item, index) => walk(item, `${path}/${index}`));
    if (value === null || typeof value !== "object") return value;
    const entries = Object.entries(value);
    if (mutant === "empty-selection-null" && entries.length === 0) return null;
    if (mutant === "dangling-nulls-parent" && path !== "" && dangling.has(path)) return null;
    return Object.fromEntries(entries.map(([key, inner]) => [key, walk(inner, `${path}/${key}`)]));
  };
  return walk(data, "");
}

function keepLastOfEachField(set: SelectionSetNode): SelectionSetNode {
  const nameOf = (node: SelectionNode) =>
    node.kind === Kind.FIELD && node.selectionSet ? responseName(node) : undefined;
  const last = new Map(set.selections.map((node) => [nameOf(node), node]));
  return {
    ...set,
    selections: set.selections.filter((node) => !nameOf(node) || last.get(nameOf(node)) === node),
  };
}

export function responseName(field: FieldNode): string {
  return field.alias?.value ?? field.name.value;
}
