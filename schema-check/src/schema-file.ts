// A schema from a file: SDL, or the answer to the standard introspection query as JSON.

import { transformSupergraphToPublicSchema } from "@theguild/federation-composition";
import { buildASTSchema, buildClientSchema, type DocumentNode, type GraphQLSchema } from "graphql";
import { validateSDL } from "graphql/validation/validate.js";
import { readText } from "./files.ts";
import { parseJson } from "./json.ts";
import { CouldNotRun } from "./problem.ts";
import { parseSdl } from "./subgraphs.ts";

/** The API schema of a supergraph. */
export function buildApiSchema(supergraph: DocumentNode, file: string): GraphQLSchema {
  return orInvalid(file, () => build(transformSupergraphToPublicSchema(supergraph), file));
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
  const faults = validateSDL(document);
  if (faults.length === 0) return buildASTSchema(document, { assumeValidSDL: true });
  throw new CouldNotRun(
    ...faults.map(({ message, locations }) => ({
      code: "INVALID_SCHEMA",
      message,
      place: { file, ...locations?.[0] },
    })),
  );
}

function fromIntrospection(text: string, file: string): GraphQLSchema {
  const answer = parseJson(text, file) as { data?: never } | null;
  try {
    return buildClientSchema(answer?.data ?? (answer as never));
  } catch (cause) {
    const message = `this is no answer to the introspection query (${wordsOf(cause)})`;
    throw new CouldNotRun({ code: "INVALID_SCHEMA", message, place: { file, line: 1 } });
  }
}

function orInvalid(file: string, build: () => GraphQLSchema): GraphQLSchema {
  try {
    return build();
  } catch (cause) {
    if (cause instanceof CouldNotRun) throw cause;
    const place = { file, line: 1 };
    throw new CouldNotRun({ code: "INVALID_SCHEMA", message: wordsOf(cause), place });
  }
}

const wordsOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause);
