// Fits the cost weights of fields and types to measurements, or rates the current weights.

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
import { collectCursors } from "../collect-cursors.ts";
import { Cursors } from "../cursors.ts";
import type { Databases } from "../databases.ts";
import { isWithinLimits } from "../generate/limits.ts";
import { generateOperation } from "../generate/operation.ts";
import { ValuePools } from "../generate/pools.ts";
import type { Operation } from "../operation.ts";
import { Random } from "../random.ts";
import { readTables } from "../rows.ts";
import { System } from "../systems.ts";
import { findViewers } from "../viewers.ts";
import { chart } from "./chart.ts";
import { type Counts, countResult, countUpperBound } from "./counts.ts";
import { fit, type Sample, spearman } from "./fit.ts";
import { type Measurement, measure, type ProcessIds } from "./measure.ts";

const SCHEMA = new URL("../../../api.graphql", import.meta.url);
/** From the size of a page to more than a client would wait for. */
const MAX_OBJECTS = [20, 100, 400, 2000];
/** The cost of searches and counts depends on the number of courses: the weights hold for this many. */
const CATALOGUE_SIZE = 100_000;
const SEARCH_FIELD = "CourseFilter.search";
const WORDS_FIELD = "CourseFilter.words";
/** What six words cost that every course contains, in searches: a course is lower-cased once for all of them. */
const SEARCHES_PER_WORDS = 2;
/** An order by title or price sorts the catalogue, which takes as long as counting it. */
const ORDER_ARGUMENT = "Query.courses.orderBy";
const COUNT_FIELD = "CourseConnection.totalCount";
/** Whatever the fit says, an object is not free. */
const MIN_TYPE_WEIGHT = 5;
/** Assumed, since mutations are not measured. */
const MUTATION_WEIGHT = 20_000;

export interface CalibrationOptions {
  router: string;
  processes: ProcessIds;
  seed: number;
  operations: number;
  /** The file that the weights are written to. */
  weights: string | undefined;
  /** The file that the chart is written to. */
  chart: string | undefined;
}

interface MeasuredOperation extends Measurement {
  operation: Operation;
}

export async function calibrate(options: CalibrationOptions, databases: Databases): Promise<void> {
  const schema = buildSchema(readFileSync(SCHEMA, "utf8"));
  const runs = await measureAll(options, schema, databases);
  if (options.weights) {
    const samples = runs.map(({ operation, data, micros }) => ({
      counts: weightedCounts(countResult(operation, schema, data), schema),
      measured: micros,
    }));
    const weights = fit(samples);
    const search = await searchWeight(options, databases);
    weights.set(SEARCH_FIELD, search);
    weights.set(WORDS_FIELD, search * SEARCHES_PER_WORDS);
    writeFileSync(options.weights, formatWeights(weights, schema));
    printLine(`fitted ${weights.size} weights to ${runs.length} operations`);
    return;
  }
  printLine("Rank correlation (Spearman) with the CPU time of the system and its databases:");
  printCorrelations("all", runs, schema);
  printCorrelations("responses without nulls", runs.filter(isComplete), schema);
  const ratios = runs.map(({ estimated, micros }) => estimated / micros).sort((a, b) => a - b);
  const at = (part: number) => ratios[Math.floor(part * (ratios.length - 1))]?.toFixed(2);
  printLine(`  estimate / measured  ${at(0.05)} … ${at(0.5)} … ${at(0.95)} (5 %, median, 95 %)`);
  if (options.chart) writeFileSync(options.chart, chart(runs));
}

