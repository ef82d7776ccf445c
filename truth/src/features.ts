// The features of an operation and its result, for the coverage statistics of a run.

import {
  type DocumentNode,
  type FieldNode,
  getOperationAST,
  Kind,
  type SelectionSetNode,
  visit,
} from "graphql";
import { KEY_LIKE_ALIASES } from "./kinds.ts";
import { isMutation, type Operation } from "./operation.ts";
import type { ExpectedResult } from "./reference.ts";

export const FEATURES = [
  "condition",
  "condition by variable",
  "condition at the root",
  "condition on __typename",
  "condition on a fragment",
  "empty object",
  "alias",
  "key alias",
  "fragment",
  "inline fragment without type",
  "interface",
  "union",
  "merged field",
  "several operations",
  "introspection",
  "variable",
  "variable omitted",
  "variable null",
  "variable with default",
  "variable in an input object",
  "cursor",
  "backward page",
  "filter",
  "dangling reference",
  "mutation",
  "mutation with effect",
  "mutations in sequence",
  "FORBIDDEN",
  "UNAUTHENTICATED",
  "BAD_USER_INPUT",
  "depth of 8 or more",
] as const;
export type Feature = (typeof FEATURES)[number];

export function featuresOf(operation: Operation, expected: ExpectedResult): Set<Feature> {
  const features = documentFeatures(operation);
  const { document, variables } = operation;
  visit(document, {
    VariableDefinition(node) {
      const name = node.variable.name.value;
      features.add("variable");
      if (!Object.hasOwn(variables, name)) features.add("variable omitted");
      if (variables[name] === null) features.add("variable null");
      if (node.defaultValue) features.add("variable with default");
    },
    ObjectField(node) {
      if (node.value.kind === Kind.VARIABLE) features.add("variable in an input object");
    },
  });
  if (isMutation(operation)) {
    features.add("mutation");
    if (expected.changes.length > 0) features.add("mutation with effect");
    const root = getOperationAST(document, operation.operationName);
    if ((root?.selectionSet.selections.length ?? 0) > 1) features.add("mutations in sequence");
  }
  if (expected.hasDanglingReferences) features.add("dangling reference");
  if (hasEmptyObject(expected.data)) features.add("empty object");
  for (const { code } of expected.errors)
    for (const feature of FEATURES) if (feature === code) features.add(feature);
  return features;
}

/** The features of the document alone. */
function documentFeatures({ document }: Operation): Set<Feature> {
  const features = new Set<Feature>();
  visit(document, {
    Directive(node, _key, _parent, _path, ancestors) {
      features.add("condition");
      if (node.arguments?.[0]?.value.kind === Kind.VARIABLE) features.add("condition by variable");
      const owner = ancestors.at(-1);
      if (!owner || !("kind" in owner)) return;
      if (owner.kind === Kind.INLINE_FRAGMENT || owner.kind === Kind.FRAGMENT_SPREAD)
        features.add("condition on a fragment");
      if (owner.kind === Kind.FIELD && owner.name.value === "__typename")
        features.add("condition on __typename");
      const operation = ancestors.at(-4);
      if (operation && "kind" in operation && operation.kind === Kind.OPERATION_DEFINITION)
        features.add("condition at the root");
    },
    Field(node) {
      if (/^__(schema|type)$/.test(node.name.value)) features.add("introspection");
      const alias = node.alias?.value;
      if (alias === undefined || alias === node.name.value) return;
      features.add("alias");
      if (isKeyAlias(alias)) features.add("key alias");
    },
    OperationDefinition(node) {
      if (node.name?.value === "Other") features.add("several operations");
    },
    FragmentDefinition: () => void features.add("fragment"),
    InlineFragment(node, _key, _parent, _path, ancestors) {
      if (!node.typeCondition) features.add("inline fragment without type");
      const parent = ancestors.at(-2);
      if (isField(parent) && parent.name.value === "subject") features.add("union");
      if (isField(parent) && /^nodes?$/.test(parent.name.value) && node.typeCondition)
        features.add("interface");
    },
    Argument({ name: { value: name } }) {
      if (name === "after" || name === "before") features.add("cursor");
      if (name === "last") features.add("backward page");
      if (["filter", "status", "state", "unreadOnly"].includes(name)) features.add("filter");
    },
    SelectionSet(node) {
      if (hasDuplicateKeys(node)) features.add("merged field");
    },
  });
  if (depth(document) >= 8) features.add("depth of 8 or more");
  return features;
}

function isField(node: unknown): node is FieldNode {
  return (node as { kind?: unknown } | undefined)?.kind === Kind.FIELD;
}

/** Plain aliases are a letter and a digit; all others are names with a meaning in the graph. */
export function isKeyAlias(alias: string): boolean {
  return KEY_LIKE_ALIASES.includes(alias) || !/^[a-es]\d+$/.test(alias);
}

function hasDuplicateKeys({ selections }: SelectionSetNode): boolean {
  const keys = selections.flatMap((node) =>
    node.kind === Kind.FIELD ? [(node.alias ?? node.name).value] : [],
  );
  return new Set(keys).size < keys.length;
}

function depth(document: DocumentNode): number {
  let now = 0;
  let deepest = 0;
  visit(document, {
    Field: {
      enter: () => {
        now += 1;
        deepest = Math.max(deepest, now);
      },
      leave: () => {
        now -= 1;
      },
    },
  });
  return deepest;
}

function hasEmptyObject(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasEmptyObject);
  if (typeof value !== "object" || value === null) return false;
  const inner = Object.values(value);
  return inner.length === 0 || inner.some(hasEmptyObject);
}
