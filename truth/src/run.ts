// A run: generates, executes and compares operations until it reaches a limit.

import { readFileSync } from "node:fs";
import { buildSchema, type GraphQLSchema, OperationTypeNode, print, validate } from "graphql";
import { bySize, type FailingCase, fingerprint, formatCase, requiredKind } from "./case.ts";
import { collectCursors } from "./collect-cursors.ts";
import { compareEffects, compareResults, type Difference } from "./comparison.ts";
import { Cursors } from "./cursors.ts";
import type { Databases } from "./databases.ts";
import { revertChanges } from "./effects.ts";
import { Unpredictable } from "./errors.ts";
import { FEATURES, featuresOf } from "./features.ts";
import { isWithinLimits, usesTypenameAsAnother } from "./generate/limits.ts";
import { generateOperation, type Wanted } from "./generate/operation.ts";
import { ValuePools } from "./generate/pools.ts";
import { varyOperation } from "./generate/variation.ts";
import { type Mutant, mutants } from "./mutants.ts";
import { isMutation, type Operation } from "./operation.ts";
import type { Options } from "./options.ts";
import { Permissions, type Viewer } from "./permissions.ts";
import { Progress } from "./progress.ts";
import { Random } from "./random.ts";
import { type ExpectedResult, Reference } from "./reference.ts";
import { readTables, type Tables } from "./rows.ts";
import { shrink } from "./shrink.ts";
import { fieldsOfPayloads, Statistics } from "./statistics.ts";
import { type GraphQLResponse, System, type Transport } from "./systems.ts";
import { findViewers } from "./viewers.ts";

const SCHEMA = new URL("../../api.graphql", import.meta.url);
const PERMISSIONS = new URL("../../docs/permissions.json", import.meta.url);
/** Attempts to generate one operation that is valid, small and predictable. */
const MAX_ATTEMPTS = 50;
/** Each operation whose number is a multiple of this is a mutation. */
const MUTATION_INTERVAL = 5;
/** The probability that a document is executed a second time. */
const REPEAT_PROBABILITY = 0.1;
const MAX_DOCUMENT_LENGTH = 6000;
const MAX_RESULT_LENGTH = 60_000;
const MUTANT_TIMEOUT_SECONDS = 60;
/** The number of cases that are shown of equal differences. */
const MAX_CASES = 2;

interface Task {
  operation: Operation;
  expected: ExpectedResult;
  system: System;
  transport: Transport;
}

/** Returns whether there were no differences, and the coverage was complete. */
export async function runAll(options: Options, databases: Databases): Promise<boolean> {
  const schema = buildSchema(readFileSync(SCHEMA, "utf8"));
  const tables = await readTables(databases);
  const systems = options.systems.map(({ mode, router }) => new System(mode, router));
  if (systems.length === 0) throw new Error("--system is required");
  for (const system of systems) await system.signIn();
  const cursors = new Cursors();
  await collectCursors(systems[0] as System, findViewers(tables), cursors);
  const context = { schema, tables, systems, cursors, databases };
  printLine(`seed ${options.seed}`);
  try {
    if (options.mutants.length === 0) return await new Run(options, context).compare();
    let isCorrect = true;
    for (const mutant of options.mutants)
      isCorrect = (await new Run(options, context, mutant).findMutant()) && isCorrect;
    return isCorrect;
  } finally {
    for (const system of systems) await system.close();
  }
}

/** Cases with the same fingerprint. */
interface DifferenceGroup {
  count: number;
  /** The smallest ones. */
  cases: FailingCase[];
}

interface RunContext {
  schema: GraphQLSchema;
  tables: Tables;
  systems: System[];
  cursors: Cursors;
  databases: Databases;
}

class Run {
  readonly #options: Options;
  readonly #context: RunContext;
  readonly #mutant: Mutant | undefined;
  readonly #viewers: Viewer[];
  readonly #pools: ValuePools;
  readonly #reference: Reference;
  /** The reference without the mutant. */
  readonly #unmutated: Reference;
  readonly #permissions: Permissions;
  readonly #statistics: Statistics;
  readonly #wanted: Wanted[];
  readonly #found = new Map<string, DifferenceGroup>();
  #differenceCount = 0;

