// The coverage of a run. Features that are never generated are never compared, so the run reports them.

import {
  type GraphQLSchema,
  isIntrospectionType,
  isObjectType,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from "graphql";
import { FEATURES, type Feature } from "./features.ts";
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
    this.#countFields(operation);
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

  #countFields({ document }: Operation): void {
    const info = new TypeInfo(this.#schema);
    const Field = () => {
      this.#fields.add(`${info.getParentType()?.name}.${info.getFieldDef()?.name}`);
    };
    visit(document, visitWithTypeInfo(info, { Field }));
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

/** All fields except subscriptions, mutations without a model, and the payloads of those. */
function comparableFields(schema: GraphQLSchema): string[] {
  const types = Object.values(schema.getTypeMap()).filter(isObjectType);
  const all = types.filter((type) => !isIntrospectionType(type) && type.name !== "Subscription");
  const isModelled = (name: string) => mutations[name] !== undefined;
  const modelled = new Set(
    Object.values(schema.getMutationType()?.getFields() ?? {})
      .filter(({ name }) => isModelled(name))
      .map(({ type }) => `${type}`.replace("!", "")),
  );
  return all
    .filter(({ name }) => !name.endsWith("Payload") || modelled.has(name))
    .flatMap((type) =>
      Object.keys(type.getFields())
        .filter((name) => type !== schema.getMutationType() || isModelled(name))
        .map((name) => `${type.name}.${name}`),
    );
}
