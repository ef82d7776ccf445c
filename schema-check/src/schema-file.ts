// Reads a schema from a file: SDL, or the JSON response to the standard introspection query.

import { buildASTSchema, buildClientSchema, type DocumentNode, type GraphQLSchema } from "graphql";
import { validateSDL } from "graphql/validation/validate.js";
import { publicDocument } from "./composition.ts";
import { readText } from "./files.ts";
import { parseJson } from "./json.ts";
import { CouldNotRun } from "./problem.ts";
import { parseSdl } from "./subgraphs.ts";

/** The API schema of a supergraph. */
export function buildApiSchema(supergraph: DocumentNode, file: string): GraphQLSchema {
  return orInvalid(file, () => build(publicDocument(supergraph), file));
}

export function readSchema(file: string): GraphQLSchema {
  const text = readText(file);
  return orInvalid(file, () =>
    text.trimStart().startsWith("{") && file.endsWith(".json")
      ? fromIntrospection(text, file)
      : build(parseSdl(text, file), file),
  );
}

function build(document: DocumentNode, file: string): GraphQLSchema {
  const errors = validateSDL(document);
  if (errors.length === 0) return buildASTSchema(document, { assumeValidSDL: true });
  throw new CouldNotRun(
    ...errors.map(({ message, locations }) => ({
      code: "INVALID_SCHEMA",
      message,
      location: { file, ...locations?.[0] },
    })),
  );
}

function fromIntrospection(text: string, file: string): GraphQLSchema {
  const response = parseJson(text, file) as { data?: never } | null;
  try {
    return buildClientSchema(response?.data ?? (response as never));
  } catch (cause) {
    const message = `not a response to the introspection query (${messageOf(cause)})`;
    throw new CouldNotRun({ code: "INVALID_SCHEMA", message, location: { file, line: 1 } });
  }
}

function orInvalid(file: string, build: () => GraphQLSchema): GraphQLSchema {
  try {
    return build();
  } catch (cause) {
    if (cause instanceof CouldNotRun) throw cause;
    const location = { file, line: 1 };
    throw new CouldNotRun({ code: "INVALID_SCHEMA", message: messageOf(cause), location });
  }
}

const messageOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause);
