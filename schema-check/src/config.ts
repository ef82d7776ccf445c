// The list of subgraphs, in the format of Rover's supergraph configuration.

import { dirname, join } from "node:path";
import { isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from "yaml";
import { CouldNotRun, type Location } from "./problem.ts";

export type SchemaSource =
  | { kind: "file"; file: string; location: Location }
  | { kind: "url"; url: string; location: Location };

export interface SubgraphEntry {
  name: string;
  routingUrl?: string;
  schema: SchemaSource;
}

/** Paths in the text are relative to `file`. */
export function parseConfig(text: string, file: string): SubgraphEntry[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });

  const locationOf = (node: unknown): Location => {
    const range = (node as { range?: [number, number, number] | null } | undefined)?.range;
    const position = lines.linePos(range?.[0] ?? 0);
    return { file, line: position.line || 1, column: position.col || 1 };
  };
  const fail = (message: string, node: unknown): CouldNotRun =>
    new CouldNotRun({ code: "INVALID_CONFIG", message, location: locationOf(node) });

  if (document.errors.length > 0) {
    throw new CouldNotRun(
      ...document.errors.map((error) => ({
        code: error.code === "DUPLICATE_KEY" ? "DUPLICATE_NAME" : "INVALID_YAML",
        message:
          error.code === "DUPLICATE_KEY"
            ? "duplicate name"
            : (error.message.split(" at line ")[0] ?? error.message),
        location: { file, line: error.linePos?.[0].line, column: error.linePos?.[0].col },
      })),
    );
  }

  const subgraphs = document.get("subgraphs");
  if (!isMap(subgraphs) || subgraphs.items.length === 0) {
    throw fail("`subgraphs` must map at least one name to its URL and schema", subgraphs);
  }

  return subgraphs.items.map(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : "";
    if (!isMap(value)) throw fail(`subgraph "${name}" has no settings`, key);
    const routingUrl = stringAt(value, "routing_url");
    return { name, routingUrl, schema: schemaSource(name, value) };
  });

  function schemaSource(name: string, entry: YAMLMap): SchemaSource {
    const schema = entry.get("schema");
    if (!isMap(schema)) throw fail(`subgraph "${name}" has no \`schema\``, entry);

    const schemaFile = stringAt(schema, "file");
    const url = stringAt(schema, "subgraph_url");
    if ((schemaFile === undefined) === (url === undefined)) {
      throw fail(
        `the schema of subgraph "${name}" needs either \`file\` or \`subgraph_url\``,
        schema,
      );
    }
    const location = locationOf(schema);
    return schemaFile === undefined
      ? { kind: "url", url: url as string, location }
      : { kind: "file", file: join(dirname(file), schemaFile), location };
  }

  function stringAt(map: YAMLMap, key: string): string | undefined {
    const value = map.get(key);
    if (value === undefined) return undefined;
    if (typeof value !== "string") throw fail(`\`${key}\` must be text`, map);
    return value;
  }
}
