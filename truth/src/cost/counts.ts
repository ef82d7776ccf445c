// Counts how often each field, object and input field occurs. The cost weights are multiplied by these counts.

import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type SelectionSetNode,
  type ValueNode,
  valueFromASTUntyped,
} from "graphql";
import type { Operation } from "../operation.ts";

/** By coordinate, such as `Query.courses`, or by type name. */
export interface Counts {
  fields: Map<string, number>;
  types: Map<string, number>;
  inputs: Map<string, number>;
}

const DEFAULT_PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 100;

/** The number of objects of a field for its parents, and their values, if there is a response. */
type CountObjects = (field: MergedField, parents: Objects) => Objects;

interface Objects {
  count: number;
  values: Record<string, unknown>[];
  /** The page size of the connection that they belong to. */
  page: number;
}

/** All selections with the same response key. */
interface MergedField {
  key: string;
  definition: GraphQLField<unknown, unknown>;
  nodes: FieldNode[];
  args: Record<string, unknown>;
}

/** The counts in a response. */
export function countResult(operation: Operation, schema: GraphQLSchema, data: unknown): Counts {
  const root = data as Record<string, unknown> | null | undefined;
  const values = root ? [root] : [];
  return new Counter(operation, schema, ({ key }, parents) => {
    const found = parents.values.map((parent) => parent[key]).flat(3);
    const objects = found.filter((one) => one !== null && one !== undefined);
    return { count: objects.length, values: objects as Record<string, unknown>[], page: 1 };
  }).count({ count: values.length, values, page: 1 });
}

/** The maximum counts of any response to the operation. */
export function countUpperBound(operation: Operation, schema: GraphQLSchema): Counts {
  return new Counter(operation, schema, ({ definition, args }, parents) => {
    const isList = isListType(
      isNonNullType(definition.type) ? definition.type.ofType : definition.type,
    );
    const pageSize = Number(args.first ?? args.last ?? DEFAULT_PAGE_SIZE);
    const isPage = ["nodes", "edges"].includes(definition.name);
    const size = isList ? (isPage ? parents.page : 1) : 1;
    return { count: parents.count * size, values: [], page: Math.min(pageSize, MAX_PAGE_SIZE) };
  }).count({ count: 1, values: [], page: 1 });
}

class Counter {
  readonly #operation: Operation;
  readonly #schema: GraphQLSchema;
  readonly #multiply: CountObjects;
  readonly #variables: Record<string, unknown>;
  readonly #counts: Counts = { fields: new Map(), types: new Map(), inputs: new Map() };

  constructor(operation: Operation, schema: GraphQLSchema, multiply: CountObjects) {
    this.#operation = operation;
    this.#schema = schema;
    this.#multiply = multiply;
    const defined = getOperationAST(operation.document, operation.operationName);
    const defaults = (defined?.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
      defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
    );
    this.#variables = { ...Object.fromEntries(defaults), ...operation.variables };
  }

  count(root: Objects): Counts {
    const operation = getOperationAST(this.#operation.document, this.#operation.operationName);
    const type = operation && this.#schema.getRootType(operation.operation);
    if (!operation || !type) throw new Error("the document has no such operation");
    add(this.#counts.types, type.name, root.count);
    this.#selections([operation.selectionSet], type, root);
    return this.#counts;
  }

  #selections(sets: SelectionSetNode[], type: GraphQLObjectType, parents: Objects): void {
    if (parents.count === 0) return;
    const merged = new Map<string, MergedField>();
    for (const set of sets) this.#merge(set, type, merged);
    for (const field of merged.values()) {
      const coordinate = `${type.name}.${field.definition.name}`;
      add(this.#counts.fields, coordinate, 1);
      for (const argument of field.definition.args)
        this.#input(getNamedType(argument.type), field.args[argument.name]);
      const inner = getNamedType(field.definition.type);
      if (isLeafType(inner) || !isObjectType(inner)) continue;
      const objects = this.#multiply(field, parents);
      add(this.#counts.types, inner.name, objects.count);
      const selections = field.nodes.flatMap((node) => node.selectionSet ?? []);
      this.#selections(selections, inner, objects);
    }
  }

  #input(type: ReturnType<typeof getNamedType>, value: unknown): void {
    if (!isInputObjectType(type) || typeof value !== "object" || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      const field = type.getFields()[name];
      if (!field || inner === null || inner === undefined) continue;
      add(this.#counts.inputs, `${type.name}.${name}`, 1);
      this.#input(getNamedType(field.type), inner);
    }
  }

  #merge(set: SelectionSetNode, type: GraphQLObjectType, merged: Map<string, MergedField>): void {
    for (const node of set.selections) {
      if (!this.#isIncluded(node)) continue;
      if (node.kind !== Kind.FIELD) {
        const inner = node.kind === Kind.INLINE_FRAGMENT ? node : this.#fragment(node.name.value);
        if (inner) this.#merge(inner.selectionSet, type, merged);
        continue;
      }
      const definition = type.getFields()[node.name.value];
      if (!definition) continue;
      const key = node.alias?.value ?? node.name.value;
      const known = merged.get(key);
      if (known) known.nodes.push(node);
      else merged.set(key, { key, definition, nodes: [node], args: this.#args(node) });
    }
  }

  #args(node: FieldNode): Record<string, unknown> {
    const args = (node.arguments ?? []).map(({ name, value }) => [name.value, this.#value(value)]);
    return Object.fromEntries(args);
  }

  #value(node: ValueNode): unknown {
    return valueFromASTUntyped(node, this.#variables);
  }

  #isIncluded({ directives }: SelectionSetNode["selections"][number]): boolean {
    return (directives ?? []).every(({ name, arguments: args }) => {
      const condition = args?.[0] && this.#value(args[0].value);
      return name.value === "skip" ? !condition : name.value !== "include" || Boolean(condition);
    });
  }

  #fragment(name: string): FragmentDefinitionNode | undefined {
    for (const definition of this.#operation.document.definitions)
      if (definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name)
        return definition;
    return undefined;
  }
}

function add(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}
