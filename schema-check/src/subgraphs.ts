// Reads and parses the schemas of the subgraphs.

import { type DocumentNode, GraphQLError, type ParseOptions, parse, Source } from "graphql";
import { parseConfig, type SchemaSource, type SubgraphEntry } from "./config.ts";
import { readText } from "./files.ts";
import { fetchSdl } from "./introspect.ts";
import { CouldNotRun, type Problem } from "./problem.ts";

export interface Subgraph {
  name: string;
  url?: string;
  /** The file or URL of the schema. */
  origin: string;
  /** The text of the schema, where the document does not have it. */
  text?: string;
  document: DocumentNode;
}

/** Sorted by name, so that the order in the file does not matter. */
export async function loadSubgraphs(configFile: string): Promise<Subgraph[]> {
  const entries = parseConfig(readText(configFile), configFile);
  const results = await Promise.allSettled(entries.map(loadSubgraph));

  const problems: Problem[] = [];
  const subgraphs: Subgraph[] = [];
  for (const result of results) {
    if (result.status === "fulfilled") subgraphs.push(result.value);
    else if (result.reason instanceof CouldNotRun) problems.push(...result.reason.problems);
    else throw result.reason;
  }
  if (problems.length > 0) throw new CouldNotRun(...problems);

  return subgraphs.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function loadSubgraph({ name, routingUrl, schema }: SubgraphEntry): Promise<Subgraph> {
  const origin = originOf(schema);
  const sdl = await readSdl(name, schema);
  const url = routingUrl ?? (schema.kind === "url" ? schema.url : undefined);
  return { name, url, origin, document: parseSdl(sdl, origin, name) };
}

/** The file or URL of a schema; the configuration itself, if the schema is in it. */
export function originOf(schema: SchemaSource): string {
  if (schema.kind === "file") return schema.file;
  return schema.kind === "url" ? schema.url : schema.location.file;
}

async function readSdl(name: string, schema: SchemaSource): Promise<string> {
  if (schema.kind === "inline") return schema.sdl;
  return schema.kind === "file"
    ? readText(schema.file, schema.location)
    : fetchSdl(name, schema.url, schema.headers, schema.location);
}

export function parseSdl(
  sdl: string,
  origin: string,
  subgraph?: string,
  options?: ParseOptions,
): DocumentNode {
  try {
    return parse(new Source(sdl, origin), options);
  } catch (cause) {
    if (!(cause instanceof GraphQLError)) throw cause;
    throw new CouldNotRun({
      code: "SYNTAX_ERROR",
      subgraph,
      message: cause.message,
      location: { file: origin, ...cause.locations?.[0] },
    });
  }
}
