import {
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  isRequiredArgument,
  Kind,
  type OperationDefinitionNode,
  parse,
  parseType,
  parseValue,
  print,
  type SelectionNode,
  type SelectionSetNode,
  type VariableDefinitionNode,
} from 'graphql';
import type { ReachableField, Step } from './fields';

/** The document with the field, and what leads to it. Throws when the document or a value cannot be parsed. */
export function addField(
  document: string,
  operationName: string | undefined,
  { operation, path }: ReachableField,
  values: Record<string, string>,
): string {
  const read: DocumentNode = document.trim() ? parse(document) : { kind: Kind.DOCUMENT, definitions: [] };
  const operations = read.definitions.filter(
    (one): one is OperationDefinitionNode =>
      one.kind === Kind.OPERATION_DEFINITION && one.operation === operation,
  );
  const target = operations.find(({ name }) => name?.value === operationName) ?? operations[0];
  const variables: VariableDefinitionNode[] = [];
  const base: OperationDefinitionNode = target ?? newOperation(operation, path);
  const changed: OperationDefinitionNode = {
    ...base,
    selectionSet: withPath(base.selectionSet, path, values, variables),
    variableDefinitions: [
      ...(base.variableDefinitions ?? []),
      ...variables.filter((one) => !declares(base, one)),
    ],
  };
  const definitions = target
    ? read.definitions.map((one) => (one === target ? changed : one))
    : [...read.definitions, changed];
  return `${print({ ...read, definitions })}\n`;
}

function newOperation(
  operation: OperationDefinitionNode['operation'],
  [first]: Step[],
): OperationDefinitionNode {
  const field = first?.field ?? 'new';
  return {
    kind: Kind.OPERATION_DEFINITION,
    operation,
    name: { kind: Kind.NAME, value: field.charAt(0).toUpperCase() + field.slice(1) },
    selectionSet: { kind: Kind.SELECTION_SET, selections: [] },
  };
}

function declares(
  { variableDefinitions = [] }: OperationDefinitionNode,
  { variable }: VariableDefinitionNode,
) {
  return variableDefinitions.some((one) => one.variable.name.value === variable.name.value);
}

function withPath(
  set: SelectionSetNode,
  [step, ...rest]: Step[],
  values: Record<string, string>,
  variables: VariableDefinitionNode[],
): SelectionSetNode {
  if (!step) return set;
  if (step.on) {
    const { on } = step;
    return changeSelection(
      set,
      (one) => one.kind === Kind.INLINE_FRAGMENT && one.typeCondition?.name.value === on,
      (fragment) => ({
        kind: Kind.INLINE_FRAGMENT,
        typeCondition: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: on } },
        selectionSet: withPath(setOf(fragment), [{ ...step, on: undefined }, ...rest], values, variables),
      }),
    );
  }
  return changeSelection(
    set,
    (one) => one.kind === Kind.FIELD && one.name.value === step.field && !one.alias,
    (field) => changedField(field as FieldNode | undefined, step, rest, values, variables),
  );
}

function changedField(
  field: FieldNode | undefined,
  step: Step,
  rest: Step[],
  values: Record<string, string>,
  variables: VariableDefinitionNode[],
): FieldNode {
  const given = rest.length === 0 ? values : {};
  const args = [...(field?.arguments ?? [])].filter(({ name }) => !given[name.value]?.trim());
  for (const { name } of step.args) if (given[name]?.trim()) args.push(argument(name, given[name]));
  for (const required of step.args.filter(isRequiredArgument)) {
    if (args.some(({ name }) => name.value === required.name)) continue;
    args.push(argument(required.name, `$${required.name}`));
    variables.push({
      kind: Kind.VARIABLE_DEFINITION,
      variable: { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: required.name } },
      type: parseType(String(required.type)),
    });
  }
  const { selectionSet, ...own } = field ?? {
    kind: Kind.FIELD as const,
    name: { kind: Kind.NAME as const, value: step.field },
    selectionSet: undefined,
  };
  const inner = withPath(selectionSet ?? emptySet(), rest, values, variables);
  const complete = inner.selections.length > 0 || !isCompositeType(step.type) ? inner : leafOf(step);
  return { ...own, arguments: args, ...(complete.selections.length > 0 ? { selectionSet: complete } : {}) };
}

/** Of an object, something has to be selected. */
function leafOf({ type }: Step): SelectionSetNode {
  const hasId = (isObjectType(type) || isInterfaceType(type)) && 'id' in type.getFields();
  const name = { kind: Kind.NAME as const, value: hasId ? 'id' : '__typename' };
  return { ...emptySet(), selections: [{ kind: Kind.FIELD, name }] };
}

function argument(name: string, value: string): ArgumentNode {
  try {
    return { kind: Kind.ARGUMENT, name: { kind: Kind.NAME, value: name }, value: parseValue(value) };
  } catch {
    throw new Error(`The value of ${name} is not one of GraphQL. Text needs quotes: "${value}".`);
  }
}

/** Replaces the selection that is meant, or adds it. */
function changeSelection(
  set: SelectionSetNode,
  isMeant: (one: SelectionNode) => boolean,
  change: (one: SelectionNode | undefined) => SelectionNode,
): SelectionSetNode {
  const found = set.selections.find(isMeant);
  const selections = found
    ? set.selections.map((one) => (one === found ? change(one) : one))
    : [...set.selections, change(undefined)];
  return { ...set, selections };
}

function setOf(selection: SelectionNode | undefined): SelectionSetNode {
  return (selection && 'selectionSet' in selection ? selection.selectionSet : undefined) ?? emptySet();
}

function emptySet(): SelectionSetNode {
  return { kind: Kind.SELECTION_SET, selections: [] };
}
