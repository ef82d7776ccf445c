// What a document uses of a schema: the fields that it selects, every value that its variables can carry, and
// every type that its response can contain.

import {
  type ASTNode,
  type DirectiveNode,
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isTypeSubTypeOf,
  Kind,
  TypeInfo,
  typeFromAST,
  type ValueNode,
  type VariableDefinitionNode,
  valueFromAST,
  visit,
  visitWithTypeInfo,
} from "graphql";

/** The values in the document, by the name of the argument or input field. */
export type GivenValues = ReadonlyMap<string, ValueNode>;

export interface Usage {
  /** `query`, `mutation`, `subscription`. */
  kinds: ReadonlySet<string>;
  /** By `Type.field`: the arguments of each selection. */
  fields: ReadonlyMap<string, readonly GivenValues[]>;
  /** The same for fields of objects that are selected through an interface. */
  implementations: ReadonlyMap<string, readonly GivenValues[]>;
  /** By input type: the fields of each object literal. */
  inputObjects: ReadonlyMap<string, readonly GivenValues[]>;
  /** Input types and enums that variables can carry, with any value. */
  variableTypes: ReadonlySet<string>;
  /** Enum literals in the document, as `Enum.VALUE`. */
  enumValues: ReadonlySet<string>;
  /** Types of selected fields, of their parents, and of fragments. */
  outputTypes: ReadonlySet<string>;
  /** Types of the objects that the response can contain. */
  objects: ReadonlySet<string>;
  /** By name: the arguments of each use. */
  directives: ReadonlyMap<string, readonly GivenValues[]>;
  /** Where directives are used, such as `upper FIELD`. */
  directiveLocations: ReadonlySet<string>;
  /** Directives that are used more than once at the same location. */
  repeatedDirectives: ReadonlySet<string>;
  variables: ReadonlyMap<string, VariableDefinitionNode>;
}

/** `schema` is one that the document is valid against; unknown fields are skipped. */
export function usageOf(document: DocumentNode, schema: GraphQLSchema): Usage {
  const kinds = new Set<string>();
  const fields = new Map<string, GivenValues[]>();
  const implementations = new Map<string, GivenValues[]>();
  const inputObjects = new Map<string, GivenValues[]>();
  const variableTypes = new Set<string>();
  const enumValues = new Set<string>();
  const outputTypes = new Set<string>();
  const directives = new Map<string, GivenValues[]>();
  const directiveLocations = new Set<string>();
  const repeatedDirectives = new Set<string>();
  const variables = new Map<string, VariableDefinitionNode>();

  const info = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(info, {
      OperationDefinition: ({ operation }) => void kinds.add(operation),
      VariableDefinition(node) {
        variables.set(node.variable.name.value, node);
        const named = typeFromAST(schema, node.type as never) as GraphQLInputType | undefined;
        if (named) collectInputTypes(getNamedType(named), variableTypes);
      },
      Field(node) {
        const parent = info.getParentType();
        const type = info.getType();
        if (!parent) return;
        add(fields, `${parent.name}.${node.name.value}`, givenValues(node.arguments));
        if (isInterfaceType(parent)) {
          for (const { name } of schema.getPossibleTypes(parent)) {
            add(implementations, `${name}.${node.name.value}`, givenValues(node.arguments));
          }
        }
        outputTypes.add(parent.name);
        if (type) outputTypes.add(getNamedType(type).name);
      },
      InlineFragment: ({ typeCondition }) => addDefined(outputTypes, typeCondition?.name.value),
      FragmentDefinition: ({ typeCondition }) => addDefined(outputTypes, typeCondition.name.value),
      Directive(node, _, siblings, __, ancestors) {
        const name = node.name.value;
        add(directives, name, givenValues(node.arguments));
        directiveLocations.add(`${name} ${locationOf(ancestors.at(-1) as ASTNode)}`);
        const same = (siblings as readonly DirectiveNode[]).filter(
          (each) => each.name.value === name,
        );
        if (same.length > 1) repeatedDirectives.add(name);
      },
      ObjectValue(node) {
        const type = info.getInputType();
        const named = type && getNamedType(type);
        if (isInputObjectType(named)) add(inputObjects, named.name, givenValues(node.fields));
      },
      EnumValue({ value }) {
        const type = info.getInputType();
        const named = type && getNamedType(type);
        if (isEnumType(named)) enumValues.add(`${named.name}.${value}`);
      },
    }),
  );
  const objects = new Set([...outputTypes].flatMap((name) => possibleObjects(name, schema)));
  return {
    ...{
      kinds,
      fields,
      implementations,
      inputObjects,
      variableTypes,
      enumValues,
      outputTypes,
      objects,
    },
    ...{ directives, directiveLocations, repeatedDirectives, variables },
  };
}

