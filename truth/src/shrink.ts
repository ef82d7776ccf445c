// Shrinks an operation while its result still differs.

import {
  type ASTNode,
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  print,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
  validate,
  visit,
} from "graphql";
import type { Operation } from "./operation.ts";

const MAX_ATTEMPTS = 600;

export async function shrink(
  operation: Operation,
  schema: GraphQLSchema,
  isStillWrong: (operation: Operation) => Promise<boolean>,
): Promise<Operation> {
  let smallest = operation;
  let attempts = 0;
  const tried = new Set<string>();
  for (let hasShrunk = true; hasShrunk && attempts < MAX_ATTEMPTS; ) {
    hasShrunk = false;
    for (const candidate of candidates(smallest)) {
      const text = `${print(candidate.document)}${JSON.stringify(candidate.variables)}`;
      if (tried.has(text) || size(candidate) >= size(smallest)) continue;
      tried.add(text);
      if (validate(schema, candidate.document).length > 0) continue;
      attempts += 1;
      if (attempts > MAX_ATTEMPTS) break;
      if (await isStillWrong(candidate)) {
        smallest = candidate;
        hasShrunk = true;
        break;
      }
    }
  }
  return smallest;
}

function size({ document, variables }: Operation): number {
  // Indentation does not count.
  const text = print(document).replace(/\s+/g, " ");
  return text.length + JSON.stringify(variables).length;
}

/** Smaller operations, largest reductions first. */
function* candidates(operation: Operation): Generator<Operation> {
  const { document, variables } = operation;
  const nodes: ASTNode[] = [];
  visit(document, {
    enter(node, _key, parent) {
      const isDefined = parent && "kind" in parent && parent.kind === Kind.VARIABLE_DEFINITION;
      if (!(isDefined && node.kind === Kind.VARIABLE)) nodes.push(node);
    },
  });

  for (const node of nodes) {
    for (const replacement of replacements(node, operation)) {
      const changed: DocumentNode = visit(document, {
        enter: (found) => (found === node ? replacement : undefined),
      });
      const tidy = withoutUnused(changed);
      const names = new Set(variablesOf(tidy));
      const remaining = Object.entries(variables).filter(([name]) => names.has(name));
      yield { ...operation, document: tidy, variables: Object.fromEntries(remaining) };
    }
  }
  if (operation.operationName !== undefined) yield { ...operation, operationName: undefined };
}

/** Smaller replacements for a node; null to remove it. */
function* replacements(node: ASTNode, operation: Operation): Generator<ASTNode | null> {
  switch (node.kind) {
    case Kind.SELECTION_SET:
      yield* smallerSets(node, operation.document);
      break;
    case Kind.DIRECTIVE:
    case Kind.ARGUMENT:
    case Kind.OBJECT_FIELD:
      yield null;
      break;
    case Kind.FIELD:
      if (node.alias) yield { ...node, alias: undefined };
      break;
    case Kind.INLINE_FRAGMENT:
      if (node.typeCondition) yield { ...node, typeCondition: undefined };
      break;
    case Kind.OPERATION_DEFINITION:
      if (operation.operationName !== undefined && node.name?.value !== operation.operationName)
        yield null;
      if (node.name && operation.operationName === undefined) yield { ...node, name: undefined };
      break;
    case Kind.VARIABLE: {
      const value = literal(node.name.value, operation);
      if (value) yield value;
      break;
    }
    case Kind.VARIABLE_DEFINITION:
      if (node.defaultValue && node.variable.name.value in operation.variables)
        yield { ...node, defaultValue: undefined };
  }
}

function* smallerSets(set: SelectionSetNode, document: DocumentNode): Generator<SelectionSetNode> {
  const { selections } = set;
  const replaceAt = (index: number, others: readonly SelectionNode[]) => ({
    ...set,
    selections: selections.toSpliced(index, 1, ...others),
  });
  if (selections.length > 3) {
    const half = Math.ceil(selections.length / 2);
    yield { ...set, selections: selections.slice(0, half) };
    yield { ...set, selections: selections.slice(half) };
  }
  for (const index of selections.keys()) if (selections.length > 1) yield replaceAt(index, []);
  for (const [index, selection] of selections.entries()) {
    if (selection.kind === Kind.INLINE_FRAGMENT && !selection.directives?.length)
      yield replaceAt(index, selection.selectionSet.selections);
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      const found = document.definitions.find(
        (one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === selection.name.value,
      );
      if (found?.kind === Kind.FRAGMENT_DEFINITION) {
        const { directives } = selection;
        const { selectionSet } = found;
        yield replaceAt(index, [{ kind: Kind.INLINE_FRAGMENT, directives, selectionSet }]);
      }
    }
  }
}

/** The value of a variable as a literal, if it has one. */
function literal(name: string, { document, variables }: Operation): ValueNode | undefined {
  const value = variables[name];
  if (typeof value === "boolean") return { kind: Kind.BOOLEAN, value };
  if (typeof value === "number") return { kind: Kind.INT, value: `${value}` };
  if (value === null) return { kind: Kind.NULL };
  const definition = document.definitions
    .flatMap((one) =>
      one.kind === Kind.OPERATION_DEFINITION ? (one.variableDefinitions ?? []) : [],
    )
    .find((one) => one.variable.name.value === name);
  if (typeof value === "string") {
    const type = definition ? print(definition.type).replace("!", "") : "";
    return ["String", "ID", "Decimal"].includes(type)
      ? { kind: Kind.STRING, value }
      : { kind: Kind.ENUM, value };
  }
  return value === undefined ? definition?.defaultValue : undefined;
}

function variablesOf(document: DocumentNode): string[] {
  const names: string[] = [];
  visit(document, {
    VariableDefinition: () => false,
    Variable: (node) => void names.push(node.name.value),
  });
  return names;
}

/** Removes unused fragments and variables. */
function withoutUnused(document: DocumentNode): DocumentNode {
  let tidy = document;
  for (let before = -1; before !== tidy.definitions.length; ) {
    before = tidy.definitions.length;
    const spread = new Set<string>();
    visit(tidy, { FragmentSpread: (node) => void spread.add(node.name.value) });
    const definitions = tidy.definitions.filter(
      (one) => one.kind !== Kind.FRAGMENT_DEFINITION || spread.has(one.name.value),
    );
    tidy = { ...tidy, definitions };
  }
  const used = new Set(variablesOf(tidy));
  return visit(tidy, {
    VariableDefinition: (node) => (used.has(node.variable.name.value) ? undefined : null),
  });
}
