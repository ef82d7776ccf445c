// Learns what the graph's fields and types cost, or looks how well that is known.

import { readFileSync, writeFileSync } from "node:fs";
import {
  buildSchema,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  OperationTypeNode,
  validate,
} from "graphql";
import { Cursors } from "../cursors.ts";
import type { Databases } from "../databases.ts";
import { isWithinLimits } from "../generate/limits.ts";
import { make } from "../generate/operation.ts";
import { Pools } from "../generate/pools.ts";
import { harvest } from "../harvest.ts";
import type { Operation } from "../operation.ts";
import { Random } from "../random.ts";
import { read } from "../rows.ts";
import { System } from "../systems.ts";
import { findViewers } from "../viewers.ts";
import { type Counts, countAnswer, countAsked } from "./counts.ts";
import { fit, type Sample, spearman } from "./fit.ts";
import { type Measured, measure } from "./measure.ts";
import { picture } from "./report.ts";

const SCHEMA = new URL("../../../api.graphql", import.meta.url);
/** Much more than a page, and less than anybody waits for. */
const OBJECTS = [20, 100, 400, 2000];
/** What a mutation is said to cost; none is measured. */
const MUTATION = 20_000;

export interface Learning {
  router: string;
  /** Of `lyceum up`. */
  process: number;
  seed: number;
  operations: number;
  /** Where the weights are written. */
  weights: string | undefined;
  /** Where the picture is drawn. */
  picture: string | undefined;
}

interface Run extends Measured {
  operation: Operation;
}

export async function learn(learning: Learning, databases: Databases): Promise<void> {
  const schema = buildSchema(readFileSync(SCHEMA, "utf8"));
  const runs = await measureAll(learning, schema, databases);
  const asked = runs.map(({ operation }) => countAsked(operation, schema));
  if (learning.weights) {
    const samples = runs.map(({ operation, data, micros }) => ({
      counts: weighed(countAnswer(operation, schema, data), schema),
      measured: micros,
    }));
    const weights = fit(samples);
    writeFileSync(learning.weights, written(weights, schema));
    const fitted = samples.map(({ counts }) => total(counts, weights));
    const foretold = asked.map((counts) => total(weighed(counts, schema), weights));
    say(`fitted to ${runs.length} operations; Spearman with what they took:`);
    say(`  by the answer        ${correlation(fitted, runs)}`);
    say(`  by the document      ${correlation(foretold, runs)}`);
    return;
  }
  say(
    `${runs.length} operations; Spearman with what they took (statements and processor, microseconds):`,
  );
  const estimates = runs.map(({ estimated }) => estimated);
  const actuals = runs.map(({ actual }) => actual);
  const bytes = runs.map((run) => run.bytes);
  say(`  estimate             ${correlation(estimates, runs)}`);
  say(`  cost of the answer   ${correlation(actuals, runs)}`);
  say(`  each object 1        ${correlation(asked.map(objects), runs)}`);
  say(`  Shopify's rule       ${correlation(asked.map(shopify), runs)}`);
  say(`  bytes of the answer  ${correlation(bytes, runs)}`);
  const ratios = runs.map(({ estimated, micros }) => estimated / micros).sort((a, b) => a - b);
  const at = (part: number) => ratios[Math.floor(part * (ratios.length - 1))]?.toFixed(2);
  say(`  estimate / measured  ${at(0.05)} … ${at(0.5)} … ${at(0.95)} (5 %, median, 95 %)`);
  if (learning.picture) writeFileSync(learning.picture, picture(runs));
}

async function measureAll(learning: Learning, schema: GraphQLSchema, databases: Databases) {
  const { router, process, seed, operations } = learning;
  const tables = await read(databases);
  const system = new System("cost", router);
  await system.signIn();
  const cursors = new Cursors();
  const viewers = findViewers(tables);
  await harvest(system, viewers, cursors);
  const pools = new Pools(tables, cursors);
  const runs: Run[] = [];
  for (let number = 0; runs.length < operations && number < 4 * operations; number += 1) {
    const random = new Random(seed, number);
    const operation = make({
      schema,
      pools,
      random,
      viewer: random.pick(viewers),
      kinds: new Set(["plain"]),
      operation: OperationTypeNode.QUERY,
      mayDo: () => false,
      maxObjects: random.pick(OBJECTS),
    });
    if (validate(schema, operation.document).length > 0 || !isWithinLimits(operation)) continue;
    const measured = await measure(operation, system, process);
    if (measured) runs.push({ operation, ...measured });
    if (runs.length % 200 === 0) say(`${runs.length} of ${operations}`);
  }
  await system.close();
  return runs;
}

/** What has a weight: objects, fields that lead to some or are counted, and input fields. */
function weighed({ fields, types, inputs }: Counts, schema: GraphQLSchema): Sample["counts"] {
  const own = [...fields].filter(([coordinate]) => isWeighed(coordinate, schema));
  return new Map([...own, ...types, ...inputs]);
}

function isWeighed(coordinate: string, schema: GraphQLSchema): boolean {
  const [type = "", name = ""] = coordinate.split(".");
  const parent = schema.getType(type);
  const field = isObjectType(parent) ? parent.getFields()[name] : undefined;
  if (!field) return false;
  const isPart = ["nodes", "edges", "node", "pageInfo"].includes(name);
  return name.endsWith("Count") || (isObjectType(getNamedType(field.type)) && !isPart);
}

function written(weights: Map<string, number>, schema: GraphQLSchema): string {
  const found = { fields: {}, types: {}, inputFields: {} } as Record<
    string,
    Record<string, number>
  >;
  for (const [name, weight] of weights) {
    const rounded = Math.round(weight);
    const kind = !name.includes(".") ? "types" : isWeighed(name, schema) ? "fields" : "inputFields";
    if (rounded > 0) (found[kind] as Record<string, number>)[name] = rounded;
  }
  (found.types as Record<string, number>).Mutation = MUTATION;
  return `${JSON.stringify(found, undefined, 2)}\n`;
}

function total(counts: Map<string, number>, weights: Map<string, number>): number {
  let sum = 0;
  for (const [name, count] of counts) sum += count * (weights.get(name) ?? 0);
  return sum;
}

function correlation(costs: number[], runs: readonly Run[]): string {
  return spearman(
    costs,
    runs.map(({ micros }) => micros),
  ).toFixed(3);
}

/** As engines do where the graph says nothing. */
function objects({ types }: Counts): number {
  return [...types.values()].reduce((sum, one) => sum + one, 0);
}

/** An object 1, a connection 2 more. */
function shopify({ types }: Counts): number {
  const of = ([name, count]: [string, number]) =>
    name.endsWith("Connection")
      ? 2 * count
      : name.endsWith("Edge") || name === "PageInfo"
        ? 0
        : count;
  return [...types].map(of).reduce((sum, one) => sum + one, 0);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
