// Known bugs, put into the reference one at a time: a comparison that is worth something finds each.

import {
  type DocumentNode,
  type FieldNode,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from "graphql";

export const mutants = {
  "alias-replaces-key":
    "an alias `id` takes the place of the key by which other services are asked",
  "include-lost": "`@include` and `@skip` of fragments are not heeded",
  "default-lost": "a variable that is left out has no default",
  "dead-key-takes-parent": "what points to something deleted is gone, too",
  "empty-selection-null": "an object of which nothing is selected is null",
  "parallel-mutations": "all mutations take effect before the first one answers",
  "page-off-by-one": "a page has one row more than asked for",
  "filter-ignored": "a list takes no notice of `status`",
  "permission-forgotten": "anybody may see who is on a course",
  "merge-lost": "of two equal fields, the second one's selections count",
} as const;
export type Mutant = keyof typeof mutants;

/** What the bug makes of a document before it is executed. */
export function misread(document: DocumentNode, mutant: Mutant | undefined): DocumentNode {
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
      return visit(document, { SelectionSet: { leave: lastOfEach } });
    default:
      return document;
  }
}

/** What the bug makes of the answer. */
export function misanswer(data: unknown, mutant: Mutant | undefined, gone: Set<string>): unknown {
  const walk = (value: unknown, path: string): unknown => {
    if (Array.isArray(value)) return value.map((item, index) => walk(item, `${path}/${index}`));
    if (value === null || typeof value !== "object") return value;
    const entries = Object.entries(value);
    if (mutant === "empty-selection-null" && entries.length === 0) return null;
    if (mutant === "dead-key-takes-parent" && path !== "" && gone.has(path)) return null;
    return Object.fromEntries(entries.map(([key, inner]) => [key, walk(inner, `${path}/${key}`)]));
  };
  return walk(data, "");
}

function lastOfEach(set: SelectionSetNode): SelectionSetNode {
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
