// What a graph is compared with: the graph at a commit, a file, or a running one.

import { existsSync, statSync } from "node:fs";
import {
  buildClientSchema,
  type GraphQLSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
  parse,
} from "graphql";
import { apiSchema, compose } from "./composition.ts";
import { parseConfig } from "./config.ts";
import { readText } from "./files.ts";
import {
  type Commit,
  findCommit,
  folderOf,
  mainBranchBefore,
  readAt,
  readManyAt,
  shallowHint,
  whereItBranched,
} from "./git.ts";
import { ask } from "./introspect.ts";
import { parseJson } from "./json.ts";
import { CouldNotRun, type Problem } from "./problem.ts";
import { buildApiSchema, readSchema } from "./schema-file.ts";
import { loadSubgraphs, parseSdl, type Subgraph } from "./subgraphs.ts";

export interface Baseline {
  /** As the report calls it. */
  name: string;
  api: GraphQLSchema;
  /** What plans are made from; only the API schema is known of some. */
  supergraph?: string;
  subgraphs?: readonly Subgraph[];
  commit?: Commit;
}

/** A commit whose graph is broken: a change that repairs it must not fail for it. */
export interface BrokenBaseline {
  name: string;
  commit: Commit;
  problems: readonly Problem[];
}

/**
 * Without `against`, the main branch; a reason, where that has no other commit. `files` are those that are
 * compared: on the main branch itself it matters whether they are as they were committed.
 */
export async function loadBaseline(
  against: string | undefined,
  config: string,
  files: readonly string[],
): Promise<Baseline | BrokenBaseline | { reason: string }> {
  const folder = folderOf(config);
  if (against === undefined) {
    const commit = mainBranchBefore(folder, files);
    return "reason" in commit ? commit : atCommit(commit, config);
  }
  if (/^https?:\/\//.test(against)) return atAddress(against);
  if (isFile(against)) return inFile(against);
  const tip = findCommit(against, folder);
  if (tip) return atCommit(whereItBranched(tip, folder), config);
  throw new CouldNotRun({
    code: "UNKNOWN_BASELINE",
    message: `"${against}" is neither a commit here, nor a file, nor an address${shallowHint(folder) ?? ""}`,
  });
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function atCommit(commit: Commit, config: string): Baseline | BrokenBaseline {
  const text = readAt(commit, config);
  if (text === undefined) {
    const message = `there was no such file at ${commit.ref}: compare with a file instead`;
    const place = { file: `${commit.ref}:${config}` };
    throw new CouldNotRun({ code: "FILE_UNREADABLE", message, place });
  }
  try {
    return graphAt(commit, text, config);
  } catch (cause) {
    if (!(cause instanceof CouldNotRun) || cause.problems.some(isNoFaultOfIts)) throw cause;
    const problems = cause.problems.map(({ place, ...problem }) => ({
      ...problem,
      place: place && {
        ...place,
        file: place.file === config ? `${commit.ref}:${config}` : place.file,
      },
    }));
    return { name: commit.name, commit, problems };
  }
}

/** The commit may be sound: it is the question that cannot be answered. */
const isNoFaultOfIts = ({ code }: Problem): boolean =>
  code === "NO_SCHEMA_AT_COMMIT" || code === "GIT_FAILED";

function graphAt(commit: Commit, text: string, config: string): Baseline {
  const origin = (file: string) => `${commit.ref}:${file}`;
  const entries = parseConfig(text, config);
  const files = entries.flatMap(({ schema }) => (schema.kind === "file" ? schema.file : []));
  const texts = new Map(readManyAt(commit, files).map((sdl, index) => [files[index], sdl]));

  const problems: Problem[] = [];
  const subgraphs: Subgraph[] = [];
  for (const { name, routingUrl: url, schema } of entries) {
    if (schema.kind === "url") {
      const message = `its schema at ${commit.ref} cannot be had from ${schema.url}: compare with a file instead`;
      problems.push({
        code: "NO_SCHEMA_AT_COMMIT",
        subgraph: name,
        message,
        place: schema.namedAt,
      });
      continue;
    }
    const sdl = texts.get(schema.file);
    const place = { file: origin(schema.file) };
    if (sdl === undefined) {
      const message = `there was no such file at ${commit.ref}`;
      problems.push({ code: "FILE_UNREADABLE", subgraph: name, message, place });
    } else {
      subgraphs.push({ name, url, origin: place.file, document: parseSdl(sdl, place.file, name) });
    }
  }
  if (problems.length > 0) throw new CouldNotRun(...problems);
  return { name: commit.name, commit, ...composed(subgraphs) };
}

function composed(subgraphs: Subgraph[]): Pick<Baseline, "api" | "supergraph" | "subgraphs"> {
  const result = compose(subgraphs.sort((a, b) => (a.name < b.name ? -1 : 1)));
  if (!result.composes) throw new CouldNotRun(...result.problems);
  return { subgraphs, supergraph: result.supergraph, api: apiSchema(parse(result.supergraph)) };
}

async function inFile(file: string): Promise<Baseline> {
  if (/\.ya?ml$/.test(file)) return { name: file, ...composed(await loadSubgraphs(file)) };
  const text = readText(file);
  const isSupergraph = /@join__type\b/.test(text);
  return {
    name: file,
    api: isSupergraph ? buildApiSchema(parseSdl(text, file), file) : readSchema(file),
    supergraph: isSupergraph ? text : undefined,
  };
}

async function atAddress(url: string): Promise<Baseline> {
  const fail = (message: string) =>
    new CouldNotRun({ code: "GRAPH_UNREACHABLE", message: `${url} ${message}` });
  const body = await ask(
    url,
    getIntrospectionQuery({
      inputValueDeprecation: true,
      oneOf: true,
      directiveIsRepeatable: true,
    }),
    fail,
  );
  const answer = parseJson(body, url) as { data?: IntrospectionQuery } | null;
  const api = answer?.data && schemaOf(answer.data);
  if (!api?.getQueryType())
    throw fail("answers, but not with its schema: is introspection allowed there?");
  return { name: url, api };
}

/** Nothing, when it is none, or not the whole of one. */
function schemaOf(introspection: IntrospectionQuery): GraphQLSchema | undefined {
  try {
    return buildClientSchema(introspection);
  } catch {
    return undefined;
  }
}
