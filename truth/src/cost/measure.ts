// What operations take: the time of their statements, by the trace, and the processor's time, by the system.

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

interface Extensions {
  trace?: { fetches: { statements: { duration: number; catalog?: boolean }[] }[] };
  cost?: { estimated: number; actual: number };
}

/** Runs an operation by itself; nothing else may run meanwhile. */
export async function measure(
  operation: Operation,
  system: System,
  process: number,
): Promise<Measured | undefined> {
  const first = await ask(operation, system);
  if (!first.extensions?.cost || !first.extensions.trace) return undefined;
  const statements: number[] = [];
  const before = processorTime(process);
  for (let time = 0; time < TIMES; time += 1) {
    const { extensions } = await ask(operation, system);
    statements.push(statementTime(extensions ?? {}));
  }
  const spent = (processorTime(process) - before) / TIMES;
  const { estimated, actual } = first.extensions.cost;
  return {
    data: first.data,
    micros: spent + median(statements),
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
      "lyceum-trace": "1",
      "lyceum-cost": "1",
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query: print(document), variables, operationName }),
  });
  const text = await response.text();
  const { data, extensions } = JSON.parse(text) as { data?: unknown; extensions?: Extensions };
  return { data, extensions, bytes: text.length };
}

function statementTime({ trace }: Extensions): number {
  const statements = (trace?.fetches ?? []).flatMap((fetch) => fetch.statements);
  return statements.reduce((sum, one) => sum + (one.catalog ? 0 : one.duration), 0);
}

/** Of all threads, in microseconds. */
function processorTime(process: number): number {
  const tasks = `/proc/${process}/task`;
  let sum = 0;
  for (const task of readdirSync(tasks)) {
    try {
      sum += Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]);
    } catch {
      // It has ended meanwhile.
    }
  }
  return sum / 1000;
}

function median(list: number[]): number {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}