  constructor(options: Options, context: RunContext, mutant?: Mutant) {
    this.#options = options;
    this.#context = context;
    this.#mutant = mutant;
    const { schema, tables, cursors } = context;
    this.#statistics = new Statistics(schema);
    this.#wanted = fieldsOfPayloads(schema);
    const all = findViewers(tables);
    const { viewers } = options;
    this.#viewers = viewers.length > 0 ? all.filter(({ name }) => viewers.includes(name)) : all;
    this.#pools = new ValuePools(tables, cursors);
    const unrestricted = mutant === "permission-forgotten" ? ["Course.enrollments"] : [];
    const referenceContext = { schema, tables, cursors };
    const permissions = new Permissions(PERMISSIONS);
    this.#permissions = permissions;
    this.#unmutated = new Reference({ ...referenceContext, permissions, mutant: undefined });
    const misread = new Permissions(PERMISSIONS, unrestricted);
    this.#reference = new Reference({ ...referenceContext, permissions: misread, mutant });
  }

  async compare(): Promise<boolean> {
    await this.#runOperations(
      this.#options.operations,
      this.#options.seconds,
      this.#options.differences,
    );
    for (const { count, cases } of this.#found.values())
      for (const one of cases) printLine(`\n${formatCase(one)}\n(${count} cases like this)`);
    printLine(`\n${this.#statistics.format()}`);
    const { kinds, queries } = this.#options;
    const isEnabled = (feature: string) =>
      (kinds.has("conditions") || !/condition|empty/.test(feature)) &&
      (kinds.has("key-aliases") || feature !== "key alias") &&
      (!queries || !feature.startsWith("mutation"));
    const missing = this.#statistics.missingFeatures(FEATURES.filter(isEnabled));
    if (missing.length > 0) printLine(`not generated: ${missing.join(", ")}`);
    const unselected = queries ? [] : this.#statistics.unselectedFields;
    if (unselected.length > 0) printLine(`fields never selected: ${unselected.join(", ")}`);
    const kindsFound = [...this.#found.values()].flatMap(({ cases: [one] }) =>
      one ? requiredKind(one.operation) : [],
    );
    printLine(
      `${this.#differenceCount} differences, ${this.#found.size} distinct ${JSON.stringify(count(kindsFound))}`,
    );
    return this.#differenceCount === 0 && missing.length === 0 && unselected.length === 0;
  }

