// The supergraph of a contract: what it hides is `@inaccessible`, by the rules of Apollo's contracts.

import {
  type ConstDirectiveNode,
  type DocumentNode,
  isTypeDefinitionNode,
  Kind,
  type NamedTypeNode,
  parse,
  type SchemaDefinitionNode,
  type TypeDefinitionNode,
  visit,
} from "graphql";
import type { Problem } from "./problem.ts";
import {
  type ContractFilter,
  directPartsOf,
  hasDirective,
  isImplementing,
  isSchemaDefinition,
  linkTo,
  stringArgument,
  TaggedGraph,
} from "./tagged-graph.ts";

interface Directed {
  directives?: readonly ConstDirectiveNode[];
}

export type FilteredSupergraph = { document: DocumentNode } | { problems: Problem[] };

export function filterSupergraph(
  supergraph: DocumentNode,
  filter: ContractFilter,
): FilteredSupergraph {
  const graph = new TaggedGraph(supergraph);
  const unknown = unknownTags(graph, filter);
  if (unknown.length > 0) return { problems: unknown };
  graph.hideByTags(filter);
  graph.hideEmptyTypes();
  const problems = graph.followVisible();
  if (problems.length > 0) return { problems };
  graph.hideUnreachable(filter);
  return { document: mark(supergraph, graph) };
}

/** A tag that is misspelt would hide nothing, and nobody would notice. */
function unknownTags({ tags }: TaggedGraph, { include, exclude }: ContractFilter): Problem[] {
  const both = include.filter((tag) => exclude.includes(tag));
  const unknown = [...include, ...exclude].filter((tag) => !tags.has(tag));
  return [
    ...both.map((tag) => ({
      code: "CONFLICTING_TAGS",
      message: `the tag "${tag}" is both included and excluded`,
    })),
    ...unknown.map((tag) => ({
      code: "UNKNOWN_TAG",
      message: `nothing has the tag "${tag}"`,
    })),
  ];
}

type IsNamed = (type: NamedTypeNode) => boolean;

/** A copy in which everything hidden is `@inaccessible`. */
function mark(supergraph: DocumentNode, graph: TaggedGraph): DocumentNode {
  const required = typesInSelections(supergraph);
  // Not every router leaves out the names of hidden types here.
  const isNamed: IsNamed = ({ name }) => !graph.isHidden(name.value) || required.has(name.value);
  const definitions = supergraph.definitions.map((node) => {
    if (isSchemaDefinition(node)) {
      const operationTypes = node.operationTypes.filter(({ type }) => isNamed(type));
      return { ...node, operationTypes };
    }
    if (!isTypeDefinitionNode(node) || !graph.clientTypes.has(node.name.value)) return node;
    return markType(node, graph, isNamed);
  });
  return withInaccessible({ ...supergraph, definitions } as DocumentNode, graph.inaccessible);
}

function markType(node: TypeDefinitionNode, graph: TaggedGraph, isNamed: IsNamed) {
  if (graph.isHidden(node.name.value)) return marked(node, graph);
  const parts = directPartsOf(node).map(([coordinate, part]) => {
    const taken = "arguments" in part ? part.arguments : undefined;
    const inner = taken?.map((each) => markIf(`${coordinate}(${each.name.value}:)`, each, graph));
    return markIf(coordinate, inner ? { ...part, arguments: inner } : part, graph);
  });
  if (node.kind === Kind.UNION_TYPE_DEFINITION) {
    return withoutJoins({ ...node, types: node.types?.filter(isNamed) }, "member", isNamed);
  }
  if (node.kind === Kind.SCALAR_TYPE_DEFINITION) return node;
  if (node.kind === Kind.ENUM_TYPE_DEFINITION) return { ...node, values: parts };
  if (!isImplementing(node)) return { ...node, fields: parts };
  const interfaces = node.interfaces?.filter(isNamed);
  return withoutJoins({ ...node, fields: parts, interfaces }, "interface", isNamed);
}

function markIf<Node extends Directed>(coordinate: string, node: Node, graph: TaggedGraph): Node {
  return graph.isHidden(coordinate) ? marked(node, graph) : node;
}

function marked<Node extends Directed>(node: Node, { inaccessible }: TaggedGraph): Node {
  if (hasDirective(node, inaccessible)) return node;
  return { ...node, directives: [...(node.directives ?? []), directive(inaccessible)] };
}

const directive = (name: string): ConstDirectiveNode => ({
  kind: Kind.DIRECTIVE,
  name: { kind: Kind.NAME, value: name },
});

/** Without the `@join__unionMember` or `@join__implements` of what is not named any more. */
function withoutJoins<Node extends Directed>(node: Node, argument: string, isNamed: IsNamed): Node {
  const isKept = (each: ConstDirectiveNode) => {
    const value = each.name.value.startsWith("join__") ? stringArgument(each, argument) : undefined;
    if (value === undefined) return true;
    return isNamed({ kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value } });
  };
  return { ...node, directives: node.directives?.filter(isKept) };
}

/** The types that a subgraph's `@requires`, `@provides` or `@key` names: the router needs them to plan. */
function typesInSelections(supergraph: DocumentNode): ReadonlySet<string> {
  const found = new Set<string>();
  visit(supergraph, {
    StringValue: ({ value }) => {
      for (const [, name = ""] of value.matchAll(/\.\.\.\s*on\s+(\w+)/g)) found.add(name);
    },
  });
  return found;
}

const DEFINITION = (name: string) =>
  `directive @${name} on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION`;

/** A supergraph in which nothing was hidden before does not know the directive yet. */
function withInaccessible(document: DocumentNode, name: string): DocumentNode {
  const schema = document.definitions.find(isSchemaDefinition);
  if (linkTo(schema, "inaccessible")) return document;
  const text = `schema @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY) { query: Query } ${DEFINITION(name)}`;
  const [linked, definition] = parse(text, { noLocation: true }).definitions;
  const definitions = document.definitions.map((node) =>
    isSchemaDefinition(node)
      ? {
          ...node,
          directives: [
            ...(node.directives ?? []),
            ...((linked as SchemaDefinitionNode).directives ?? []),
          ],
        }
      : node,
  );
  return {
    ...document,
    definitions: definition ? [...definitions, definition] : definitions,
  };
}
