// The operations that clients and services send, from a folder or a manifest of persisted documents.

import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { type DocumentNode, GraphQLError, Kind, parse, Source } from "graphql";
import {
  assemble,
  type DocumentText,
  documentsIn,
  errorLocation,
  mayHaveDocuments,
} from "./documents.ts";
import { parentFolderHint, readText } from "./files.ts";
import { type Commit, listAt, readAt, readManyAt } from "./git.ts";
import { locateJson, parseJson } from "./json.ts";
import { CouldNotRun, type Location, type Problem } from "./problem.ts";
import type { ClientUse } from "./traffic.ts";
import { type DeclaredViewer, declaredViewers } from "./viewers.ts";

export interface Operation {
  /** Its name; for an anonymous operation the name of its file, or its id in a manifest. */
  name: string;
  /** The id that a client can send instead of the text. */
  id: string;
  text: string;
  document: DocumentNode;
  location: Location;
  /** Whether it is a file of its own. In a manifest, only the line of the document is known. */
  isFile: boolean;
  /** The viewers that send it; undefined when any viewer may. */
  viewers?: readonly DeclaredViewer[];
  /** The service that sends it, and where; undefined for a client of the router. */
  service?: Service;
  /** The number of requests, where it is known. */
  requests?: number;
  /** The clients that send it, where traffic is known. */
  clients?: readonly ClientUse[];
  /** The baseline commit, for a document that was removed or changed since. */
  asOf?: string;
}

export interface Service {
  sender: string;
  /** A subgraph, or `router`. */
  receiver: string;
}

/** The receiver of everything that is not sent to a subgraph. */
export const ROUTER = "router";

export function receiverOf({ service }: Pick<Operation, "service">): string {
  return service?.receiver ?? ROUTER;
}

/** What `--operations` says where no operation is to be looked at. */
export const NO_OPERATIONS = "none";

/**
 * Folders of documents, or manifests: `{id: text}`, or with `operations: [{id, body}]`. In a folder, services send the
 * documents in `services/SENDER/RECEIVER/`.
 */
export function loadOperations(where: string | readonly string[]): Operation[] {
  const places = placesOf(where);
  const folders = places.filter(isFolder);
  const manifests = places.filter((place) => !folders.includes(place));
  return [
    ...parseAll(folders.flatMap(readFolder)),
    ...manifests.flatMap((file) => requireAny(readManifest(readText(file), file), file)),
  ];
}

/** A manifest without any document is a mistake: somebody has named it. */
function requireAny(operations: Operation[], file: string): Operation[] {
  if (operations.length > 0) return operations;
  const message = "no operations found, so the effect on clients cannot be checked";
  throw new CouldNotRun({ code: "NO_OPERATIONS", message, location: { file, line: 1 } });
}

function placesOf(where: string | readonly string[]): string[] {
  return [where].flat().filter((place) => place !== NO_OPERATIONS);
}

function isFolder(where: string): boolean {
  try {
    return statSync(where).isDirectory();
  } catch {
    throw new CouldNotRun({
      code: "FILE_UNREADABLE",
      message: `no such folder or manifest of operations${parentFolderHint(where)}`,
      location: { file: where },
    });
  }
}

/** A document, and the folder that it was found in. */
interface Found extends DocumentText {
  folder: string;
}

function readFolder(folder: string): Found[] {
  const files = listFiles(folder).filter(mayHaveDocuments).sort();
  return files.flatMap((name) => {
    const file = join(folder, name);
    return documentsIn(file, readText(file)).map((each) => ({ ...each, folder }));
  });
}

/** The files in a folder, without looking into installed packages. */
function listFiles(folder: string, inside = ""): string[] {
  return readdirSync(join(folder, inside), { withFileTypes: true }).flatMap((entry) => {
    const path = join(inside, entry.name);
    if (!entry.isDirectory()) return [path];
    return mayHaveDocuments(join(path, "a.graphql")) ? listFiles(folder, path) : [];
  });
}

/**
 * The documents of the commit that were removed or changed since: clients may still send them. Invalid documents
 * are returned as problems. Undefined when the commit has no documents.
 */
export function formerOperations(
  where: string | readonly string[],
  commit: Commit,
  current: readonly Operation[],
): Parsed | undefined {
  const places = placesOf(where);
  const folders = places.filter(isFolder);
  const manifests = places.filter((place) => !folders.includes(place));
  const found = [
    foldersAt(folders, commit) ?? [],
    ...manifests.map((file) => manifestAt(file, commit) ?? []),
  ].flat();
  if (found.length === 0) return undefined;
  const key = (operation: Operation) => `${receiverOf(operation)} ${operation.text}`;
  const known = new Set(current.map(key));
  const former = found
    .flatMap(({ operations }) => operations)
    .filter((operation) => !known.has(key(operation)));
  return {
    operations: former.map((operation) => ({ ...operation, asOf: commit.ref })),
    problems: found.flatMap(({ problems }) => problems),
  };
}

interface Parsed {
  operations: Operation[];
  problems: Problem[];
}

function foldersAt(folders: readonly string[], commit: Commit): Parsed | undefined {
  const problems: Problem[] = [];
  const found = folders.flatMap((folder): Found[] => {
    const files = listAt(commit, folder).filter((file) => mayHaveDocuments(relative(folder, file)));
    const texts = readManyAt(commit, files);
    return files.flatMap((file, index) =>
      orProblem(problems, () => documentsIn(file, texts[index] ?? "")).map((each) => ({
        ...each,
        folder,
      })),
    );
  });
  if (found.length === 0 && problems.length === 0) return undefined;
  const parsed = parseEach(found);
  return { ...parsed, problems: [...problems, ...parsed.problems] };
}

