// The coverage of a run. Features that are never generated are never compared, so the run reports them.

import {
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isObjectType,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from "graphql";
import { FEATURES, type Feature } from "./features.ts";
import type { Wanted } from "./generate/operation.ts";
import { mutations } from "./mutations.ts";
import type { Operation } from "./operation.ts";
import type { System, Transport } from "./systems.ts";

/** With fewer operations, a feature can be missing by chance. */
const MIN_OPERATIONS_FOR_COVERAGE = 1700;

export class Statistics {
  operations = 0;
  readonly #startedAt = Date.now();
  readonly #features = new Map<Feature, number>(FEATURES.map((feature) => [feature, 0]));
  readonly #counts = new Map<string, number>();
  readonly #schema: GraphQLSchema;
  /** As `Type.field`. */
  readonly #fields = new Set<string>();

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
  }

  count(operation: Operation, system: System, transport: Transport, features: Set<Feature>): void {
    this.operations += 1;
    for (const feature of features)
      this.#features.set(feature, (this.#features.get(feature) ?? 0) + 1);
    for (const field of selectedFields(this.#schema, operation)) this.#fields.add(field);
    for (const what of [`as ${operation.viewer.name}`, `over ${transport}`, system.mode])
      this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  get perSecond(): number {
    return (this.operations * 1000) / Math.max(1, Date.now() - this.#startedAt);
  }

  /** Expected features that the run did not generate. */
  missingFeatures(expected: readonly Feature[]): Feature[] {
    if (this.operations < MIN_OPERATIONS_FOR_COVERAGE) return [];
    return expected.filter((feature) => this.#features.get(feature) === 0);
  }

  /** Comparable fields of the graph that were never selected. */
  get unselectedFields(): string[] {
    if (this.operations < MIN_OPERATIONS_FOR_COVERAGE) return [];
    return comparableFields(this.#schema).filter((field) => !this.#fields.has(field));
  }

  format(): string {
    const list = (counts: Iterable<[string, number]>) =>
      [...counts].map(([what, count]) => `${what} ${count}`).join(", ");
    return [
      `${this.operations} operations, ${this.perSecond.toFixed(1)} per second`,
      list([...this.#counts].sort()),
      `with ${list(this.#features)}`,
    ].join("\n");
  }
}

/** As `Type.field`. */
export function selectedFields(schema: GraphQLSchema, { document }: Operation): Set<string> {
  const fields = new Set<string>();
  const info = new TypeInfo(schema);
  const Field = () => {
    fields.add(`${info.getParentType()?.name}.${info.getFieldDef()?.name}`);
  };
  visit(document, visitWithTypeInfo(info, { Field }));
  return fields;
}

/** The comparable fields that only mutations return. */
export function fieldsOfPayloads(schema: GraphQLSchema): Wanted[] {
  const ofQueries = reachableTypes(schema, [schema.getQueryType()]);
  return comparableFields(schema)
    .map((coordinate) => coordinate.split(".") as [string, string])
    .filter(([type]) => type !== schema.getMutationType()?.name && !ofQueries.has(type))
    .map(([type, field]) => ({ type, field }));
}

/** All fields except subscriptions, mutations without a model, and what only those return. */
function comparableFields(schema: GraphQLSchema): string[] {
  const all = Object.values(schema.getMutationType()?.getFields() ?? {});
  const modelled = all.filter(({ name }) => mutations[name] !== undefined);
  const payloads = modelled.map(({ type }) => getNamedType(type));
  const types = [...reachableTypes(schema, [schema.getQueryType(), ...payloads])]
    .map((name) => schema.getType(name))
    .filter(isObjectType);
  return [
    ...modelled.map(({ name }) => `${schema.getMutationType()?.name}.${name}`),
    ...types.flatMap((type) => Object.keys(type.getFields()).map((name) => `${type.name}.${name}`)),
  ];
}

function reachableTypes(
  schema: GraphQLSchema,
  roots: readonly (GraphQLNamedType | null | undefined)[],
): Set<string> {
  const found = new Set<string>();
  const open = roots.filter((root) => root != null);
  for (let type = open.pop(); type; type = open.pop()) {
    if (found.has(type.name)) continue;
    found.add(type.name);
    if (isAbstractType(type)) open.push(...schema.getPossibleTypes(type));
    if (isObjectType(type) || isInterfaceType(type))
      open.push(...Object.values(type.getFields()).map((field) => getNamedType(field.type)));
  }
  return found;
}
