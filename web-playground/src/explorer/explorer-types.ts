import {
  type GraphQLSchema,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  OperationTypeNode,
} from 'graphql';

/** Finds the item around another one. */
type FindParent = (item: HTMLElement) => HTMLElement | undefined;

/** The type of a field or argument of the explorer, such as `[Course!]!`, and its description. */
export function describeItem(
  item: HTMLElement,
  schema: GraphQLSchema | null | undefined,
  parentOf: FindParent,
): { type: string; description: string } | undefined {
  const named = item.dataset.fieldType ?? item.parentElement?.dataset.argType;
  if (!named) return undefined;
  const found = schema && definitionOf(item, schema, parentOf);
  return { type: found ? String(found.type) : named, description: found?.description ?? '' };
}

function definitionOf(item: HTMLElement, schema: GraphQLSchema, parentOf: FindParent) {
  const parent = parentOf(item);
  const { fieldName } = item.dataset;
  if (fieldName) return fieldsOf(schema, parent ? typeName(parent) : rootType(item, schema))?.[fieldName];

  const name = item.parentElement?.dataset.argName ?? '';
  const parentField = parent?.dataset.fieldName;
  if (!parent || !parentField) return parent && inputFieldsOf(schema, typeName(parent))?.[name];
  const around = parentOf(parent);
  const field = fieldsOf(schema, around ? typeName(around) : rootType(parent, schema))?.[parentField];
  return field?.args.find((arg) => arg.name === name);
}

/** The named type of a field or argument; an item without either is a type itself. */
function typeName(item: HTMLElement): string {
  return item.dataset.fieldType ?? item.parentElement?.dataset.argType ?? item.textContent?.trim() ?? '';
}

/** The explorer gives each operation an id that begins with its kind. */
function rootType(item: HTMLElement, schema: GraphQLSchema): string {
  const kind = Object.values(OperationTypeNode).find((one) => item.closest(`[id^="${one}-"]`));
  return (kind && schema.getRootType(kind)?.name) ?? '';
}

function fieldsOf(schema: GraphQLSchema, name: string) {
  const type = schema.getType(name);
  return isObjectType(type) || isInterfaceType(type) ? type.getFields() : undefined;
}

function inputFieldsOf(schema: GraphQLSchema, name: string) {
  const type = schema.getType(name);
  return isInputObjectType(type) ? type.getFields() : undefined;
}
