// The command-line options.

import { parseArgs } from "node:util";
import type { CalibrationOptions } from "./cost/calibrate.ts";
import { OPERATION_KINDS, type OperationKind } from "./kinds.ts";
import { type Mutant, mutants } from "./mutants.ts";
import type { ViewerName } from "./permissions.ts";
import { TRANSPORTS, type Transport } from "./systems.ts";

export const USAGE = `Usage: lyceum-truth --system MODE=URL… [options]

  --system MODE=URL   a router, such as in-process=http://127.0.0.1:4000; several are used at random
  --seed N            generates the same operations each time (default: from the clock)
  --operations N      number of operations (default: 1000)
  --seconds N         duration, instead of a number of operations
  --first N           start with this operation of the seed
  --viewer NAME       only this viewer; can be repeated
  --transport NAME    only post, get, sse or ws; can be repeated
  --plain, --conditions, --key-aliases
                      only these kinds of operations (default: all)
  --queries           no mutations
  --differences N     stop after N distinct differences (default: 10)
  --concurrency N     number of concurrent queries (default: 4)
  --mutant NAME       put this known bug into the reference, and check that it is found
  --mutants           all known bugs, one after the other
  --quiet             do not show progress

       lyceum-truth cost --router URL --process PID --database-process PID [options]

  fits the cost weights to random queries, or rates the current weights
  --operations N, --seed N
  --weights FILE      fit the weights, and write them to docs/costs.json
  --picture FILE      write a chart of estimated against measured cost
`;

export interface Options {
  systems: { mode: string; router: string }[];
  seed: number;
  operations: number | undefined;
  seconds: number | undefined;
  first: number;
  viewers: ViewerName[];
  transports: Transport[];
  kinds: ReadonlySet<OperationKind>;
  queries: boolean;
  differences: number;
  concurrency: number;
  mutants: Mutant[];
  quiet: boolean;
}

export function readOptions(args: string[]): Options {
  const repeated = { type: "string", multiple: true } as const;
  const single = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args,
    options: {
      system: repeated,
      seed: single,
      operations: single,
      seconds: single,
      first: single,
      viewer: repeated,
      transport: repeated,
      plain: flag,
      conditions: flag,
      "key-aliases": flag,
      queries: flag,
      differences: single,
      concurrency: single,
      mutant: repeated,
      mutants: flag,
      quiet: flag,
    },
  });
  const chosen = OPERATION_KINDS.filter((kind) => values[kind]);
  const seconds = number(values.seconds);
  return {
    systems: (values.system ?? []).map(system),
    seed: number(values.seed) ?? Date.now() % 1_000_000,
    operations: number(values.operations) ?? (seconds === undefined ? 1000 : undefined),
    seconds,
    first: number(values.first) ?? 0,
    viewers: (values.viewer ?? []) as ViewerName[],
    transports: values.transport?.map(transport) ?? [...TRANSPORTS],
    kinds: new Set(chosen.length > 0 ? chosen : OPERATION_KINDS),
    queries: values.queries,
    differences: number(values.differences) ?? 10,
    concurrency: number(values.concurrency) ?? 4,
    mutants: values.mutants
      ? (Object.keys(mutants) as Mutant[])
      : (values.mutant ?? []).map(mutant),
    quiet: values.quiet,
  };
}

export function readCalibrationOptions(args: string[]): CalibrationOptions {
  const single = { type: "string" } as const;
  const { values } = parseArgs({
    args,
    options: {
      router: single,
      process: single,
      "database-process": single,
      seed: single,
      operations: single,
      weights: single,
      picture: single,
    },
  });
  const systemProcess = number(values.process);
  const database = number(values["database-process"]);
  if (!values.router || systemProcess === undefined || database === undefined)
    throw new Error("--router, --process and --database-process are required");
  return {
    router: values.router,
    processes: { system: systemProcess, database },
    seed: number(values.seed) ?? 1,
    operations: number(values.operations) ?? 2000,
    weights: values.weights,
    chart: values.picture,
  };
}

function number(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0)
    throw new Error(`${text} is not a non-negative integer`);
  return value;
}

function system(text: string) {
  const [mode, router] = text.split(/=(.*)/s);
  if (!mode || !router) throw new Error(`${text} is not MODE=URL`);
  return { mode, router };
}

function transport(name: string): Transport {
  const found = TRANSPORTS.find((single) => single === name);
  if (!found) throw new Error(`unknown transport ${name}`);
  return found;
}

function mutant(name: string): Mutant {
  if (!Object.hasOwn(mutants, name)) throw new Error(`unknown mutant ${name}`);
  return name as Mutant;
}