/** Whether the response has no nulls. */
function isComplete({ data }: MeasuredOperation): boolean {
  return JSON.stringify(data).search(/[:[,]null/) < 0;
}

function printCorrelations(
  which: string,
  runs: readonly MeasuredOperation[],
  schema: GraphQLSchema,
): void {
  const upperBounds = runs.map(({ operation }) => countUpperBound(operation, schema));
  const rows = {
    estimate: runs.map(({ estimated }) => estimated),
    "cost after execution": runs.map(({ actual }) => actual),
    "1 per object": upperBounds.map(objectCount),
    "Shopify's rule": upperBounds.map(shopifyCost),
    "bytes of the response": runs.map((run) => run.bytes),
  };
  printLine(`${which} (${runs.length}):`);
  for (const [name, costs] of Object.entries(rows))
    printLine(`  ${name.padEnd(20)} ${correlation(costs, runs)}`);
}

async function measureAll(
  options: CalibrationOptions,
  schema: GraphQLSchema,
  databases: Databases,
) {
  const { router, processes, seed, operations } = options;
  const tables = await readTables(databases);
  await enlargeCatalogue(databases);
  const system = new System("cost", router);
  await system.signIn();
  const cursors = new Cursors();
  const viewers = findViewers(tables);
  await collectCursors(system, viewers, cursors);
  const pools = new ValuePools(tables, cursors);
  const runs: MeasuredOperation[] = [];
  for (let number = 0; runs.length < operations && number < 4 * operations; number += 1) {
    const random = new Random(seed, number);
    const operation = generateOperation({
      schema,
      pools,
      random,
      viewer: random.pick(viewers),
      kinds: new Set(["plain"]),
      operation: OperationTypeNode.QUERY,
      isAllowed: () => false,
      maxObjects: random.pick(MAX_OBJECTS),
    });
    if (validate(schema, operation.document).length > 0 || !isWithinLimits(operation)) continue;
    const measured = await measure(operation, system, processes);
    if (measured) runs.push({ operation, ...measured });
    if (runs.length % 200 === 0) printLine(`${runs.length} of ${operations}`);
  }
  await system.close();
  return runs;
}

/** Measures a search without results, which scans all courses; most random searches stop early. */
async function searchWeight({ router, processes }: CalibrationOptions, databases: Databases) {
  const system = new System("cost", router);
  await system.signIn();
  const viewer = findViewers(await readTables(databases))[0] as Operation["viewer"];
  const measureFilter = async (filter: string) => {
    const document = parse(`{ courses(first: 1${filter}) { totalCount nodes { id } } }`);
    const operation = { document, variables: {}, operationName: undefined, viewer };
    return (await measure(operation, system, processes))?.micros ?? 0;
  };
  const weight =
    (await measureFilter(', filter: { search: "qzqzqz" }')) - (await measureFilter(""));
  await system.close();
  return Math.max(weight, 0);
}

/** Adds copies of courses, older than all others and of unknown teachers. */
async function enlargeCatalogue(databases: Databases): Promise<void> {
  await databases.rows(
    "course",
    `insert into courses (teacher_id, title, description, is_free, price, duration_minutes, level, created_at)
     select gen_random_uuid(), title, description, is_free, price, duration_minutes, level,
       timestamptz '2001-01-01' + number * interval '1 minute'
     from generate_series(1, $1) number, courses
     limit greatest(0, $1 - (select count(*) from courses))`,
    [CATALOGUE_SIZE],
  );
  await databases.rows("course", "analyze courses");
}

/** The counts that have a weight: types, fields that return objects or counts, and input fields. */
function weightedCounts(
  { fields, types, inputs }: Counts,
  schema: GraphQLSchema,
): Sample["counts"] {
  const own = [...fields].filter(([coordinate]) => hasWeight(coordinate, schema));
  return new Map([...own, ...types, ...inputs]);
}

function hasWeight(coordinate: string, schema: GraphQLSchema): boolean {
  const [type = "", name = ""] = coordinate.split(".");
  const parent = schema.getType(type);
  const field = isObjectType(parent) ? parent.getFields()[name] : undefined;
  if (!field) return false;
  const isPart = ["nodes", "edges", "node", "pageInfo"].includes(name);
  return name.endsWith("Count") || (isObjectType(getNamedType(field.type)) && !isPart);
}

function formatWeights(weights: Map<string, number>, schema: GraphQLSchema): string {
  const found = { fields: {}, types: {}, inputFields: {}, arguments: {} } as Record<
    string,
    Record<string, number>
  >;
  for (const [name, weight] of weights) {
    const isType = isObjectType(schema.getType(name));
    const rounded = Math.max(Math.round(weight), isType ? MIN_TYPE_WEIGHT : 0);
    const kind = !name.includes(".") ? "types" : hasWeight(name, schema) ? "fields" : "inputFields";
    if (rounded > 0) (found[kind] as Record<string, number>)[name] = rounded;
  }
  (found.types as Record<string, number>).Mutation = MUTATION_WEIGHT;
  const count = found.fields?.[COUNT_FIELD];
  if (count) (found.arguments as Record<string, number>)[ORDER_ARGUMENT] = count;
  return `${JSON.stringify(found, undefined, 2)}\n`;
}

function correlation(costs: number[], runs: readonly MeasuredOperation[]): string {
  return spearman(
    costs,
    runs.map(({ micros }) => micros),
  ).toFixed(3);
}

/** The default of other GraphQL servers: 1 per object. */
function objectCount({ types }: Counts): number {
  return [...types.values()].reduce((sum, one) => sum + one, 0);
}

/** 1 per object, 2 per connection. */
function shopifyCost({ types }: Counts): number {
  const of = ([name, count]: [string, number]) =>
    name.endsWith("Connection")
      ? 2 * count
      : name.endsWith("Edge") || name === "PageInfo"
        ? 0
        : count;
  return [...types].map(of).reduce((sum, one) => sum + one, 0);
}

function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}
