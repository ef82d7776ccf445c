// A schema from a file: SDL, or the answer to the standard introspection query as JSON.

import { buildASTSchema, buildClientSchema, type GraphQLSchema } from "graphql";
import { readText } from "./files.ts";
import { CouldNotRun } from "./problem.ts";
import { parseSdl } from "./subgraphs.ts";

export function readSchema(file: string): GraphQLSchema {
  const text = readText(file);
  try {
    return text.trimStart().startsWith("{") && file.endsWith(".json")
      ? fromIntrospection(text)
      : buildASTSchema(parseSdl(text, file));
  } catch (cause) {
    if (cause instanceof CouldNotRun) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CouldNotRun({ code: "INVALID_SCHEMA", message, place: { file } });
  }
}

function fromIntrospection(text: string): GraphQLSchema {
  const answer = JSON.parse(text);
  return buildClientSchema(answer.data ?? answer);
}