/** The directive location of a node, as directive definitions name it. */
function locationOf(node: ASTNode): string {
  return node.kind === Kind.OPERATION_DEFINITION
    ? node.operation.toUpperCase()
    : node.kind.replace(/\B[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function possibleObjects(name: string, schema: GraphQLSchema): string[] {
  const type = schema.getType(name);
  const types = isAbstractType(type) ? schema.getPossibleTypes(type) : [{ name }];
  return types.map((each) => each.name);
}

/** Whether the response can contain a type or field, also through an interface or union. */
export function mayReturn(
  { fields, implementations, outputTypes, objects }: Usage,
  path: string,
): boolean {
  return path.includes(".")
    ? fields.has(path) || implementations.has(path)
    : outputTypes.has(path) || objects.has(path);
}

function givenValues(
  nodes: readonly { name: { value: string }; value: ValueNode }[] | undefined,
): GivenValues {
  return new Map((nodes ?? []).map(({ name, value }) => [name.value, value]));
}

function add<T>(map: Map<string, T[]>, key: string, value: T): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}

function addDefined(set: Set<string>, name: string | undefined): void {
  if (name !== undefined) set.add(name);
}

/** Collects the input types and enums that a variable of this type can carry. */
function collectInputTypes(type: GraphQLNamedType, reached: Set<string>): void {
  if (reached.has(type.name)) return;
  reached.add(type.name);
  if (!isInputObjectType(type)) return;
  for (const field of Object.values(type.getFields()))
    collectInputTypes(getNamedType(field.type), reached);
}

/**
 * Whether every value that the document can send here is valid for `type`. `nullWasRefused`: the former type took no
 * null either.
 */
export function isAssignable(
  value: ValueNode,
  type: GraphQLInputType,
  usage: Usage,
  schema: GraphQLSchema,
  nullWasRefused = false,
): boolean {
  if (value.kind === Kind.VARIABLE) {
    const declared = usage.variables.get(value.name.value);
    const found = declared && typeFromAST(schema, declared.type as never);
    if (!found) return false;
    if (isTypeSubTypeOf(schema, found, type)) return true;
    // A default makes the document valid, but the client may still send null.
    const hasDefault = declared.defaultValue && declared.defaultValue.kind !== Kind.NULL;
    const isNullable = isNonNullType(type) && isTypeSubTypeOf(schema, found, type.ofType);
    return nullWasRefused && isNullable && hasDefault === true;
  }
  if (isNonNullType(type)) {
    return value.kind !== Kind.NULL && isAssignable(value, type.ofType, usage, schema);
  }
  if (value.kind === Kind.NULL) return true;
  if (isListType(type)) {
    const items = value.kind === Kind.LIST ? value.values : [value];
    return items.every((item) => isAssignable(item, type.ofType, usage, schema));
  }
  if (value.kind === Kind.LIST) return false;
  // The fields of an object are checked separately.
  if (isInputObjectType(type)) return value.kind === Kind.OBJECT;
  return valueFromAST(value, type) !== undefined;
}
