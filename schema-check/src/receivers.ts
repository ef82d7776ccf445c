// Who answers operations: the router with its API, and the subgraphs that services query directly.

import {
  buildASTSchema,
  type DefinitionNode,
  type DocumentNode,
  type GraphQLSchema,
  isTypeDefinitionNode,
  isTypeExtensionNode,
  Kind,
  parse,
  type TypeDefinitionNode,
} from "graphql";
import { type Operation, ROUTER, receiverOf } from "./operations.ts";
import { resolvableTypes } from "./permissions.ts";
import type { Subgraph } from "./subgraphs.ts";

/** By the name of the receiver. */
export type ReceiverSchemas = ReadonlyMap<string, GraphQLSchema>;

/** The API, and the schemas of the subgraphs that receive one of the operations. */
export function receiverSchemas(
  api: GraphQLSchema,
  subgraphs: readonly Subgraph[],
  operations: readonly Operation[],
): ReceiverSchemas {
  const receivers = new Set(operations.map(receiverOf));
  return new Map([
    [ROUTER, api],
    ...subgraphs
      .filter(({ name }) => receivers.has(name))
      .map(({ name, document }): [string, GraphQLSchema] => [name, subgraphSchema(document)]),
  ]);
}

/** What a subgraph answers, with the fields by which the router resolves entities. */
export function subgraphSchema({ definitions }: DocumentNode): GraphQLSchema {
  const own = withoutOrphans(definitions.filter((node) => !isTypeSystemDirective(node)));
  const names = new Set(own.filter(isTypeDefinitionNode).map(({ name }) => name.value));
  const federation = federationDefinitions(own).filter(
    (node) => !isTypeDefinitionNode(node) || !names.has(node.name.value),
  );
  // Composition has validated it already.
  return buildASTSchema(
    { kind: Kind.DOCUMENT, definitions: withoutOrphans([...own, ...federation]) },
    { assumeValid: true },
  );
}

/** No document can contain one, and their argument types may be defined by federation alone. */
function isTypeSystemDirective(node: DefinitionNode): boolean {
  return (
    node.kind === Kind.DIRECTIVE_DEFINITION &&
    !node.locations.some(({ value }) => EXECUTABLE_LOCATIONS.has(value))
  );
}

const EXECUTABLE_LOCATIONS: ReadonlySet<string> = new Set([
  ...["QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "VARIABLE_DEFINITION"],
  ...["FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"],
]);

/** A subgraph may extend a type that only others define: its first extension becomes the definition. */
function withoutOrphans(definitions: readonly DefinitionNode[]): DefinitionNode[] {
  const defined = new Set(definitions.filter(isTypeDefinitionNode).map(({ name }) => name.value));
  return definitions.map((node) => {
    if (!isTypeExtensionNode(node) || defined.has(node.name.value)) return node;
    defined.add(node.name.value);
    const kind = node.kind.replace("Extension", "Definition");
    return { ...node, kind } as unknown as TypeDefinitionNode;
  });
}

function federationDefinitions(definitions: readonly DefinitionNode[]): readonly DefinitionNode[] {
  const entities = new Set(resolvableTypes({ kind: Kind.DOCUMENT, definitions }));
  const query = queryTypeName(definitions);
  const sdl = [
    "type _Service { sdl: String! }",
    `extend type ${query} { _service: _Service! }`,
    ...(entities.size > 0
      ? [
          "scalar _Any",
          `union _Entity = ${[...entities].join(" | ")}`,
          `extend type ${query} { _entities(representations: [_Any!]!): [_Entity]! }`,
        ]
      : []),
  ];
  return parse(sdl.join("\n"), { noLocation: true }).definitions;
}

function queryTypeName(definitions: readonly DefinitionNode[]): string {
  const roots = definitions.flatMap((node) =>
    node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION
      ? (node.operationTypes ?? [])
      : [],
  );
  return roots.find(({ operation }) => operation === "query")?.type.name.value ?? "Query";
}
