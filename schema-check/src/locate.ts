// Locates what a composer's error is about. All messages name types and fields, but only some errors carry
// the node, and with it the file and line.

import {
  type ASTNode,
  type DirectiveDefinitionNode,
  type DocumentNode,
  type GraphQLError,
  isTypeDefinitionNode,
  isTypeExtensionNode,
  Kind,
  type TypeDefinitionNode,
  type TypeExtensionNode,
} from "graphql";
import type { Location, Problem } from "./problem.ts";
import type { Subgraph } from "./subgraphs.ts";

/** What a composer says: an error of its own, or a copy from another thread. */
export type ComposerError = Pick<GraphQLError, "message" | "extensions" | "source" | "locations">;

export function toProblem(error: ComposerError, subgraphs: readonly Subgraph[]): Problem {
  const code = error.extensions.code;
  const location = nodeLocation(error);
  const named = namedSubgraphs(error, subgraphs);
  const found = find(error.message, named.length > 0 ? named : subgraphs);

  const owner = location ? subgraphs.find(({ origin }) => origin === location.file) : undefined;
  return {
    code: typeof code === "string" ? code : "COMPOSITION_ERROR",
    message: error.message.replace(/^\[[^\]]*\] /, ""),
    subgraph:
      owner?.name ?? (named.length > 0 ? named.map(({ name }) => name).join(", ") : undefined),
    coordinate: found?.coordinate ?? (owner && location && coordinateAt(owner.document, location)),
    location: location ?? found?.location,
  };
}

function nodeLocation({ source, locations }: ComposerError): Location | undefined {
  return source && locations?.[0] ? { file: source.name, ...locations[0] } : undefined;
}

/** The coordinate of the type or field at a location. */
function coordinateAt(document: DocumentNode, location: Location): string | undefined {
  const isAround = ({ loc }: ASTNode): boolean =>
    loc !== undefined && !isBefore(location, loc.startToken) && !isBefore(loc.endToken, location);
  const definition = document.definitions.find(isAround);
  if (!definition || !("name" in definition) || !definition.name) return undefined;
  const field = "fields" in definition ? definition.fields?.find(isAround) : undefined;
  return [definition.name.value, field?.name.value].filter(Boolean).join(".");
}

interface Position {
  line?: number;
  column?: number;
}

function isBefore(a: Position, b: Position): boolean {
  const [line = 0, otherLine = 0] = [a.line, b.line];
  return line < otherLine || (line === otherLine && (a.column ?? 0) < (b.column ?? 0));
}

function namedSubgraphs(error: ComposerError, subgraphs: readonly Subgraph[]): Subgraph[] {
  const text = `${error.message} "${error.extensions.subgraphName ?? ""}"`;
  return subgraphs.filter(({ name }) => text.startsWith(`[${name}]`) || text.includes(`"${name}"`));
}

function find(
  message: string,
  subgraphs: readonly Subgraph[],
): { coordinate: string; location: Location } | undefined {
  const coordinates = [...message.matchAll(/(?:\b([A-Z_]\w*)|@(\w+))(?:\.(\w+))?(\(\w+:\))?/g)]
    .map(([whole, type, directive, field]) => ({ whole, type: type ?? `@${directive}`, field }))
    .sort((a, b) => Number(b.field !== undefined) - Number(a.field !== undefined));

  for (const { whole, type, field } of coordinates) {
    for (const { document, origin } of subgraphs) {
      const node = definitionOf(document, type, field);
      const start = node?.loc?.startToken;
      if (start) {
        return {
          coordinate: whole,
          location: { file: origin, line: start.line, column: start.column },
        };
      }
    }
  }
  return undefined;
}

/**
 * The location of `Type.field.argument`, or of its nearest ancestor that exists. For something that was removed,
 * only the subgraphs that had it in `former` count: other subgraphs with the type have not changed.
 */
export function locatePath(
  path: string,
  subgraphs: readonly Subgraph[],
  former: readonly Subgraph[] = [],
): Location | undefined {
  const [type = "", field, argument] = path.split(".");
  const exact = locateDefinition(subgraphs, type, field, argument);
  if (exact) return exact;

  const formerSubgraphs = former.filter(({ document }) => definitionOf(document, type, field));
  if (formerSubgraphs.length === 0) return locateDefinition(subgraphs, type);
  const remaining = subgraphs.filter(({ name }) =>
    formerSubgraphs.some((home) => home.name === name),
  );
  return locateDefinition(remaining, type) ?? (remaining[0] && { file: remaining[0].origin });
}

function locateDefinition(
  subgraphs: readonly Subgraph[],
  type: string,
  field?: string,
  argument?: string,
): Location | undefined {
  for (const { document, origin } of subgraphs) {
    const node = definitionOf(document, type, field);
    const found = argument && field ? (argumentOf(document, type, field, argument) ?? node) : node;
    const start = found?.loc?.startToken;
    if (start) return { file: origin, line: start.line, column: start.column };
  }
  return undefined;
}

function argumentOf(
  document: DocumentNode,
  type: string,
  field: string,
  argument: string,
): ASTNode | undefined {
  for (const definition of definitionsCalled(document, type)) {
    if (!("fields" in definition)) continue;
    const member = definition.fields?.find(({ name }) => name.value === field);
    const found =
      member && "arguments" in member
        ? member.arguments?.find(({ name }) => name.value === argument)
        : undefined;
    if (found) return found.name;
  }
  return undefined;
}

function definitionOf(document: DocumentNode, type: string, field?: string): ASTNode | undefined {
  for (const definition of definitionsCalled(document, type)) {
    if (definition.kind === Kind.DIRECTIVE_DEFINITION || field === undefined) {
      return definition.name;
    }
    const members = "fields" in definition ? definition.fields : [];
    const values = "values" in definition ? definition.values : [];
    const member = [...(members ?? []), ...(values ?? [])].find(({ name }) => name.value === field);
    if (member) return member.name;
  }
  return undefined;
}

type NamedDefinition = TypeDefinitionNode | TypeExtensionNode | DirectiveDefinitionNode;

/** Large graphs have many findings, each of which is looked for in all subgraphs. */
const indices = new WeakMap<DocumentNode, Map<string, NamedDefinition[]>>();

/** The definitions and extensions of a type, or the definition of a directive such as `@upper`. */
function definitionsCalled(document: DocumentNode, name: string): readonly NamedDefinition[] {
  const known = indices.get(document);
  if (known) return known.get(name) ?? [];
  const index = new Map<string, NamedDefinition[]>();
  for (const definition of document.definitions) {
    const isDirective = definition.kind === Kind.DIRECTIVE_DEFINITION;
    if (!isDirective && !isTypeDefinitionNode(definition) && !isTypeExtensionNode(definition)) {
      continue;
    }
    const key = isDirective ? `@${definition.name.value}` : definition.name.value;
    const same = index.get(key);
    if (same) same.push(definition);
    else index.set(key, [definition]);
  }
  indices.set(document, index);
  return index.get(name) ?? [];
}
