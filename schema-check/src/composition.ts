// Subgraphs in, supergraph and API schema out. The same input gives the same bytes.

import {
  composeServices,
  sortSDL,
  transformSupergraphToPublicSchema,
} from "@theguild/federation-composition";
import {
  buildASTSchema,
  type DocumentNode,
  type GraphQLSchema,
  isTypeDefinitionNode,
  isTypeExtensionNode,
  Kind,
  lexicographicSortSchema,
  type NamedTypeNode,
  parse,
  print,
  printSchema,
} from "graphql";
import { asNewestKnown } from "./federation-version.ts";
import { toProblem } from "./locate.ts";
import type { Problem } from "./problem.ts";
import type { Subgraph } from "./subgraphs.ts";

export type Composition = Composed | { composes: false; problems: Problem[] };

export interface Composed {
  composes: true;
  document: DocumentNode;
  supergraph: string;
  /** The API schema, printed on demand. */
  readonly api: string;
}

export function compose(subgraphs: readonly Subgraph[]): Composition {
  const key = JSON.stringify(subgraphs.map((each) => [each.name, each.url, textOf(each)]));
  if (latest?.key === key) return latest.result;
  const reserved = reservedNames(subgraphs);
  if (reserved.length > 0) return { composes: false, problems: reserved };
  const result = composeServices(
    subgraphs.map(({ name, url, document }) => ({
      ...{ name, url },
      typeDefs: asNewestKnown(document).document,
    })),
  );
  if (result.errors) {
    return { composes: false, problems: result.errors.map((error) => toProblem(error, subgraphs)) };
  }

  const document = sortSDL(parse(result.supergraphSdl, { noLocation: true }));
  const composed: Composed = {
    composes: true,
    document,
    supergraph: `${print(document)}\n`,
    get api() {
      return `${printApi(document)}\n`;
    },
  };
  latest = { key, result: composed };
  return composed;
}

/** Most changes leave the graph as it is: then it is composed once, for the baseline. */
let latest: { key: string; result: Composed } | undefined;

const textOf = ({ text, document }: Subgraph): string =>
  text ?? document.loc?.source.body ?? print(document);

/** The composer keeps types in plain objects, and so takes a type with such a name for one that is there already. */
function reservedNames(subgraphs: readonly Subgraph[]): Problem[] {
  return subgraphs.flatMap(({ name: subgraph, origin, document }) =>
    document.definitions
      .filter((node) => isTypeDefinitionNode(node) || isTypeExtensionNode(node))
      .filter(({ name }) => name.value in Object.prototype)
      .map(({ name }) => ({
        code: "RESERVED_NAME",
        message: `a type cannot be called "${name.value}": that is a property of every JavaScript object, which composers and clients mistake for it`,
        subgraph,
        coordinate: name.value,
        location: {
          file: origin,
          line: name.loc?.startToken.line,
          column: name.loc?.startToken.column,
        },
      })),
  );
}

/** The API schema as clients see it, without the federation directives. */
export function printApi(supergraph: DocumentNode): string {
  return printSchema(lexicographicSortSchema(apiSchema(supergraph)));
}

export function apiSchema(supergraph: DocumentNode): GraphQLSchema {
  const known = apiSchemas.get(supergraph);
  if (known) return known;
  // Composition has validated it: to do so again takes as long as the rest.
  const api = buildASTSchema(publicDocument(supergraph), { assumeValidSDL: true });
  apiSchemas.set(supergraph, api);
  return api;
}

const apiSchemas = new WeakMap<DocumentNode, GraphQLSchema>();

/** What is not `@inaccessible`, without the definitions and directives of federation. */
export function publicDocument(supergraph: DocumentNode): DocumentNode {
  const document = transformSupergraphToPublicSchema(supergraph);
  const types = new Set(
    document.definitions.filter(isTypeDefinitionNode).map(({ name }) => name.value),
  );
  // The library keeps the names of hidden types in unions, and so the schema would be invalid.
  const isPublic = ({ name }: NamedTypeNode) => types.has(name.value);
  return {
    ...document,
    definitions: document.definitions.map((node) =>
      node.kind === Kind.UNION_TYPE_DEFINITION
        ? { ...node, types: node.types?.filter(isPublic) }
        : node,
    ),
  };
}
