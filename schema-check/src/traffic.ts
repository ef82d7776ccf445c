// Which operations clients really send, and what they use of the graph: counted by the router, read from files.
// docs/graph-usage.md describes the format.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { readText } from "./files.ts";
import { CouldNotRun } from "./problem.ts";

/** The requests of one client with one operation on one day. */
export interface TrafficRecord {
  /** In UTC, such as `2026-11-30`. */
  day: string;
  client: string;
  version: string;
  /** The name of the operation; empty when it has none. */
  operation: string;
  /** The hash of the document, as in the manifest. */
  id: string;
  requests: number;
  /** When the last of them came, such as `2026-11-30T21:10:00Z`. */
  last: string;
  /** What they use: `Type.field`, `Type.field(argument:)`, `Input.field`, `Enum.VALUE`. */
  uses: readonly string[];
}

const HEADER = { format: "graphql-usage", version: 1 };

/** Files, or folders of files, such as those of several routers. Equal records of several files are added up. */
export function readTraffic(places: readonly string[]): TrafficRecord[] {
  return mergeTraffic(
    places.flatMap(filesIn).flatMap((file) => parseTraffic(readText(file), file)),
  );
}

function filesIn(place: string): string[] {
  let isFolder: boolean;
  try {
    isFolder = statSync(place).isDirectory();
  } catch {
    const message = "no such file or folder of traffic";
    throw new CouldNotRun({ code: "FILE_UNREADABLE", message, location: { file: place } });
  }
  if (!isFolder) return [place];
  return readdirSync(place)
    .filter((name) => name.endsWith(".jsonl"))
    .sort()
    .map((name) => join(place, name));
}

/** The first line names the format; each other line is a record. */
export function parseTraffic(text: string, file: string): TrafficRecord[] {
  const [head, ...rest] = text.split("\n");
  const fail = (message: string, line: number) =>
    new CouldNotRun({ code: "INVALID_TRAFFIC", message, location: { file, line } });
  const header = parsed(head ?? "");
  if (header?.format !== HEADER.format || header.version !== HEADER.version) {
    throw fail(`the first line must be ${JSON.stringify(HEADER)}`, 1);
  }
  return rest.flatMap((line, index) => {
    if (line.trim() === "") return [];
    const record = parsed(line);
    if (record && isRecord(record)) return [record];
    throw fail(
      "expected an object with the strings day, client, version, operation, id and last, the whole number requests, and the list uses",
      index + 2,
    );
  });
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const TEXTS = ["day", "client", "version", "operation", "id", "last"] as const;

function isRecord(value: object): value is TrafficRecord {
  const { day, requests, uses, ...rest } = value as Record<string, unknown>;
  return (
    typeof day === "string" &&
    /^\d{4}-\d\d-\d\d$/.test(day) &&
    TEXTS.every((name) => name === "day" || typeof rest[name] === "string") &&
    Number.isSafeInteger(requests) &&
    (requests as number) >= 0 &&
    Array.isArray(uses) &&
    uses.every((use) => typeof use === "string")
  );
}

/** Adds up the records of the same client, version and operation on the same day. */
export function mergeTraffic(records: readonly TrafficRecord[]): TrafficRecord[] {
  const merged = new Map<string, TrafficRecord>();
  for (const record of records) {
    const { day, client, version, id, operation } = record;
    const key = JSON.stringify([day, client, version, id, operation]);
    const known = merged.get(key);
    if (!known) {
      merged.set(key, record);
      continue;
    }
    merged.set(key, {
      ...known,
      requests: known.requests + record.requests,
      last: known.last > record.last ? known.last : record.last,
      uses: [...new Set([...known.uses, ...record.uses])],
    });
  }
  return [...merged.values()];
}

/** The records of the last `days` days, of which `today` is the last. */
export function recentTraffic(
  records: readonly TrafficRecord[],
  today: string,
  days: number,
): TrafficRecord[] {
  const first = new Date(`${today}T00:00:00Z`);
  first.setUTCDate(first.getUTCDate() - days + 1);
  const from = first.toISOString().slice(0, 10);
  return records.filter(({ day }) => day >= from && day <= today);
}

/** A client that uses something, in its versions. */
export interface ClientUse {
  client: string;
  version: string;
  requests: number;
  last: string;
}

/** By client and version, the most requests first. */
export function byClient(records: readonly TrafficRecord[]): ClientUse[] {
  const uses = new Map<string, ClientUse>();
  for (const { client, version, requests, last } of records) {
    const key = JSON.stringify([client, version]);
    const known = uses.get(key);
    if (known) {
      known.requests += requests;
      if (last > known.last) known.last = last;
    } else uses.set(key, { client, version, requests, last });
  }
  return [...uses.values()].sort((a, b) => b.requests - a.requests || compare(a, b));
}

const compare = (a: ClientUse, b: ClientUse): number =>
  `${a.client} ${a.version}` < `${b.client} ${b.version}` ? -1 : 1;

/** The requests that use each coordinate. */
export function byUse(records: readonly TrafficRecord[]): Map<string, TrafficRecord[]> {
  const uses = new Map<string, TrafficRecord[]>();
  for (const record of records) {
    for (const use of record.uses) {
      const known = uses.get(use);
      if (known) known.push(record);
      else uses.set(use, [record]);
    }
  }
  return uses;
}
