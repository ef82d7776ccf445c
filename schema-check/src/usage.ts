// What one document uses of a schema: not only the fields that it names, but all that its
// variables may carry and all that its answer may hold.

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
  type TypeNode,
  typeFromAST,
  type ValueNode,
  valueFromAST,
  visit,
  visitWithTypeInfo,
} from "graphql";

/** The values that a document itself gives, by the name of the argument or input field. */
export type Given = ReadonlyMap<string, ValueNode>;

export interface Usage {
  /** `query`, `mutation`, `subscription`. */
  kinds: ReadonlySet<string>;
  /** By `Type.field`: the arguments given there, once for each time it is selected. */
  fields: ReadonlyMap<string, readonly Given[]>;
  /** The same of objects whose fields are selected through an interface. */
  behind: ReadonlyMap<string, readonly Given[]>;
  /** By input type: the fields given, once for each object that is written out. */
  inputObjects: ReadonlyMap<string, readonly Given[]>;
  /** Input types and enums whose values come in variables, so that they may be anything. */
  variableTypes: ReadonlySet<string>;
  /** Enum values that the document writes, as `Enum.VALUE`. */
  enumValues: ReadonlySet<string>;
  /** Types of selected fields, of their parents, and of fragments. */
  outputTypes: ReadonlySet<string>;
  /** Types of the objects that there may be in the answer. */
  objects: ReadonlySet<string>;
  /** By name: the arguments given there, once for each time it is written. */
  directives: ReadonlyMap<string, readonly Given[]>;
  /** Where directives stand, such as `upper FIELD`. */
  directivePlaces: ReadonlySet<string>;
  /** Directives that stand somewhere more than once. */
  repeated: ReadonlySet<string>;
  variables: ReadonlyMap<string, TypeNode>;
}

/** `schema` is one on which the document is valid; what it does not know is left out. */
export function usageOf(document: DocumentNode, schema: GraphQLSchema): Usage {
  const kinds = new Set<string>();
  const fields = new Map<string, Given[]>();
  const behind = new Map<string, Given[]>();
  const inputObjects = new Map<string, Given[]>();
  const variableTypes = new Set<string>();
  const enumValues = new Set<string>();
  const outputTypes = new Set<string>();
  const directives = new Map<string, Given[]>();
  const directivePlaces = new Set<string>();
  const repeated = new Set<string>();
  const variables = new Map<string, TypeNode>();

  const info = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(info, {
      OperationDefinition: ({ operation }) => void kinds.add(operation),
      VariableDefinition({ variable, type }) {
        variables.set(variable.name.value, type);
        const named = typeFromAST(schema, type as never) as GraphQLInputType | undefined;
        if (named) reach(getNamedType(named), variableTypes);
      },
      Field(node) {
        const parent = info.getParentType();
        const type = info.getType();
        if (!parent) return;
        add(fields, `${parent.name}.${node.name.value}`, given(node.arguments));
        if (isInterfaceType(parent)) {
          for (const { name } of schema.getPossibleTypes(parent)) {
            add(behind, `${name}.${node.name.value}`, given(node.arguments));
          }
        }
        outputTypes.add(parent.name);
        if (type) outputTypes.add(getNamedType(type).name);
      },
      InlineFragment: ({ typeCondition }) => note(outputTypes, typeCondition?.name.value),
      FragmentDefinition: ({ typeCondition }) => note(outputTypes, typeCondition.name.value),
      Directive(node, _, siblings, __, ancestors) {
        const name = node.name.value;
        add(directives, name, given(node.arguments));
        directivePlaces.add(`${name} ${locationOf(ancestors.at(-1) as ASTNode)}`);
        const same = (siblings as readonly DirectiveNode[]).filter(
          (each) => each.name.value === name,
        );
        if (same.length > 1) repeated.add(name);
      },
      ObjectValue(node) {
        const type = info.getInputType();
        const named = type && getNamedType(type);
        if (isInputObjectType(named)) add(inputObjects, named.name, given(node.fields));
      },
      EnumValue({ value }) {
        const type = info.getInputType();
        const named = type && getNamedType(type);
        if (isEnumType(named)) enumValues.add(`${named.name}.${value}`);
      },
    }),
  );
  const objects = new Set([...outputTypes].flatMap((name) => objectsOf(name, schema)));
  return {
    ...{ kinds, fields, behind, inputObjects, variableTypes, enumValues, outputTypes, objects },
    ...{ directives, directivePlaces, repeated, variables },
  };
}

/** As the definition of a directive names what carries it. */
function locationOf(node: ASTNode): string {
  return node.kind === Kind.OPERATION_DEFINITION
    ? node.operation.toUpperCase()
    : node.kind.replace(/\B[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function objectsOf(name: string, schema: GraphQLSchema): string[] {
  const type = schema.getType(name);
  const types = isAbstractType(type) ? schema.getPossibleTypes(type) : [{ name }];
  return types.map((each) => each.name);
}

/** May the answer hold what is at the path, a type or a field, if only through an interface or a union? */
export function mayAnswerWith(
  { fields, behind, outputTypes, objects }: Usage,
  path: string,
): boolean {
  return path.includes(".")
    ? fields.has(path) || behind.has(path)
    : outputTypes.has(path) || objects.has(path);
}

function given(nodes: readonly { name: { value: string }; value: ValueNode }[] | undefined): Given {
  return new Map((nodes ?? []).map(({ name, value }) => [name.value, value]));
}

function add<T>(map: Map<string, T[]>, key: string, value: T): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}

function note(set: Set<string>, name: string | undefined): void {
  if (name !== undefined) set.add(name);
}

/** A variable of this type may carry a value of each type that it leads to. */
function reach(type: GraphQLNamedType, reached: Set<string>): void {
  if (reached.has(type.name)) return;
  reached.add(type.name);
  if (!isInputObjectType(type)) return;
  for (const field of Object.values(type.getFields())) reach(getNamedType(field.type), reached);
}

/** Is every value that the document may send here one of `type`? */
export function fits(
  value: ValueNode,
  type: GraphQLInputType,
  usage: Usage,
  schema: GraphQLSchema,
): boolean {
  if (value.kind === Kind.VARIABLE) {
    const declared = usage.variables.get(value.name.value);
    const found = declared && typeFromAST(schema, declared as never);
    // A default does not help: null may still be sent.
    return found !== undefined && isTypeSubTypeOf(schema, found, type);
  }
  if (isNonNullType(type)) {
    return value.kind !== Kind.NULL && fits(value, type.ofType, usage, schema);
  }
  if (value.kind === Kind.NULL) return true;
  if (isListType(type)) {
    const items = value.kind === Kind.LIST ? value.values : [value];
    return items.every((item) => fits(item, type.ofType, usage, schema));
  }
  if (value.kind === Kind.LIST) return false;
  // The fields of an object are changes, and uses, of their own.
  if (isInputObjectType(type)) return value.kind === Kind.OBJECT;
  return valueFromAST(value, type) !== undefined;
}
