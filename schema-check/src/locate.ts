// Finds what a composer's message speaks of. Its messages name types and fields, but only some
// of its errors carry the node, and with it the file and line.

import {
  type ASTNode,
  type DocumentNode,
  type GraphQLError,
  isTypeDefinitionNode,
  isTypeExtensionNode,
} from "graphql";
import type { Place, Problem } from "./problem.ts";
import type { Subgraph } from "./subgraphs.ts";

export function toProblem(error: GraphQLError, subgraphs: readonly Subgraph[]): Problem {
  const code = error.extensions.code;
  const place = placeOfNode(error);
  const named = namedSubgraphs(error, subgraphs);
  const found = find(error.message, named.length > 0 ? named : subgraphs);

  const owner = place ? subgraphs.find(({ origin }) => origin === place.file) : undefined;
  return {
    code: typeof code === "string" ? code : "COMPOSITION_ERROR",
    message: error.message.replace(/^\[[^\]]*\] /, ""),
    subgraph:
      owner?.name ?? (named.length > 0 ? named.map(({ name }) => name).join(", ") : undefined),
    coordinate: found?.coordinate,
    place: place ?? found?.place,
  };
}

function placeOfNode({ source, locations }: GraphQLError): Place | undefined {
  return source && locations?.[0] ? { file: source.name, ...locations[0] } : undefined;
}

function namedSubgraphs(error: GraphQLError, subgraphs: readonly Subgraph[]): Subgraph[] {
  const text = `${error.message} "${error.extensions.subgraphName ?? ""}"`;
  return subgraphs.filter(({ name }) => text.startsWith(`[${name}]`) || text.includes(`"${name}"`));
}

function find(
  message: string,
  subgraphs: readonly Subgraph[],
): { coordinate: string; place: Place } | undefined {
  const coordinates = [...message.matchAll(/\b([A-Z_]\w*)(?:\.(\w+))?(\(\w+:\))?/g)]
    .map(([whole, type, field]) => ({ whole, type: type as string, field }))
    .sort((a, b) => Number(b.field !== undefined) - Number(a.field !== undefined));

  for (const { whole, type, field } of coordinates) {
    for (const { document, origin } of subgraphs) {
      const node = definitionOf(document, type, field);
      const start = node?.loc?.startToken;
      if (start) {
        return {
          coordinate: whole,
          place: { file: origin, line: start.line, column: start.column },
        };
      }
    }
  }
  return undefined;
}

/** Where `Type.field.argument` stands, or else the nearest thing around it that there is. */
export function placeOfPath(path: string, subgraphs: readonly Subgraph[]): Place | undefined {
  const [type = "", field, argument] = path.split(".");
  for (const member of [field, undefined]) {
    for (const { document, origin } of subgraphs) {
      const node = definitionOf(document, type, member);
      const found =
        argument && member ? (argumentOf(document, type, member, argument) ?? node) : node;
      const start = found?.loc?.startToken;
      if (start) return { file: origin, line: start.line, column: start.column };
    }
  }
  return undefined;
}

function argumentOf(
  document: DocumentNode,
  type: string,
  field: string,
  argument: string,
): ASTNode | undefined {
  for (const definition of document.definitions) {
    if (!("fields" in definition) || definition.name?.value !== type) continue;
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
  for (const definition of document.definitions) {
    if (!isTypeDefinitionNode(definition) && !isTypeExtensionNode(definition)) continue;
    if (definition.name.value !== type) continue;
    if (field === undefined) return definition.name;

    const members = "fields" in definition ? definition.fields : [];
    const values = "values" in definition ? definition.values : [];
    const member = [...(members ?? []), ...(values ?? [])].find(({ name }) => name.value === field);
    if (member) return member.name;
  }
  return undefined;
}
