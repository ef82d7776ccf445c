// The documents that clients send: from a folder, or from a manifest of persisted documents.

import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { type DocumentNode, GraphQLError, Kind, parse, Source } from "graphql";
import { readText } from "./files.ts";
import { type Commit, listAt, readManyAt } from "./git.ts";
import { parseJson } from "./json.ts";
import { CouldNotRun, type Place, type Problem } from "./problem.ts";

export interface Operation {
  /** Its own name; that of its file or its id in a manifest, when it has none. */
  name: string;
  /** What a client sends instead of the text. */
  id: string;
  text: string;
  document: DocumentNode;
  place: Place;
  /** Who sends it, from the line `# Viewer:`. */
  viewer?: string;
  /** How often it was sent, where that was counted. */
  requests?: number;
  /** Set for a document that is no longer here as it is sent by clients of that commit. */
  asOf?: string;
}

/** A folder of `.graphql` files, or a manifest: `{id: text}`, or with `operations: [{id, body}]`. */
export function loadOperations(where: string): Operation[] {
  const operations = isFolder(where) ? readFolder(where) : readManifest(readText(where), where);
  if (operations.length === 0) {
    const message = "there is no operation here, so nothing could be said about clients";
    throw new CouldNotRun({ code: "NO_OPERATIONS", message, place: { file: where, line: 1 } });
  }
  return operations;
}

function isFolder(where: string): boolean {
  try {
    return statSync(where).isDirectory();
  } catch {
    throw new CouldNotRun({
      code: "FILE_UNREADABLE",
      message: "there is no such folder or manifest of operations",
      place: { file: where },
    });
  }
}

function readFolder(folder: string): Operation[] {
  const files = readdirSync(folder).filter(isDocument).sort();
  return parseAll(
    files.map((name) => ({ file: join(folder, name), text: readText(join(folder, name)) })),
  );
}

const isDocument = (name: string): boolean => /\.(graphql|gql)$/.test(name);

/**
 * Those of the commit that the folder has no more, or not with that text: clients still send them. What
 * is no document there nobody can send; that it is none is told.
 */
export function formerOperations(
  folder: string,
  commit: Commit,
  current: readonly Operation[],
): { operations: Operation[]; problems: Problem[] } {
  const files = listAt(commit, folder).filter(isDocument);
  const known = new Set(current.map(({ id }) => id));
  const texts = readManyAt(commit, files);
  const { operations, problems } = parseEach(
    files.map((file, index) => ({ file, text: texts[index] ?? "" })),
  );
  const former = operations.filter(({ id }) => !known.has(id));
  return { operations: former.map((operation) => ({ ...operation, asOf: commit.ref })), problems };
}

function parseAll(files: readonly File[]): Operation[] {
  const { operations, problems } = parseEach(files);
  if (problems.length > 0) throw new CouldNotRun(...problems);
  return operations;
}

interface File {
  file: string;
  text: string;
}

function parseEach(files: readonly File[]): { operations: Operation[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const operations: Operation[] = [];
  for (const { file, text } of files) {
    try {
      const name = basename(file).replace(/\.\w+$/, "");
      operations.push(operation(text, name, idOf(text), { file, line: 1 }));
    } catch (cause) {
      if (!(cause instanceof CouldNotRun)) throw cause;
      problems.push(...cause.problems);
    }
  }
  return { operations, problems };
}

/** The id by which the router serves a document: the hash that common clients compute, too. */
export function idOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function operation(text: string, fallback: string, id: string, place: Place): Operation {
  const document = parseOperation(text, place);
  const definitions = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const names = definitions.flatMap((node) => ("name" in node && node.name ? node.name.value : []));
  if (definitions.length === 0) {
    const message = "the document has no operation";
    throw new CouldNotRun({ code: "NO_OPERATION", message, place });
  }
  const viewer = /^# Viewer: (\S+)/m.exec(text)?.[1];
  return { name: names.join(", ") || fallback, id, text, document, place, viewer };
}

function parseOperation(text: string, place: Place): DocumentNode {
  try {
    return parse(new Source(text, place.file));
  } catch (cause) {
    if (!(cause instanceof GraphQLError)) throw cause;
    // In a manifest the document is one line of JSON, whose line is all there is to say.
    const at = place.line === 1 ? cause.locations?.[0] : undefined;
    throw new CouldNotRun({
      code: "SYNTAX_ERROR",
      message: cause.message,
      place: { ...place, ...at },
    });
  }
}

function readManifest(text: string, file: string): Operation[] {
  const entries = manifestEntries(parseJson(text, file));
  if (!entries) {
    const message =
      'this is no manifest: expected {"id": "document"} or {"operations": [{"id", "body"}]}';
    throw new CouldNotRun({ code: "INVALID_MANIFEST", message, place: { file, line: 1 } });
  }
  return entries.map(([id, body]) => operation(body, id, id, { file, line: lineOf(text, id) }));
}

function manifestEntries(parsed: unknown): [string, string][] | undefined {
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const listed = (parsed as { operations?: unknown }).operations;
  const pairs: [unknown, unknown][] = Array.isArray(listed)
    ? listed.map((entry) => [entry?.id, entry?.body])
    : Object.entries(parsed);
  const isText = (value: unknown): value is string => typeof value === "string";
  return pairs.every((pair): pair is [string, string] => pair.every(isText)) ? pairs : undefined;
}

function lineOf(text: string, id: string): number {
  const at = text.indexOf(JSON.stringify(id));
  return text.slice(0, Math.max(at, 0)).split("\n").length;
}

export interface Counted {
  operations: Operation[];
  /** What was counted and is not among the operations. */
  unknown: string[];
}

/** `counts` maps an operation's name or id to a number of requests; what it leaves out is unknown. */
export function withCounts(operations: readonly Operation[], file: string): Counted {
  const counts = parseJson(readText(file), file);
  const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 0;
  const isTable = typeof counts === "object" && counts !== null && !Array.isArray(counts);
  if (!isTable || !Object.values(counts).every(isCount)) {
    const message = 'expected {"operation": number of requests}';
    throw new CouldNotRun({ code: "INVALID_COUNTS", message, place: { file, line: 1 } });
  }
  const table = new Map(Object.entries(counts as Record<string, number>));
  const known = new Set(operations.flatMap(({ name, id }) => [name, id]));
  return {
    operations: operations.map((operation) => ({
      ...operation,
      requests: table.get(operation.id) ?? table.get(operation.name),
    })),
    unknown: [...table.keys()].filter((key) => !known.has(key)),
  };
}
