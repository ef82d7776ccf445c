// The list of subgraphs, in the format of Rover's supergraph configuration.

import { dirname, join } from "node:path";
import { isMap, isScalar, LineCounter, parseDocument, type Scalar, type YAMLMap } from "yaml";
import { CouldNotRun, type Location } from "./problem.ts";

export type SchemaSource =
  | { kind: "file"; file: string; location: Location }
  | { kind: "url"; url: string; headers: Readonly<Record<string, string>>; location: Location }
  /** `sdl` begins with empty lines, so that its lines have the numbers that they have in the configuration. */
  | { kind: "inline"; sdl: string; location: Location };

export interface SubgraphEntry {
  name: string;
  routingUrl?: string;
  schema: SchemaSource;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Paths in the text are relative to `file`. */
export function parseConfig(
  text: string,
  file: string,
  environment: Environment = process.env,
): SubgraphEntry[] {
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

  const root = document.contents;
  if (isMap(root)) {
    knownKeys(root, ["federation_version", "subgraphs"], "the configuration");
    checkFederationVersion(root);
  }
  const subgraphs = document.get("subgraphs");
  if (!isMap(subgraphs) || subgraphs.items.length === 0) {
    throw fail("`subgraphs` must map at least one name to its URL and schema", subgraphs);
  }

  return subgraphs.items.map(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : "";
    if (!isMap(value)) throw fail(`subgraph "${name}" has no settings`, key);
    knownKeys(value, ["routing_url", "schema"], `subgraph "${name}"`);
    const routingUrl = stringAt(value, "routing_url");
    return { name, routingUrl, schema: schemaSource(name, value) };
  });

  function checkFederationVersion(map: YAMLMap): void {
    const node = map.get("federation_version", true);
    const version = isScalar(node) ? String(node.value) : "2";
    if (/^=?v?2(\.|$)/.test(version)) return;
    const message = `\`federation_version: ${version}\` is not supported: only version 2 of federation is`;
    throw fail(message, node);
  }

  /** A key that is not understood must not be ignored: it may say where another schema is. */
  function knownKeys(map: YAMLMap, known: readonly string[], where: string): void {
    for (const { key } of map.items) {
      const name = isScalar(key) ? String(key.value) : "";
      if (known.includes(name)) continue;
      throw fail(`unknown key \`${name}\` in ${where}: expected ${list(known)}`, key);
    }
  }

  function schemaSource(name: string, entry: YAMLMap): SchemaSource {
    const schema = entry.get("schema");
    if (!isMap(schema)) throw fail(`subgraph "${name}" has no \`schema\``, entry);
    refuseGraphRef(name, schema);
    knownKeys(schema, [...SOURCES, "introspection_headers"], `the schema of subgraph "${name}"`);

    const given = SOURCES.filter((key) => schema.has(key));
    const [kind] = given;
    if (kind === undefined || given.length > 1) {
      throw fail(`the schema of subgraph "${name}" needs one of ${list(SOURCES)}`, schema);
    }
    const text = stringAt(schema, kind) ?? "";
    const headers = headersAt(schema);
    if (kind !== "subgraph_url" && schema.has("introspection_headers")) {
      const node = schema.items.find(
        ({ key }) => isScalar(key) && key.value === "introspection_headers",
      );
      throw fail("`introspection_headers` belong to `subgraph_url`", node?.key);
    }
    const location = locationOf(schema);
    if (kind === "file") return { kind, file: join(dirname(file), text), location };
    if (kind === "subgraph_url") return { kind: "url", url: text, headers, location };
    return { kind: "inline", sdl: padded(text, schema.get("sdl", true)), location };
  }

  function refuseGraphRef(name: string, schema: YAMLMap): void {
    const node = schema.items.find(({ key }) => isScalar(key) && key.value === "graphref")?.key;
    if (node === undefined) return;
    const message = `\`graphref\` is not supported, since a check needs no registry: write the schema to a file (\`rover subgraph fetch ${schema.get("graphref")} --name ${name} > ${name}.graphql\`) and name it by \`file\``;
    throw fail(message, node);
  }

  function padded(sdl: string, node: Scalar | undefined): string {
    const isBlock = node?.type === "BLOCK_LITERAL" || node?.type === "BLOCK_FOLDED";
    const line = (locationOf(node).line ?? 1) + (isBlock ? 1 : 0);
    return "\n".repeat(line - 1) + sdl;
  }

  function headersAt(schema: YAMLMap): Record<string, string> {
    const map = schema.get("introspection_headers", true);
    if (map === undefined) return {};
    if (!isMap(map)) throw fail("`introspection_headers` must map names to values", map);
    return Object.fromEntries(
      map.items.map(({ key }) => {
        const name = isScalar(key) ? String(key.value) : "";
        return [name, stringAt(map, name) ?? ""];
      }),
    );
  }

  function stringAt(map: YAMLMap, key: string): string | undefined {
    const node = map.get(key, true);
    if (node === undefined) return undefined;
    if (!isScalar(node) || typeof node.value !== "string") {
      throw fail(`\`${key}\` must be text`, node);
    }
    return expand(node.value, node);
  }

  /** As Rover does: `${env.NAME}`, and `${env.NAME:-default}`. */
  function expand(value: string, node: unknown): string {
    return value.replaceAll(/\$\{env\.(\w+)(?::-([^}]*))?\}/g, (_, name: string, otherwise) => {
      const found = environment[name] ?? otherwise;
      if (found === undefined) throw fail(`the environment variable ${name} is not set`, node);
      return found;
    });
  }
}

const SOURCES = ["file", "subgraph_url", "sdl"] as const;

const list = (keys: readonly string[]): string => keys.map((key) => `\`${key}\``).join(", ");