function orProblem<T>(problems: Problem[], read: () => T[]): T[] {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof CouldNotRun)) throw cause;
    problems.push(...cause.problems);
    return [];
  }
}

function manifestAt(file: string, commit: Commit): Parsed | undefined {
  const text = readAt(commit, file);
  if (text === undefined) return undefined;
  const problems: Problem[] = [];
  return { operations: orProblem(problems, () => readManifest(text, file)), problems };
}

function parseAll(found: readonly Found[]): Operation[] {
  const { operations, problems } = parseEach(found);
  if (problems.length > 0) throw new CouldNotRun(...problems);
  return operations;
}

function parseEach(found: readonly Found[]): Parsed {
  const problems: Problem[] = [];
  const folders = new Map(found.map(({ file, folder }) => [file, folder]));
  const documents = assemble(found, (problem) => problems.push(...problem.problems));
  const operations = documents.flatMap(({ file, line, text, document, isWholeFile }) =>
    orProblem(problems, () => {
      const service = isWholeFile ? serviceOf(file, folders.get(file) ?? ".") : undefined;
      const common = { text, id: idOf(text), location: { file, line }, isFile: true, service };
      const fallback = basename(file).replace(/\.\w+$/, "");
      return [operation({ ...common, document, fallback })];
    }),
  );
  return { operations, problems };
}

function serviceOf(file: string, folder: string): Service | undefined {
  const [first, sender, receiver, name, ...deeper] = relative(folder, file).split(/[/\\]/);
  if (first !== "services") return undefined;
  if (sender && receiver && name && deeper.length === 0) return { sender, receiver };
  const message = "a service's document is a file services/SENDER/RECEIVER/NAME.graphql";
  throw new CouldNotRun({ code: "MISPLACED_OPERATION", message, location: { file, line: 1 } });
}

/** The id under which the router serves a document: its SHA-256 hash, as common clients compute it. */
export function idOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

type Common = Pick<Operation, "text" | "id" | "location" | "isFile" | "service" | "document">;

interface Candidate extends Common {
  /** The name of an anonymous operation. */
  fallback: string;
}

function operation({ fallback, ...candidate }: Candidate): Operation {
  const { document } = candidate;
  const definitions = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const names = definitions.flatMap((node) => ("name" in node && node.name ? node.name.value : []));
  if (definitions.length === 0) {
    const message = "the document has no operation";
    throw new CouldNotRun({ code: "NO_OPERATION", message, location: candidate.location });
  }
  const viewers = declaredViewers(document, (position) => locateIn(candidate, position));
  return { ...candidate, name: names.join(", ") || fallback, viewers };
}

/** The location of an error in the document. In a manifest only the line of the document is known. */
export function locateError(
  { location, isFile }: Pick<Operation, "location" | "isFile">,
  error: GraphQLError,
): Location {
  return isFile ? errorLocation(error, location) : location;
}

/** The location of a position in the text of the document. */
export function locateIn(
  { location, isFile }: Pick<Operation, "location" | "isFile">,
  at: Omit<Location, "file"> | undefined,
): Location {
  if (!isFile || !at) return location;
  return { ...location, ...at, line: (location.line ?? 1) - 1 + (at.line ?? 1) };
}

function readManifest(text: string, file: string): Operation[] {
  const locate = locateJson(text, file);
  return manifestEntries(parseJson(text, file)).map(({ id, body, path }) => {
    const { line } = locate(path);
    if (typeof id !== "string" || typeof body !== "string") {
      const message =
        'not a manifest: expected {"id": "document"} or {"operations": [{"id", "body"}]}';
      throw new CouldNotRun({ code: "INVALID_MANIFEST", message, location: { file, line } });
    }
    const location = { file, line };
    const document = parseManifestEntry(body, location);
    return operation({ text: body, fallback: id, id, location, document, isFile: false });
  });
}

function parseManifestEntry(text: string, location: Location): DocumentNode {
  try {
    return parse(new Source(text, location.file));
  } catch (cause) {
    if (!(cause instanceof GraphQLError)) throw cause;
    throw new CouldNotRun({ code: "SYNTAX_ERROR", message: cause.message, location });
  }
}

interface ManifestEntry {
  id: unknown;
  body: unknown;
  path: string[];
}

/** A single invalid entry when the text is not a manifest at all. */
function manifestEntries(parsed: unknown): ManifestEntry[] {
  const isObject = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
  if (!isObject) return [{ id: undefined, body: undefined, path: [] }];
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
  /** Names and ids in the counts that match no operation. */
  unknown: string[];
}

/** The file maps an operation's name or id to a number of requests; operations without one stay unknown. */
export function withCounts(operations: readonly Operation[], file: string): Counted {
  const text = readText(file);
  const counts = parseJson(text, file);
  const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 0;
  const isObject = typeof counts === "object" && counts !== null && !Array.isArray(counts);
  const invalid = isObject && Object.entries(counts).find(([, value]) => !isCount(value));
  if (!isObject || invalid) {
    const message = 'expected {"operation": number of requests}';
    const location = locateJson(text, file)(invalid ? [invalid[0]] : []);
    throw new CouldNotRun({ code: "INVALID_COUNTS", message, location });
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
