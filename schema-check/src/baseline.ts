// The baseline that a graph is compared with: a commit, a file, or a running graph.

import { existsSync, statSync } from "node:fs";
import {
  buildClientSchema,
  type DocumentNode,
  type GraphQLSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
  type ParseOptions,
} from "graphql";
import { apiSchema, compose } from "./composition.ts";
import { parseConfig } from "./config.ts";
import { readText } from "./files.ts";
import {
  type Commit,
  defaultBaseline,
  findCommit,
  folderOf,
  mergeBase,
  readAt,
  readManyAt,
  shallowHint,
} from "./git.ts";
import { postQuery } from "./introspect.ts";
import { parseJson } from "./json.ts";
import { CouldNotRun, type Problem } from "./problem.ts";
import { buildApiSchema, readSchema } from "./schema-file.ts";
import { loadSubgraphs, originOf, parseSdl, type Subgraph } from "./subgraphs.ts";

export interface Baseline {
  /** Its name in the report. */
  name: string;
  api: GraphQLSchema;
  /** Needed to plan operations; undefined when only the API schema is known. */
  supergraph?: string;
  /** The supergraph, parsed. */
  document?: DocumentNode;
  subgraphs?: readonly Subgraph[];
  commit?: Commit;
}

/** A commit with an invalid graph: the change that fixes it must not fail because of it. */
export interface InvalidBaseline {
  name: string;
  commit: Commit;
  problems: readonly Problem[];
}

/**
 * Defaults to the main branch; returns a reason when that has no other commit. On the main branch itself,
 * uncommitted changes to `files` decide which commit is the baseline.
 */
