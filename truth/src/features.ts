// What an operation and its answer have in them, so that a run can say what it has covered.

import { type DocumentNode, getOperationAST, Kind, type SelectionSetNode, visit } from "graphql";
import { KEY_NAMES } from "./kinds.ts";
import { isMutation, type Operation } from "./operation.ts";
import type { Expected } from "./reference.ts";

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
  "merged field",
  "several operations",
  "introspection",
  "variable",
  "variable left out",
  "variable null",
  "variable with default",
  "variable in an input object",
  "cursor",
  "backward page",
  "filter",
  "dead key",
  "mutation",
  "mutation with effect",
  "mutations in sequence",
  "FORBIDDEN",
  "UNAUTHENTICATED",
  "BAD_USER_INPUT",
  "depth of 8 or more",
] as const;
export type Feature = (typeof FEATURES)[number];

export function featuresOf(operation: Operation, expected: Expected): Set<Feature> {
  const features = ofDocument(operation);
  const { document, variables } = operation;
  visit(document, {
    VariableDefinition(node) {
      const name = node.variable.name.value;
      features.add("variable");
      if (!Object.hasOwn(variables, name)) features.add("variable left out");
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
  if (expected.hasDeadKeys) features.add("dead key");
  if (hasEmptyObject(expected.data)) features.add("empty object");
  for (const { code } of expected.errors)
    for (const feature of FEATURES) if (feature === code) features.add(feature);
  return features;
}

/** What is to be seen in the document alone. */
function ofDocument({ document }: Operation): Set<Feature> {
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
    InlineFragment(node) {
      if (!node.typeCondition) features.add("inline fragment without type");
    },
    Argument({ name: { value: name } }) {
      if (name === "after" || name === "before") features.add("cursor");
      if (name === "last") features.add("backward page");
      if (["filter", "status", "unreadOnly"].includes(name)) features.add("filter");
    },
    SelectionSet(node) {
      if (hasTwice(node)) features.add("merged field");
    },
  });
  if (depth(document) >= 8) features.add("depth of 8 or more");
  return features;
}

/** Plain aliases are a letter and a number; all others are names that mean something. */
export function isKeyAlias(alias: string): boolean {
  return KEY_NAMES.includes(alias) || !/^[a-es]\d+$/.test(alias);
}

function hasTwice({ selections }: SelectionSetNode): boolean {
  const keys = selections.flatMap((node) =>
    node.kind === Kind.FIELD ? [(node.alias ?? node.name).value] : [],
  );
  return new Set(keys).size < keys.length;
}

function depth(document: DocumentNode): number {
  let now = 0;
  let most = 0;
  visit(document, {
    Field: {
      enter: () => {
        now += 1;
        most = Math.max(most, now);
      },
      leave: () => {
        now -= 1;
      },
    },
  });
  return most;
}

function hasEmptyObject(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasEmptyObject);
  if (typeof value !== "object" || value === null) return false;
  const inner = Object.values(value);
  return inner.length === 0 || inner.some(hasEmptyObject);
}
