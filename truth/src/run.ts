// One run: operation after operation, until there are enough, or enough is wrong.

import { readFileSync } from "node:fs";
import { buildSchema, type GraphQLSchema, OperationTypeNode, print, validate } from "graphql";
import { bySize, type Case, fingerprint, kindOf, written } from "./case.ts";
import { compareAnswers, compareEffects, type Difference } from "./comparison.ts";
import { Cursors } from "./cursors.ts";
import type { Databases } from "./databases.ts";
import { takeBack } from "./effects.ts";
import { FEATURES, featuresOf } from "./features.ts";
import { isWithinLimits } from "./generate/limits.ts";
import { make } from "./generate/operation.ts";
import { Pools } from "./generate/pools.ts";
import { vary } from "./generate/variation.ts";
import { harvest } from "./harvest.ts";
import { type Mutant, mutants } from "./mutants.ts";
import { isMutation, type Operation } from "./operation.ts";
import type { Options } from "./options.ts";
import { Permissions, type Viewer } from "./permissions.ts";
import { Progress } from "./progress.ts";
import { Random } from "./random.ts";
import { type Expected, Reference } from "./reference.ts";
import { Unpredictable } from "./refusal.ts";
import { read, type Tables } from "./rows.ts";
import { shrink } from "./shrink.ts";
import { Statistics } from "./statistics.ts";
import { type Reply, System, type Transport } from "./systems.ts";
import { findViewers } from "./viewers.ts";

const SCHEMA = new URL("../../api.graphql", import.meta.url);
const PERMISSIONS = new URL("../../docs/permissions.json", import.meta.url);
/** Of one operation that is to be valid, small, and foretold. */
const MAX_TRIES = 50;
/** How often a document is asked a second time. */
const AGAIN = 0.1;
const MAX_DOCUMENT = 6000;
const MAX_ANSWER = 60_000;
const MUTANT_SECONDS = 60;
/** That are shown of differences that look the same. */
const MAX_CASES = 2;

interface Task {
  operation: Operation;
  expected: Expected;
  system: System;
  transport: Transport;
}

/** Whether everything was as it should be. */
export async function runAll(options: Options, databases: Databases): Promise<boolean> {
  const schema = buildSchema(readFileSync(SCHEMA, "utf8"));
  const tables = await read(databases);
  const systems = options.systems.map(({ mode, router }) => new System(mode, router));
  if (systems.length === 0) throw new Error("--system is required");
  for (const system of systems) await system.signIn();
  const cursors = new Cursors();
  await harvest(systems[0] as System, findViewers(tables), cursors);
  const setting = { schema, tables, systems, cursors, databases };
  say(`seed ${options.seed}`);
  try {
    if (options.mutants.length === 0) return await new Run(options, setting).compare();
    let isGood = true;
    for (const mutant of options.mutants)
      isGood = (await new Run(options, setting, mutant).findMutant()) && isGood;
    return isGood;
  } finally {
    for (const system of systems) await system.close();
  }
}

/** Differences that look the same. */
interface Found {
  times: number;
  /** The smallest of them. */
  cases: Case[];
}

interface Setting {
  schema: GraphQLSchema;
  tables: Tables;
  systems: System[];
  cursors: Cursors;
  databases: Databases;
}

class Run {
  readonly #options: Options;
  readonly #setting: Setting;
  readonly #mutant: Mutant | undefined;
  readonly #viewers: Viewer[];
  readonly #pools: Pools;
  readonly #reference: Reference;
  /** The same without a mutant. */
  readonly #healthy: Reference;
  readonly #permissions: Permissions;
  readonly #statistics: Statistics;
  readonly #found = new Map<string, Found>();
  #wrong = 0;