export async function loadBaseline(
  against: string | undefined,
  config: string,
  files: readonly string[],
  headers: Readonly<Record<string, string>> = {},
): Promise<Baseline | InvalidBaseline | { reason: string }> {
  const folder = folderOf(config);
  if (against === undefined) {
    const commit = defaultBaseline(folder, files);
    return "reason" in commit ? commit : loadCommit(commit, config);
  }
  if (/^https?:\/\//.test(against)) return loadUrl(against, headers);
  if (isFile(against)) return loadFile(against);
  const tip = findCommit(against, folder);
  if (tip) return loadCommit(mergeBase(tip, folder), config);
  throw unknownState(against, folder);
}

/** Exactly the state that is named, not where work on it began. Without a name, that of the working tree. */
export async function loadState(
  named: string | undefined,
  config: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Baseline> {
  if (named === undefined) return { ...(await loadFile(config)), name: "the working tree" };
  if (/^https?:\/\//.test(named)) return loadUrl(named, headers);
  if (isFile(named)) return loadFile(named);
  const folder = folderOf(config);
  const commit = findCommit(named, folder);
  if (!commit) throw unknownState(named, folder);
  return requireValid(loadCommit(commit, config));
}

function requireValid(state: Baseline | InvalidBaseline): Baseline {
  if ("api" in state) return state;
  throw new CouldNotRun(...state.problems);
}

function unknownState(named: string, folder: string): CouldNotRun {
  return new CouldNotRun({
    code: "UNKNOWN_BASELINE",
    message: `"${named}" is not a commit, file or URL${shallowHint(folder) ?? ""}`,
  });
}

/** The graph as it was at a commit, which may be invalid. Undefined where the commit has no list of subgraphs. */
export function stateAt(commit: Commit, config: string): Baseline | InvalidBaseline | undefined {
  return readAt(commit, config) === undefined ? undefined : loadCommit(commit, config);
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function loadCommit(commit: Commit, config: string): Baseline | InvalidBaseline {
  const text = readAt(commit, config);
  if (text === undefined) {
    const message = `no such file at ${commit.ref}: compare with a file instead`;
    const location = { file: `${commit.ref}:${config}` };
    throw new CouldNotRun({ code: "FILE_UNREADABLE", message, location });
  }
  try {
    return graphWithoutLocations(commit, text, config) ?? graphAt(commit, text, config);
  } catch (cause) {
    if (!(cause instanceof CouldNotRun) || cause.problems.some(isUnanswerable)) throw cause;
    const problems = cause.problems.map(({ location, ...problem }) => ({
      ...problem,
      location: location && {
        ...location,
        file: location.file === config ? `${commit.ref}:${config}` : location.file,
      },
    }));
    return { name: commit.name, commit, problems };
  }
}

/** The locations of a large graph take as much memory as the rest of it, and only errors need them. */
function graphWithoutLocations(commit: Commit, text: string, config: string): Baseline | undefined {
  try {
    return graphAt(commit, text, config, { noLocation: true });
  } catch (cause) {
    if (cause instanceof CouldNotRun) return undefined;
    throw cause;
  }
}

/** Errors in reading the commit say nothing about whether its graph is valid. */
const isUnanswerable = ({ code }: Problem): boolean =>
  code === "NO_SCHEMA_AT_COMMIT" || code === "GIT_FAILED";

function graphAt(
  commit: Commit,
  text: string,
  config: string,
  options: ParseOptions = {},
): Baseline {
  const origin = (file: string) => `${commit.ref}:${file}`;
  const entries = parseConfig(text, config);
  const files = entries.flatMap(({ schema }) => (schema.kind === "file" ? schema.file : []));
  const texts = new Map(readManyAt(commit, files).map((sdl, index) => [files[index], sdl]));

  const problems: Problem[] = [];
  const subgraphs: Subgraph[] = [];
  for (const { name, routingUrl: url, schema } of entries) {
    if (schema.kind === "url") {
      const message = `its schema at ${commit.ref} cannot be fetched from ${schema.url}: compare with a file instead`;
      problems.push({
        code: "NO_SCHEMA_AT_COMMIT",
        subgraph: name,
        message,
        location: schema.location,
      });
      continue;
    }
    const sdl = schema.kind === "inline" ? schema.sdl : texts.get(schema.file);
    const location = { file: origin(originOf(schema)) };
    if (sdl === undefined) {
      const message = `no such file at ${commit.ref}`;
      problems.push({ code: "FILE_UNREADABLE", subgraph: name, message, location });
    } else {
      subgraphs.push({
        name,
        url,
        origin: location.file,
        text: sdl,
        document: parseSdl(sdl, location.file, name, options),
      });
    }
  }
  if (problems.length > 0) throw new CouldNotRun(...problems);
  return { name: commit.name, commit, ...composed(subgraphs) };
}

type ComposedBaseline = Pick<Baseline, "api" | "supergraph" | "document" | "subgraphs">;

function composed(subgraphs: Subgraph[]): ComposedBaseline {
  const result = compose(subgraphs.sort((a, b) => (a.name < b.name ? -1 : 1)));
  if (!result.composes) throw new CouldNotRun(...result.problems);
  const { supergraph, document } = result;
  return { subgraphs, supergraph, document, api: apiSchema(document) };
}

async function loadFile(file: string): Promise<Baseline> {
  if (/\.ya?ml$/.test(file)) return { name: file, ...composed(await loadSubgraphs(file)) };
  const text = readText(file);
  if (!/@join__type\b/.test(text)) return { name: file, api: readSchema(file) };
  const document = parseSdl(text, file);
  return { name: file, api: buildApiSchema(document, file), supergraph: text, document };
}

async function loadUrl(url: string, headers: Readonly<Record<string, string>>): Promise<Baseline> {
  const fail = (message: string) =>
    new CouldNotRun({ code: "GRAPH_UNREACHABLE", message: `${url} ${message}` });
  const introspection = await introspect(url, headers, fail);
  const api = introspection && buildSchema(introspection);
  if (!api?.getQueryType()) throw fail("returned no schema: is introspection enabled?");
  return { name: url, api };
}

/** The newest form of the query that the server understands: older ones do not know all that can be asked. */
async function introspect(
  url: string,
  headers: Readonly<Record<string, string>>,
  fail: (message: string) => CouldNotRun,
): Promise<IntrospectionQuery | undefined> {
  let refusal: unknown;
  for (const form of INTROSPECTION_FORMS) {
    try {
      const body = await postQuery(url, getIntrospectionQuery(form), headers, fail);
      const response = parseJson(body, url) as { data?: IntrospectionQuery } | null;
      if (response?.data?.__schema) return response.data;
    } catch (cause) {
      if (!(cause instanceof CouldNotRun) || !isRefusal(cause)) throw cause;
      // The first one is about the server as it is; a later one may be about an old form of the query.
      refusal ??= cause;
    }
  }
  if (refusal !== undefined) throw refusal;
  return undefined;
}

/** Servers respond with 400 to a query that is invalid for them. */
const isRefusal = ({ message }: CouldNotRun): boolean =>
  /responded with status 4\d\d/.test(message);

const INTROSPECTION_FORMS = [
  { inputValueDeprecation: true, oneOf: true, directiveIsRepeatable: true, specifiedByUrl: true },
  { inputValueDeprecation: true, directiveIsRepeatable: true, specifiedByUrl: true },
  { directiveIsRepeatable: true },
  {},
];

/** Undefined when it is not a complete schema. */
function buildSchema(introspection: IntrospectionQuery): GraphQLSchema | undefined {
  try {
    return buildClientSchema(introspection);
  } catch {
    return undefined;
  }
}
