// Measures the CPU time of operations, in the system and its database server. Unlike wall-clock time, it hardly
// depends on the load of the machine.

import { readdirSync, readFileSync } from "node:fs";
import { print } from "graphql";
import type { Operation } from "../operation.ts";
import type { System } from "../systems.ts";

/** Runs of each operation, after one to warm up. */
const REPETITIONS = 4;

export interface Measurement {
  data: unknown;
  /** CPU time in microseconds. */
  micros: number;
  /** The router's estimate and its cost after execution, in microseconds. */
  estimated: number;
  actual: number;
  bytes: number;
}

/** The processes to measure. */
export interface ProcessIds {
  /** `lyceum up`. */
  system: number;
  /** Its database server, whose child processes run the queries. */
  database: number;
}

interface Extensions {
  cost?: { estimated: number; actual: number };
}

/** Nothing else may use the system meanwhile. */
export async function measure(
  operation: Operation,
  system: System,
  processes: ProcessIds,
): Promise<Measurement | undefined> {
  const first = await send(operation, system);
  if (!first.extensions?.cost) return undefined;
  const before = cpuMicros(processes);
  for (let time = 0; time < REPETITIONS; time += 1) await send(operation, system);
  const micros = (cpuMicros(processes) - before) / REPETITIONS;
  const { estimated, actual } = first.extensions.cost;
  return {
    data: first.data,
    micros,
    estimated: estimated * 1000,
    actual: actual * 1000,
    bytes: first.bytes,
  };
}

async function send(operation: Operation, system: System) {
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
function cpuMicros({ system, database }: ProcessIds): number {
  const tasks = readdirSync(`/proc/${system}/task`).map((task) => `/proc/${system}/task/${task}`);
  const backends = childrenOf(database).map((backend) => `/proc/${backend}`);
  const spent = [...tasks, ...backends].map((index) => statField(`${index}/schedstat`, 0));
  return spent.reduce((sum, one) => sum + one, 0) / 1000;
}

function childrenOf(parent: number): string[] {
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return processes.filter((name) => statField(`/proc/${name}/stat`, 3) === parent);
}

/** The field at an index; 0 when the process has ended. */
function statField(file: string, index: number): number {
  try {
    // The name of the program can contain spaces.
    return Number(
      readFileSync(file, "utf8")
        .replace(/\(.*\)/s, "name")
        .split(" ")[index],
    );
  } catch {
    return 0;
  }
}
