// Learns what the graph's fields and types cost, or looks how well that is known.

import { readFileSync, writeFileSync } from "node:fs";
import {
  buildSchema,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  OperationTypeNode,
  parse,
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
import { type Measurable, type Measured, measure } from "./measure.ts";
import { picture } from "./report.ts";

const SCHEMA = new URL("../../../api.graphql", import.meta.url);
/** Much more than a page, and less than anybody waits for. */
const OBJECTS = [20, 100, 400, 2000];
/** Searches and counts over the catalogue take what its size says: the weights are those of so many courses. */
const CATALOGUE = 100_000;
const SEARCH = "CourseFilter.search";
/** Whatever the fit says, an object is not free. */
const LEAST = 5;
/** What a mutation is said to cost; none is measured. */
const MUTATION = 20_000;

export interface Learning {
  router: string;
  processes: Measurable;
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
  if (learning.weights) {
    const samples = runs.map(({ operation, data, micros }) => ({
      counts: weighed(countAnswer(operation, schema, data), schema),
      measured: micros,
    }));
    const weights = fit(samples);
    weights.set(SEARCH, await searchWeight(learning, databases));
    writeFileSync(learning.weights, written(weights, schema));
    say(`weights of ${weights.size} things, fitted to ${runs.length} operations`);
    return;
  }
  say("Spearman with what they took, the processor's time of system and databases:");
  compare("all", runs, schema);
  compare("those that found all they asked for", runs.filter(isWhole), schema);
  const ratios = runs.map(({ estimated, micros }) => estimated / micros).sort((a, b) => a - b);
  const at = (part: number) => ratios[Math.floor(part * (ratios.length - 1))]?.toFixed(2);
  say(`  estimate / measured  ${at(0.05)} … ${at(0.5)} … ${at(0.95)} (5 %, median, 95 %)`);
  if (learning.picture) writeFileSync(learning.picture, picture(runs));
}

/** Nothing was forbidden, wrong or not there. */
function isWhole({ data }: Run): boolean {
  return JSON.stringify(data).search(/[:[,]null/) < 0;
}

function compare(which: string, runs: readonly Run[], schema: GraphQLSchema): void {
  const asked = runs.map(({ operation }) => countAsked(operation, schema));
  const rows = {
    estimate: runs.map(({ estimated }) => estimated),
    "cost of the answer": runs.map(({ actual }) => actual),
    "each object 1": asked.map(objects),
    "Shopify's rule": asked.map(shopify),
    "bytes of the answer": runs.map((run) => run.bytes),
  };
  say(`${which} (${runs.length}):`);
  for (const [name, costs] of Object.entries(rows))
    say(`  ${name.padEnd(20)} ${correlation(costs, runs)}`);
}

async function measureAll(learning: Learning, schema: GraphQLSchema, databases: Databases) {
  const { router, processes, seed, operations } = learning;
  const tables = await read(databases);
  await grow(databases);
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
    const measured = await measure(operation, system, processes);
    if (measured) runs.push({ operation, ...measured });
    if (runs.length % 200 === 0) say(`${runs.length} of ${operations}`);
  }
  await system.close();
  return runs;
}

/** A search may find nothing, for which it reads everything; most random ones find something soon. */
async function searchWeight({ router, processes }: Learning, databases: Databases) {
  const system = new System("cost", router);
  await system.signIn();
  const viewer = findViewers(await read(databases))[0] as Operation["viewer"];
  const took = async (filter: string) => {
    const document = parse(`{ courses(first: 1${filter}) { totalCount nodes { id } } }`);
    const operation = { document, variables: {}, operationName: undefined, viewer };
    return (await measure(operation, system, processes))?.micros ?? 0;
  };
  const weight = (await took(', filter: { search: "qzqzqz" }')) - (await took(""));
  await system.close();
  return Math.max(weight, 0);
}

/** More courses like those that there are, older than all of them and of nobody. */
async function grow(databases: Databases): Promise<void> {
  await databases.rows(
    "course",
    `insert into courses (teacher_id, title, description, is_free, price, duration_minutes, level, created_at)
     select gen_random_uuid(), title, description, is_free, price, duration_minutes, level,
       timestamptz '2001-01-01' + number * interval '1 minute'
     from generate_series(1, $1) number, courses
     limit greatest(0, $1 - (select count(*) from courses))`,
    [CATALOGUE],
  );
  await databases.rows("course", "analyze courses");
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
    const isType = isObjectType(schema.getType(name));
    const rounded = Math.max(Math.round(weight), isType ? LEAST : 0);
    const kind = !name.includes(".") ? "types" : isWeighed(name, schema) ? "fields" : "inputFields";
    if (rounded > 0) (found[kind] as Record<string, number>)[name] = rounded;
  }
  (found.types as Record<string, number>).Mutation = MUTATION;
  return `${JSON.stringify(found, undefined, 2)}\n`;
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
