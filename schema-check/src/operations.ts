// The documents that clients send: from a folder, or from a manifest of persisted documents.

import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { type DocumentNode, GraphQLError, Kind, parse, Source } from "graphql";
import { readText, whereElse } from "./files.ts";
import { type Commit, listAt, readAt, readManyAt } from "./git.ts";
import { locateJson, parseJson } from "./json.ts";
import { CouldNotRun, type Place, type Problem } from "./problem.ts";
import { viewersOf } from "./viewers.ts";

export interface Operation {
  /** Its own name; that of its file or its id in a manifest, when it has none. */
  name: string;
  /** What a client sends instead of the text. */
  id: string;
  text: string;
  document: DocumentNode;
  place: Place;
  /** Is it a file of its own? Of a manifest only the line is known that a document stands in. */
  isFile: boolean;
  /** Who sends it, with the line that says so; where none does, it may be anybody. */
  viewers?: readonly { name: string; place: Place }[];
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
      message: `there is no such folder or manifest of operations${whereElse(where)}`,
      place: { file: where },
    });
  }
}

function readFolder(folder: string): Operation[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(isDocument);
  return parseAll(
    files
      .sort()
      .map((name) => join(folder, name))
      .map((file) => ({ file, text: readText(file) })),
  );
}

const isDocument = (name: string): boolean => /\.(graphql|gql)$/.test(name);

/**
 * Those of the commit that are here no more, or not with that text: clients still send them. What is no
 * document there nobody can send; that it is none is told. Nothing, where the commit has no documents.
 */
export function formerOperations(
  where: string,
  commit: Commit,
  current: readonly Operation[],
): Parsed | undefined {
  const found = isFolder(where) ? folderAt(where, commit) : manifestAt(where, commit);
  if (!found) return undefined;
  const known = new Set(current.map(({ text }) => text));
  const former = found.operations.filter(({ text }) => !known.has(text));
  return {
    operations: former.map((operation) => ({ ...operation, asOf: commit.ref })),
    problems: found.problems,
  };
}

interface Parsed {
  operations: Operation[];
  problems: Problem[];
}

function folderAt(folder: string, commit: Commit): Parsed | undefined {
  const files = listAt(commit, folder).filter(isDocument);
  if (files.length === 0) return undefined;
  const texts = readManyAt(commit, files);
  return parseEach(files.map((file, index) => ({ file, text: texts[index] ?? "" })));
}

function manifestAt(file: string, commit: Commit): Parsed | undefined {
  const text = readAt(commit, file);
  if (text === undefined) return undefined;
  try {
    return { operations: readManifest(text, file), problems: [] };
  } catch (cause) {
    if (!(cause instanceof CouldNotRun)) throw cause;
    return { operations: [], problems: [...cause.problems] };
  }
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

function parseEach(files: readonly File[]): Parsed {
  const problems: Problem[] = [];
  const operations: Operation[] = [];
  for (const { file, text } of files) {
    try {
      const name = basename(file).replace(/\.\w+$/, "");
      const place = { file, line: 1 };
      operations.push(operation({ text, fallback: name, id: idOf(text), place, isFile: true }));
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

/** A document that is not yet read. */
interface Candidate extends Pick<Operation, "text" | "id" | "place" | "isFile"> {
  /** Its name, when it has none of its own. */
  fallback: string;
}

function operation({ fallback, ...candidate }: Candidate): Operation {
  const document = parseOperation(candidate);
  const definitions = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const names = definitions.flatMap((node) => ("name" in node && node.name ? node.name.value : []));
  if (definitions.length === 0) {
    const message = "the document has no operation";
    throw new CouldNotRun({ code: "NO_OPERATION", message, place: candidate.place });
  }
  const viewers = viewersOf(document)?.map(({ name, line, column }) => ({
    name,
    place: placeIn(candidate, { line, column }),
  }));
  return { ...candidate, name: names.join(", ") || fallback, document, viewers };
}

function parseOperation(candidate: Omit<Candidate, "fallback">): DocumentNode {
  try {
    return parse(new Source(candidate.text, candidate.place.file));
  } catch (cause) {
    if (!(cause instanceof GraphQLError)) throw cause;
    throw new CouldNotRun({
      code: "SYNTAX_ERROR",
      message: cause.message,
      place: placeIn(candidate, cause.locations?.[0]),
    });
  }
}

/** Where something of its text stands. */
export function placeIn(
  { place, isFile }: Pick<Operation, "place" | "isFile">,
  at: Omit<Place, "file"> | undefined,
): Place {
  return isFile ? { ...place, ...at } : place;
}

function readManifest(text: string, file: string): Operation[] {
  const locate = locateJson(text, file);
  return manifestEntries(parseJson(text, file)).map(({ id, body, path }) => {
    const { line } = locate(path);
    if (typeof id !== "string" || typeof body !== "string") {
      const message =
        'this is no manifest: expected {"id": "document"} or {"operations": [{"id", "body"}]}';
      throw new CouldNotRun({ code: "INVALID_MANIFEST", message, place: { file, line } });
    }
    return operation({ text: body, fallback: id, id, place: { file, line }, isFile: false });
  });
}

interface ManifestEntry {
  id: unknown;
  body: unknown;
  path: string[];
}

/** One entry that is none, where there is no list of them at all. */
function manifestEntries(parsed: unknown): ManifestEntry[] {
  const isTable = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
  if (!isTable) return [{ id: undefined, body: undefined, path: [] }];
  const listed = (parsed as { operations?: unknown }).operations;
  return Array.isArray(listed)
    ? listed.map((entry, index) => ({
        ...{ id: entry?.id, body: entry?.body },
        path: ["operations", `${index}`],
      }))
    : Object.entries(parsed).map(([id, body]) => ({ id, body, path: [id] }));
}

export interface Counted {
  operations: Operation[];
  /** What was counted and is not among the operations. */
  unknown: string[];
}

/** `counts` maps an operation's name or id to a number of requests; what it leaves out is unknown. */
export function withCounts(operations: readonly Operation[], file: string): Counted {
  const text = readText(file);
  const counts = parseJson(text, file);
  const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 0;
  const isTable = typeof counts === "object" && counts !== null && !Array.isArray(counts);
  const fault = isTable && Object.entries(counts).find(([, value]) => !isCount(value));
  if (!isTable || fault) {
    const message = 'expected {"operation": number of requests}';
    const place = locateJson(text, file)(fault ? [fault[0]] : []);
    throw new CouldNotRun({ code: "INVALID_COUNTS", message, place });
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