  async findMutant(): Promise<boolean> {
    const since = Date.now();
    await this.#runOperations(undefined, MUTANT_TIMEOUT_SECONDS, 1);
    const [found] = [...this.#found.values()].flatMap(({ cases }) => cases);
    const { operations } = this.#statistics;
    const after = `${operations} operations, ${((Date.now() - since) / 1000).toFixed(1)} s`;
    const name = `${this.#mutant}: ${this.#mutant && mutants[this.#mutant]}`;
    printLine(found ? `found      ${name} (${after})` : `not found  ${name} (${after})`);
    if (found && !this.#options.quiet) printLine(`${formatCase(found)}\n`);
    return found !== undefined;
  }

  async #runOperations(
    operations = Number.POSITIVE_INFINITY,
    seconds = Number.POSITIVE_INFINITY,
    enough = 1,
  ) {
    const { first, concurrency, quiet } = this.#options;
    const progress = new Progress(operations, seconds, quiet);
    const inFlight = new Set<Promise<void>>();
    for (let number = first; number - first < operations; number += 1) {
      if (progress.isOver || this.#found.size >= enough) break;
      for (const task of await this.#tasksFor(number)) {
        const isMutating = isMutation(task.operation);
        if (isMutating || inFlight.size >= concurrency)
          await (isMutating ? Promise.all(inFlight) : Promise.race(inFlight));
        const check = this.#check(task).finally(() => inFlight.delete(check));
        inFlight.add(check);
        if (isMutating) await check;
        progress.show(this.#statistics, this.#differenceCount);
      }
    }
    await Promise.all(inFlight);
    progress.end();
  }

  /** The operation of this number, and sometimes a variation of it. */
  async #tasksFor(number: number): Promise<Task[]> {
    const task = await this.#task(number);
    if (!task) return [];
    const random = new Random(this.#options.seed, number, MAX_ATTEMPTS);
    if (!random.chance(REPEAT_PROBABILITY)) return [task];
    const operation = varyOperation(task.operation, random, this.#viewers);
    const expected = await this.#expect(operation);
    return expected && isSmall(expected) ? [task, { ...task, operation, expected }] : [task];
  }

  /** The operation of this number, the same in each run with this seed. */
  async #task(number: number): Promise<Task | undefined> {
    const { seed, kinds, queries, transports } = this.#options;
    const { schema, systems } = this.#context;
    const isMutating = !queries && number % MUTATION_INTERVAL === 0;
    // One after the other: chance alone leaves out some of those that few operations can select.
    const wanted = isMutating
      ? this.#wanted[(number / MUTATION_INTERVAL) % this.#wanted.length]
      : undefined;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const random = new Random(seed, number, attempt);
      const viewer = this.#viewer(random, isMutating);
      const system = random.pick(systems);
      const allowedTransports = isMutating
        ? transports.filter((one) => one === "post" || one === "ws")
        : transports;
      const transport = allowedTransports.length > 0 ? random.pick(allowedTransports) : "post";
      const operation = generateOperation({
        schema,
        pools: this.#pools,
        random,
        viewer,
        kinds,
        operation: isMutating ? OperationTypeNode.MUTATION : OperationTypeNode.QUERY,
        isAllowed: (mutation) => this.#isAllowed(mutation, viewer),
        wanted,
      });
      if (print(operation.document).length > MAX_DOCUMENT_LENGTH) continue;
      if (validate(schema, operation.document).length > 0) continue;
      if (usesTypenameAsAnother(operation.document)) continue;
      if (!isWithinLimits(operation)) continue;
      const expected = await this.#expect(operation);
      if (expected && isSmall(expected)) return { operation, expected, system, transport };
    }
    return undefined;
  }

  /** The anonymous viewer, who may change nothing, runs fewer mutations. */
  #viewer(random: Random, isMutating: boolean): Viewer {
    const viewer = random.pick(this.#viewers);
    const isOther = isMutating && viewer.id === null && random.chance(0.7);
    return isOther ? random.pick(this.#viewers) : viewer;
  }

  #isAllowed(mutation: string, viewer: Viewer): boolean {
    const coordinate = `Mutation.${mutation}`;
    return this.#permissions.outcome(coordinate, viewer, viewer.id ?? undefined) === "allowed";
  }

  async #expect(operation: Operation): Promise<ExpectedResult | undefined> {
    try {
      return await this.#reference.execute(operation);
    } catch (error) {
      if (error instanceof Unpredictable) return undefined;
      throw new Error(`the reference fails: ${error}\n${print(operation.document)}`, {
        cause: error,
      });
    }
  }

  async #check(task: Task): Promise<void> {
    const { operation, expected, system, transport } = task;
    const { differences } = await this.#send(task);
    this.#statistics.count(operation, system, transport, featuresOf(operation, expected));
    if (differences.length === 0) return;
    this.#differenceCount += 1;
    await this.#shrinkAndRecord(task, differences);
  }

  async #shrinkAndRecord(task: Task, differences: Difference[]): Promise<void> {
    const kind = differences[0]?.kind;
    let last: FailingCase | undefined;
    await shrink(task.operation, this.#context.schema, async (operation) => {
      const expected = await this.#expect(operation);
      if (!expected) return false;
      const { response, differences } = await this.#send({ ...task, operation, expected });
      if (!differences.some((difference) => difference.kind === kind)) return false;
      last = { ...task, operation, expected, response, differences };
      return true;
    });
    const { response, differences: rerun } = await this.#send(task);
    const smallest = last ?? {
      ...task,
      response,
      differences: rerun.length > 0 ? rerun : differences,
    };
    const key = fingerprint(smallest);
    const known = this.#found.get(key) ?? { count: 0, cases: [] };
    const cases = [...known.cases, smallest].sort(bySize).slice(0, MAX_CASES);
    this.#found.set(key, { count: known.count + 1, cases });
  }

  async #send({ operation, expected, system, transport }: Task) {
    let response: GraphQLResponse;
    try {
      response = await system.send(operation, transport);
    } catch (error) {
      response = { errors: [{ message: `no response: ${error}` }] };
    }
    const { databases, cursors } = this.#context;
    const effects = isMutation(operation) ? await revertChanges(databases) : [];
    const compare = (result: ExpectedResult) => [
      ...compareResults(result, response, cursors),
      ...compareEffects(result.changes, effects),
    ];
    const differences = compare(expected);
    if (!this.#mutant || differences.length === 0) return { response, differences };
    // A difference from the unmutated reference is a bug in the system, and does not count as finding the mutant.
    const isSystemBug = compare(await this.#unmutated.execute(operation)).length > 0;
    return { response, differences: isSystemBug ? [] : differences };
  }
}

function isSmall({ data }: ExpectedResult): boolean {
  return JSON.stringify(data).length <= MAX_RESULT_LENGTH;
}

function count(list: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of list) counts[item] = (counts[item] ?? 0) + 1;
  return counts;
}

function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}