  constructor(options: Options, setting: Setting, mutant?: Mutant) {
    this.#options = options;
    this.#setting = setting;
    this.#mutant = mutant;
    const { schema, tables, cursors } = setting;
    this.#statistics = new Statistics(schema);
    const all = findViewers(tables);
    const { viewers } = options;
    this.#viewers = viewers.length > 0 ? all.filter(({ name }) => viewers.includes(name)) : all;
    this.#pools = new Pools(tables, cursors);
    const forgotten = mutant === "permission-forgotten" ? ["Course.enrollments"] : [];
    const world = { schema, tables, cursors };
    const permissions = new Permissions(PERMISSIONS);
    this.#permissions = permissions;
    this.#healthy = new Reference({ ...world, permissions, mutant: undefined });
    const misread = new Permissions(PERMISSIONS, forgotten);
    this.#reference = new Reference({ ...world, permissions: misread, mutant });
  }

  async compare(): Promise<boolean> {
    await this.#go(this.#options.operations, this.#options.seconds, this.#options.differences);
    for (const { times, cases } of this.#found.values())
      for (const one of cases) say(`\n${written(one)}\n(${times} like this)`);
    say(`\n${this.#statistics.written()}`);
    const { kinds, queries } = this.#options;
    const isMade = (feature: string) =>
      (kinds.has("conditions") || !/condition|empty/.test(feature)) &&
      (kinds.has("key-aliases") || feature !== "key alias") &&
      (!queries || !feature.startsWith("mutation"));
    const missing = this.#statistics.missing(FEATURES.filter(isMade));
    if (missing.length > 0) say(`never made: ${missing.join(", ")}`);
    const unasked = queries ? [] : this.#statistics.unasked;
    if (unasked.length > 0) say(`never asked for: ${unasked.join(", ")}`);
    const kindsFound = [...this.#found.values()].flatMap(({ cases: [one] }) =>
      one ? kindOf(one.operation) : [],
    );
    say(
      `${this.#wrong} differences, ${this.#found.size} distinct ${JSON.stringify(count(kindsFound))}`,
    );
    return this.#wrong === 0 && missing.length === 0 && unasked.length === 0;
  }

  async findMutant(): Promise<boolean> {
    const since = Date.now();
    await this.#go(undefined, MUTANT_SECONDS, 1);
    const [found] = [...this.#found.values()].flatMap(({ cases }) => cases);
    const { operations } = this.#statistics;
    const after = `${operations} operations, ${((Date.now() - since) / 1000).toFixed(1)} s`;
    const name = `${this.#mutant}: ${this.#mutant && mutants[this.#mutant]}`;
    say(found ? `found      ${name} (${after})` : `not found  ${name} (${after})`);
    if (found && !this.#options.quiet) say(`${written(found)}\n`);
    return found !== undefined;
  }

  async #go(operations = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY, enough = 1) {
    const { first, concurrency, quiet } = this.#options;
    const progress = new Progress(operations, seconds, quiet);
    const under = new Set<Promise<void>>();
    for (let number = first; number - first < operations; number += 1) {
      if (progress.isOver || this.#found.size >= enough) break;
      for (const task of await this.#tasks(number)) {
        const changes = isMutation(task.operation);
        if (changes || under.size >= concurrency)
          await (changes ? Promise.all(under) : Promise.race(under));
        const asking = this.#check(task).finally(() => under.delete(asking));
        under.add(asking);
        if (changes) await asking;
        progress.show(this.#statistics, this.#wrong);
      }
    }
    await Promise.all(under);
    progress.end();
  }

  /** The operation of this number, and now and then its document again. */
  async #tasks(number: number): Promise<Task[]> {
    const task = await this.#task(number);
    if (!task) return [];
    const random = new Random(this.#options.seed, number, MAX_TRIES);
    if (!random.chance(AGAIN)) return [task];
    const operation = vary(task.operation, random, this.#viewers);
    const expected = await this.#expect(operation);
    return expected && isSmall(expected) ? [task, { ...task, operation, expected }] : [task];
  }

  /** The operation of this number, which is the same in each run of this seed. */
  async #task(number: number): Promise<Task | undefined> {
    const { seed, kinds, queries, transports } = this.#options;
    const { schema, systems } = this.#setting;
    for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
      const random = new Random(seed, number, attempt);
      const changes = !queries && random.chance(0.2);
      const viewer = this.#viewer(random, changes);
      const system = random.pick(systems);
      const possible = changes
        ? transports.filter((one) => one === "post" || one === "ws")
        : transports;
      const transport = possible.length > 0 ? random.pick(possible) : "post";
      const operation = make({
        schema,
        pools: this.#pools,
        random,
        viewer,
        kinds,
        operation: changes ? OperationTypeNode.MUTATION : OperationTypeNode.QUERY,
        mayDo: (mutation) => this.#mayDo(mutation, viewer),
      });
      if (print(operation.document).length > MAX_DOCUMENT) continue;
      if (validate(schema, operation.document).length > 0) continue;
      if (!isWithinLimits(operation)) continue;
      const expected = await this.#expect(operation);
      if (expected && isSmall(expected)) return { operation, expected, system, transport };
    }
    return undefined;
  }

  /** Those who may change nothing try it less often. */
  #viewer(random: Random, changes: boolean): Viewer {
    const viewer = random.pick(this.#viewers);
    const isOther = changes && viewer.id === null && random.chance(0.7);
    return isOther ? random.pick(this.#viewers) : viewer;
  }

  #mayDo(mutation: string, viewer: Viewer): boolean {
    const coordinate = `Mutation.${mutation}`;
    return this.#permissions.outcome(coordinate, viewer, viewer.id ?? undefined) === "allowed";
  }

  async #expect(operation: Operation): Promise<Expected | undefined> {
    try {
      return await this.#reference.answer(operation);
    } catch (error) {
      if (error instanceof Unpredictable) return undefined;
      throw new Error(`the reference fails: ${error}\n${print(operation.document)}`, {
        cause: error,
      });
    }
  }

  async #check(task: Task): Promise<void> {
    const { operation, expected, system, transport } = task;
    const { differences } = await this.#ask(task);
    this.#statistics.count(operation, system, transport, featuresOf(operation, expected));
    if (differences.length === 0) return;
    this.#wrong += 1;
    await this.#remember(task, differences);
  }

  async #remember(task: Task, differences: Difference[]): Promise<void> {
    const kind = differences[0]?.kind;
    let last: Case | undefined;
    await shrink(task.operation, this.#setting.schema, async (operation) => {
      const expected = await this.#expect(operation);
      if (!expected) return false;
      const { reply, differences } = await this.#ask({ ...task, operation, expected });
      if (!differences.some((difference) => difference.kind === kind)) return false;
      last = { ...task, operation, expected, reply, differences };
      return true;
    });
    const { reply, differences: again } = await this.#ask(task);
    const smallest = last ?? {
      ...task,
      reply,
      differences: again.length > 0 ? again : differences,
    };
    const key = fingerprint(smallest);
    const known = this.#found.get(key) ?? { times: 0, cases: [] };
    const cases = [...known.cases, smallest].sort(bySize).slice(0, MAX_CASES);
    this.#found.set(key, { times: known.times + 1, cases });
  }

  async #ask({ operation, expected, system, transport }: Task) {
    let reply: Reply;
    try {
      reply = await system.ask(operation, transport);
    } catch (error) {
      reply = { errors: [{ message: `no answer: ${error}` }] };
    }
    const { databases, cursors } = this.#setting;
    const effects = isMutation(operation) ? await takeBack(databases) : [];
    const compare = (answer: Expected) => [
      ...compareAnswers(answer, reply, cursors),
      ...compareEffects(answer.changes, effects),
    ];
    const differences = compare(expected);
    if (!this.#mutant || differences.length === 0) return { reply, differences };
    // Only what is the mutant's fault finds it, and not what the system gets wrong itself.
    const isSystems = compare(await this.#healthy.answer(operation)).length > 0;
    return { reply, differences: isSystems ? [] : differences };
  }
}

function isSmall({ data }: Expected): boolean {
  return JSON.stringify(data).length <= MAX_ANSWER;
}

function count(list: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of list) counts[item] = (counts[item] ?? 0) + 1;
  return counts;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
