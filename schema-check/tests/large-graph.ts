// A large federated graph, to measure the check with: subgraphs that own entities, extend those of their neighbours and
// share value types, and operations over several of them.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Size {
  subgraphs: number;
  types: number;
  operations: number;
}

const LINK =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@external", "@requires"])';

/** Types of one owned entity: itself, its input, its enum, its connection, its edge. */
const TYPES_PER_ENTITY = 5;

export function writeLargeGraph(folder: string, size: Size): void {
  const perSubgraph = Math.round(size.types / size.subgraphs / TYPES_PER_ENTITY);
  mkdirSync(join(folder, "operations"), { recursive: true });
  const names = Array.from({ length: size.subgraphs }, (_, index) => `s${index}`);
  for (const [index, name] of names.entries()) {
    writeFileSync(join(folder, `${name}.graphql`), subgraph(index, names.length, perSubgraph));
  }
  writeFileSync(
    join(folder, "supergraph.yaml"),
    `subgraphs:\n${names.map((name) => `  ${name}:\n    routing_url: http://${name}\n    schema:\n      file: ${name}.graphql\n`).join("")}`,
  );
  for (let number = 0; number < size.operations; number++) {
    const at = number % names.length;
    const entity = Math.floor(number / names.length) % perSubgraph;
    writeFileSync(
      join(folder, "operations", `Op${number}.graphql`),
      operation(number, at, entity, names.length),
    );
  }
}

function subgraph(index: number, count: number, entities: number): string {
  const neighbour = (index + 1) % count;
  const own = Array.from({ length: entities }, (_, entity) => {
    const name = `T${index}x${entity}`;
    return `
"An entity of subgraph ${index}."
type ${name} @key(fields: "id") {
  "Identifies it."
  id: ID!
  "Its name."
  name(upper: Boolean = false): String!
  "How many."
  count: Int
  "When it was made."
  createdAt: String!
  "Its state."
  state: ${name}State!
  "What is next to it."
  next: T${neighbour}x${entity}
  "What belongs to it."
  parts(first: Int = 10, after: String, filter: ${name}Filter): ${name}Connection!
}
"A stub of the neighbour's entity, with a field of ours."
type T${neighbour}x${entity} @key(fields: "id") {
  id: ID!
  "What we say about it."
  noteOf${index}: String
}
enum ${name}State { NEW OPEN CLOSED }
input ${name}Filter { state: ${name}State nameContains: String min: Int }
type ${name}Connection { nodes: [${name}!]! edges: [${name}Edge!]! pageInfo: PageInfo! }
type ${name}Edge { cursor: String! node: ${name}! }`;
  });
  const fields = Array.from(
    { length: entities },
    (_, entity) =>
      `  "One of them."\n  t${index}x${entity}(id: ID!): T${index}x${entity}\n  "Many of them."\n  all${index}x${entity}(filter: T${index}x${entity}Filter): T${index}x${entity}Connection!`,
  );
  return `${LINK}
type Query {
${fields.join("\n")}
}
type PageInfo @shareable { hasNextPage: Boolean! endCursor: String }
${own.join("\n")}
`;
}

/** Inspector takes all fragments for those of one document, so their names are unique. */
function operation(number: number, at: number, entity: number, count: number): string {
  const neighbour = (at + 1) % count;
  const name = `t${at}x${entity}`;
  return `query Op${number}($id: ID!, $filter: T${at}x${entity}Filter) {
  ${name}(id: $id) {
    id
    name(upper: true)
    state
    next { id name noteOf${at} parts(first: 5) { nodes { id name } pageInfo { hasNextPage } } }
    parts(filter: $filter) { edges { cursor node { ...Card${number} } } }
  }
  all${neighbour}x${entity}(filter: { state: OPEN, min: ${number % 7} }) { nodes { id count } }
}
fragment Card${number} on T${at}x${entity} { id name count createdAt }
`;
}
