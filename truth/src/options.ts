// What the command line says.

import { parseArgs } from "node:util";
import type { Learning } from "./cost/learn.ts";
import { KINDS, type Kind } from "./kinds.ts";
import { type Mutant, mutants } from "./mutants.ts";
import type { ViewerName } from "./permissions.ts";
import { TRANSPORTS, type Transport } from "./systems.ts";

export const USAGE = `Usage: lyceum-truth --system MODE=URL… [options]

  --system MODE=URL   a router, such as in-process=http://127.0.0.1:4000; several take turns
  --seed N            the same number makes the same operations (default: by the clock)
  --operations N      how many (default: 1000)
  --seconds N         for so long instead
  --first N           begin with this operation of the seed
  --viewer NAME       as this viewer only; may be repeated
  --transport NAME    post, get, sse or ws only; may be repeated
  --plain, --conditions, --key-aliases
                      these kinds of operations only (default: all)
  --queries           no mutations
  --differences N     end after so many distinct differences (default: 10)
  --concurrency N     queries under way at a time (default: 4)
  --mutant NAME       put this known bug into the reference: it has to be found
  --mutants           each of them, one after the other
  --quiet             no progress

       lyceum-truth cost --router URL --process PID --database-process PID [options]

  learns from random queries what the graph costs, or says how well that is known
  --operations N, --seed N
  --weights FILE      learn, and write docs/costs.json
  --picture FILE      draw what was estimated and what was measured
`;

export interface Options {
  systems: { mode: string; router: string }[];
  seed: number;
  operations: number | undefined;
  seconds: number | undefined;
  first: number;
  viewers: ViewerName[];
  transports: Transport[];
  kinds: ReadonlySet<Kind>;
  queries: boolean;
  differences: number;
  concurrency: number;
  mutants: Mutant[];
  quiet: boolean;
}

export function readOptions(args: string[]): Options {
  const many = { type: "string", multiple: true } as const;
  const one = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args,
    options: {
      system: many,
      seed: one,
      operations: one,
      seconds: one,
      first: one,
      viewer: many,
      transport: many,
      plain: flag,
      conditions: flag,
      "key-aliases": flag,
      queries: flag,
      differences: one,
      concurrency: one,
      mutant: many,
      mutants: flag,
      quiet: flag,
    },
  });
  const chosen = KINDS.filter((kind) => values[kind]);
  const seconds = number(values.seconds);
  return {
    systems: (values.system ?? []).map(system),
    seed: number(values.seed) ?? Date.now() % 1_000_000,
    operations: number(values.operations) ?? (seconds === undefined ? 1000 : undefined),
    seconds,
    first: number(values.first) ?? 0,
    viewers: (values.viewer ?? []) as ViewerName[],
    transports: values.transport?.map(transport) ?? [...TRANSPORTS],
    kinds: new Set(chosen.length > 0 ? chosen : KINDS),
    queries: values.queries,
    differences: number(values.differences) ?? 10,
    concurrency: number(values.concurrency) ?? 4,
    mutants: values.mutants
      ? (Object.keys(mutants) as Mutant[])
      : (values.mutant ?? []).map(mutant),
    quiet: values.quiet,
  };
}

export function readLearning(args: string[]): Learning {
  const one = { type: "string" } as const;
  const { values } = parseArgs({
    args,
    options: {
      router: one,
      process: one,
      "database-process": one,
      seed: one,
      operations: one,
      weights: one,
      picture: one,
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
    picture: values.picture,
  };
}

function number(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${text} is no number`);
  return value;
}

function system(text: string) {
  const [mode, router] = text.split(/=(.*)/s);
  if (!mode || !router) throw new Error(`${text} is not MODE=URL`);
  return { mode, router };
}

function transport(name: string): Transport {
  const found = TRANSPORTS.find((one) => one === name);
  if (!found) throw new Error(`there is no transport ${name}`);
  return found;
}

function mutant(name: string): Mutant {
  if (!Object.hasOwn(mutants, name)) throw new Error(`there is no mutant ${name}`);
  return name as Mutant;
}
