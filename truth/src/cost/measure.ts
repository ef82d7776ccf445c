// What operations take: the processor's time of the system and of its database server. Unlike time by the clock it is
// the same whatever else the machine does.

import { readdirSync, readFileSync } from "node:fs";
import { print } from "graphql";
import type { Operation } from "../operation.ts";
import type { System } from "../systems.ts";

/** Each operation, after one that warms up. */
const TIMES = 4;

export interface Measured {
  data: unknown;
  /** Microseconds of database and processor. */
  micros: number;
  /** As the router estimates it, and finds it afterwards: in microseconds. */
  estimated: number;
  actual: number;
  bytes: number;
}

/** By the numbers of their processes. */
export interface Measurable {
  /** `lyceum up`. */
  system: number;
  /** Its database server, whose children do the work. */
  database: number;
}

interface Extensions {
  cost?: { estimated: number; actual: number };
}

/** Runs an operation by itself; nothing else may run meanwhile. */
export async function measure(
  operation: Operation,
  system: System,
  processes: Measurable,
): Promise<Measured | undefined> {
  const first = await ask(operation, system);
  if (!first.extensions?.cost) return undefined;
  const before = processorTime(processes);
  for (let time = 0; time < TIMES; time += 1) await ask(operation, system);
  const micros = (processorTime(processes) - before) / TIMES;
  const { estimated, actual } = first.extensions.cost;
  return {
    data: first.data,
    micros,
    estimated: estimated * 1000,
    actual: actual * 1000,
    bytes: first.bytes,
  };
}

async function ask(operation: Operation, system: System) {
  const { document, variables, operationName, viewer } = operation;
  const token = system.token(viewer);
  const response = await fetch(system.endpoint, {
    method: "POST",
    headers: {
      accept: "application/json",
      "content-type": "application/json",
      "lyceum-cost": "1",
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query: print(document), variables, operationName }),
  });
  const text = await response.text();
  const { data, extensions } = JSON.parse(text) as { data?: unknown; extensions?: Extensions };
  return { data, extensions, bytes: text.length };
}

/** In microseconds. */
function processorTime({ system, database }: Measurable): number {
  const tasks = readdirSync(`/proc/${system}/task`).map((task) => `/proc/${system}/task/${task}`);
  const backends = childrenOf(database).map((backend) => `/proc/${backend}`);
  const spent = [...tasks, ...backends].map((place) => number(`${place}/schedstat`, 0));
  return spent.reduce((sum, one) => sum + one, 0) / 1000;
}

function childrenOf(parent: number): string[] {
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return processes.filter((name) => number(`/proc/${name}/stat`, 3) === parent);
}

/** The word at this place; 0 where the process has ended meanwhile. */
function number(file: string, place: number): number {
  try {
    // A program's name may have blanks in it.
    return Number(
      readFileSync(file, "utf8")
        .replace(/\(.*\)/s, "name")
        .split(" ")[place],
    );
  } catch {
    return 0;
  }
}
