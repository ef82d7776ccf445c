// A schema from a file: SDL, or the answer to the standard introspection query as JSON.

import { buildASTSchema, buildClientSchema, type DocumentNode, type GraphQLSchema } from "graphql";
import { apiSchema } from "./composition.ts";
import { readText } from "./files.ts";
import { parseJson } from "./json.ts";
import { CouldNotRun } from "./problem.ts";
import { parseSdl } from "./subgraphs.ts";

/** From a supergraph; what it says wrong is told with the file. */
export function buildApiSchema(supergraph: DocumentNode, file: string): GraphQLSchema {
  return orInvalid(file, () => apiSchema(supergraph));
}

export function readSchema(file: string): GraphQLSchema {
  const text = readText(file);
  return orInvalid(file, () =>
    text.trimStart().startsWith("{") && file.endsWith(".json")
      ? fromIntrospection(text, file)
      : buildASTSchema(parseSdl(text, file)),
  );
}

function orInvalid(file: string, build: () => GraphQLSchema): GraphQLSchema {
  try {
    return build();
  } catch (cause) {
    if (cause instanceof CouldNotRun) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CouldNotRun({ code: "INVALID_SCHEMA", message, place: { file } });
  }
}

function fromIntrospection(text: string, file: string): GraphQLSchema {
  const answer = parseJson(text, file) as { data?: never };
  return buildClientSchema(answer.data ?? (answer as never));
}
