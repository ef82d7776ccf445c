// docs/permissions.md: the rows of docs/permissions.json as tables for people.

import {
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from "graphql";
import { type Outcome, outcome, type Permissions, resolveOwner } from "./permissions.ts";

/** A way to reach an object: a field that leads to it, or `_entities` at a subgraph. */
interface AccessPath {
  name: string;
  kind: "root field" | "list" | "join" | "`_entities`";
  /** What the viewer gets at the path itself; undefined when the viewer cannot reach it. */
  outcomeAt(viewer: string): Outcome | undefined;
  owner(viewer: string): string;
  /** The fields that can be selected on the object. */
  fields: string[];
}

const signs: Record<Outcome, string> = {
  allowed: "✓",
  null: "∅ null",
  FORBIDDEN: "✗ FORBIDDEN",
  UNAUTHENTICATED: "⚿ UNAUTHENTICATED",
};
const NOT_REACHABLE = "·";
/** A longer list of fields is shown as "all others". */
const MAX_NAMES = 4;

export function permissionsPage(permissions: Permissions, api: GraphQLSchema): string {
  const reached = reachable(permissions, api);
  const types = Object.keys(permissions.types).map((type) =>
    typeSection(permissions, api, reached, type),
  );
  return `${[
    "<!-- Generated from permissions.json by `cargo xtask generate`; do not edit. -->",
    introduction(permissions),
    operations(permissions, api),
    ...types,
    wrapperTypes(permissions),
    explanation(),
  ].join("\n\n")}\n`;
}

function introduction({ viewers, rules }: Permissions): string {
  return `# Permissions

Every field and every operation of the graph, for every kind of viewer, by every access path. The rows
are in [permissions.json](permissions.json). The test
[\`lyceum/tests/it/permissions/\`](../lyceum/tests/it/permissions/mod.rs) queries each of them in the running
system, as each viewer, through the router and directly at each subgraph, and fails when the result differs
from this page. [How to change it](#how-to-change-this-page).

**Viewers.**

${table(
  ["viewer", "is"],
  Object.entries(viewers).map(([name, is]) => [name, is]),
)}

**Results.**

${table(
  ["sign", "means"],
  [
    [signs.allowed, "allowed: the value, and no error"],
    [signs.null, "null without an error, as if the object did not exist"],
    [signs.FORBIDDEN, "null with the error `FORBIDDEN` at this field"],
    [signs.UNAUTHENTICATED, "null with the error `UNAUTHENTICATED` at this field: sign in first"],
    [NOT_REACHABLE, "the viewer cannot reach such an object"],
  ],
)}

**Access paths.** A field can be reached in several ways, and each is tested:

${table(
  ["access path", "is"],
  [
    ["root field", "a query or mutation that returns one object, through the router"],
    ["list", "an object in a page of a connection, through the router"],
    [
      "join",
      "an object that is a field of another one; when it belongs to another subgraph, the router queries `_entities` there",
    ],
    [
      "`_entities`",
      "directly at a subgraph, by key, with forged data beside the key. A subgraph's own queries, mutations, lists and joins are also tested directly, and have the same results",
    ],
  ],
)}

**Rules.** The rule of a field holds on every access path: the path decides who gets the object, and the
rule of the field who sees that field.

${table(
  ["rule", "allows"],
  Object.entries(rules).map(([name, { means }]) => [name, means]),
)}`;
}

function operations(permissions: Permissions, api: GraphQLSchema): string {
  const rows = [api.getQueryType(), api.getMutationType(), api.getSubscriptionType()].flatMap(
    (root) =>
      rowsOf(permissions, root?.name ?? "").map(([coordinate, row]) => {
        const field = root?.getFields()[coordinate.split(".")[1] ?? ""];
        const to = field && leadsTo(field, permissions)[0];
        const cells = viewersOf(permissions).map((viewer) => {
          const owner = to ? resolveOwner(permissions, coordinate, to, viewer) : "";
          return signs[outcome(permissions, row.who, owner, viewer)];
        });
        return [code(coordinate), row.subgraph, row.who, ...cells];
      }),
  );
  return `## Queries and mutations

The objects belong to \`student\`; the courses belong to \`owningTeacher\`.

${table(["operation", "subgraph", "rule", ...viewersOf(permissions)], rows)}`;
}

function typeSection(
  permissions: Permissions,
  api: GraphQLSchema,
  reached: Reached,
  type: string,
): string {
  const { owner, ownerIs } = permissions.types[type] as Permissions["types"][string];
  const fields = rowsOf(permissions, type).map(([coordinate, { subgraph, who, through = {} }]) => {
    const exceptions = Object.entries(through).map(
      ([accessPath, rule]) => `${rule} through ${code(accessPath)}`,
    );
    return [code(fieldName(coordinate)), subgraph, [who, ...exceptions].join("; ")];
  });
  const accessPaths = accessPathsTo(permissions, api, reached, type).flatMap((accessPath) =>
    accessPathRows(permissions, type, accessPath),
  );
  return `## ${type}

The owner is ${ownerIs}: \`${owner}\`, unless an access path leads to an object of another viewer.

${table(["field", "subgraph", "rule"], fields)}

${table(["access path", "kind", "fields", ...viewersOf(permissions)], accessPaths)}`;
}

/** Fields with the same results share a row. */
function accessPathRows(
  permissions: Permissions,
  type: string,
  accessPath: AccessPath,
): string[][] {
  const groups = new Map<string, { cells: string[]; names: string[] }>();
  for (const name of accessPath.fields) {
    const coordinate = `${type}.${name}`;
    const cells = viewersOf(permissions).map((viewer) => {
      const outcomeAt = accessPath.outcomeAt(viewer);
      if (outcomeAt !== "allowed")
        return outcomeAt === undefined ? NOT_REACHABLE : signs[outcomeAt];
      const row = permissions.fields[coordinate];
      const rule = row?.through?.[accessPath.name] ?? row?.who ?? "";
      return signs[outcome(permissions, rule, accessPath.owner(viewer), viewer)];
    });
    const key = cells.join();
    const group = groups.get(key) ?? { cells, names: [] };
    groups.set(key, { cells, names: [...group.names, name] });
  }
  return [...groups.values()].map(({ cells, names }) => [
    code(accessPath.name),
    accessPath.kind,
    groups.size === 1 ? "all" : nameGroup(names),
    ...cells,
  ]);
}

function nameGroup(names: string[]): string {
  return names.length > MAX_NAMES ? "all others" : names.map(code).join(" ");
}

function accessPathsTo(
  permissions: Permissions,
  api: GraphQLSchema,
  reached: Reached,
  type: string,
): AccessPath[] {
  const own = rowsOf(permissions, type).map(([coordinate]) => fieldName(coordinate));
  const routerPaths = edges(permissions, api)
    .filter(({ to }) => to === type)
    .map(
      (edge): AccessPath => ({
        name: edge.coordinate,
        kind: edge.kind,
        outcomeAt: (viewer) =>
          reached(edge.from, viewer) ? pathOutcome(permissions, edge, viewer) : undefined,
        owner: (viewer) => resolveOwner(permissions, edge.coordinate, type, viewer),
        fields: own,
      }),
    );
  const { owner, entities } = permissions.types[type] as Permissions["types"][string];
  const subgraphPaths = Object.entries(entities).map(
    ([subgraph, rule]): AccessPath => ({
      name: subgraph,
      kind: "`_entities`",
      outcomeAt: (viewer) => outcome(permissions, rule, owner, viewer),
      owner: () => owner,
      fields: own.filter(
        (name) => name === "id" || permissions.fields[`${type}.${name}`]?.subgraph === subgraph,
      ),
    }),
  );
  return [...routerPaths, ...subgraphPaths];
}

/** The owner of the object that has the field; for a field of `User`, the user is its own owner. */
function wrapperOwner(
  permissions: Permissions,
  coordinate: string,
  to: string,
  viewer: string,
): string {
  const from = coordinate.split(".")[0] ?? "";
  const owner = from === "User" ? undefined : permissions.types[from]?.owner;
  return owner ?? resolveOwner(permissions, coordinate, to, viewer);
}

/** What a viewer gets at a field, and then at the wrapper field that holds the object. */
function pathOutcome(
  permissions: Permissions,
  { coordinate, to, wrapper }: Edge,
  viewer: string,
): Outcome {
  const of = (field: string, owner: string) =>
    outcome(permissions, permissions.fields[field]?.who ?? "", owner, viewer);
  const outcomeAt = of(coordinate, wrapperOwner(permissions, coordinate, to, viewer));
  if (outcomeAt !== "allowed" || wrapper === undefined) return outcomeAt;
  return of(wrapper, resolveOwner(permissions, coordinate, to, viewer));
}

interface Edge {
  coordinate: string;
  from: string;
  to: string;
  /** The field of a page or a payload that holds the object. */
  wrapper?: string;
  kind: AccessPath["kind"];
}

/** The fields of root types and entities that lead to an entity. */
function edges(permissions: Permissions, api: GraphQLSchema): Edge[] {
  const roots = ["Query", "Mutation", "Subscription"];
  return [...roots, ...Object.keys(permissions.types)].flatMap((from) =>
    rowsOf(permissions, from).flatMap(([coordinate]) => {
      const type = api.getType(from);
      const field = isObjectType(type) ? type.getFields()[fieldName(coordinate)] : undefined;
      if (!field) return [];
      const one = roots.includes(from) ? "root field" : "join";
      const kind = isPage(field) ? "list" : one;
      return leadsTo(field, permissions).map((to) => {
        const wrapper = wrapperOf(field, to, permissions);
        return {
          coordinate,
          from,
          to,
          kind,
          ...(wrapper === undefined ? {} : { wrapper }),
        } as const;
      });
    }),
  );
}

type Field = GraphQLField<unknown, unknown>;

/** The entities that the field returns, directly or in a wrapper type. */
function leadsTo(field: Field, permissions: Permissions): string[] {
  const found = new Set<string>();
  const visit = (type: unknown): void => {
    if (isUnionType(type)) for (const member of type.getTypes()) visit(member);
    if (!isObjectType(type)) return;
    if (permissions.types[type.name]) found.add(type.name);
    else for (const { type: next } of Object.values(type.getFields())) visit(getNamedType(next));
  };
  visit(getNamedType(field.type));
  return [...found];
}

/** The field of a page or a payload that holds the object of a type. */
function wrapperOf(field: Field, to: string, permissions: Permissions): string | undefined {
  const type = getNamedType(field.type);
  if (!isObjectType(type) || permissions.types[type.name]) return undefined;
  const wrapperField = Object.values(type.getFields()).find((own) =>
    leadsTo(own, permissions).includes(to),
  );
  return wrapperField && `${type.name}.${wrapperField.name}`;
}

function isPage({ type }: Field): boolean {
  const named = getNamedType(type);
  const nodes = isObjectType(named) ? named.getFields().nodes?.type : undefined;
  return isListType(nodes) || (isNonNullType(nodes) && isListType(nodes.ofType));
}

type Reached = (type: string, viewer: string) => boolean;

/** Which viewers can reach an object of the default owner, for each type, through the router. */
function reachable(permissions: Permissions, api: GraphQLSchema): Reached {
  const found = new Set<string>();
  const key = (type: string, viewer: string) => `${type} ${viewer}`;
  const isRoot = (type: string) => permissions.types[type] === undefined;
  const reached: Reached = (type, viewer) => isRoot(type) || found.has(key(type, viewer));
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const edge of edges(permissions, api)) {
      const { coordinate, from, to } = edge;
      const defaultOwner = permissions.types[to]?.owner ?? "";
      for (const viewer of viewersOf(permissions)) {
        const isReached =
          reached(from, viewer) &&
          resolveOwner(permissions, coordinate, to, viewer) === defaultOwner &&
          pathOutcome(permissions, edge, viewer) === "allowed";
        if (isReached) found.add(key(to, viewer));
      }
    }
  }
  return reached;
}

function wrapperTypes(permissions: Permissions): string {
  const keyed = ["Query", "Mutation", "Subscription", ...Object.keys(permissions.types)];
  const types = new Map<string, string[]>();
  for (const [coordinate, { who }] of Object.entries(permissions.fields)) {
    const [type = "", field = ""] = coordinate.split(".");
    if (keyed.includes(type)) continue;
    const name = who === "as the object" ? code(field) : `${code(field)} (${who})`;
    types.set(type, [...(types.get(type) ?? []), name]);
  }
  return `## Connections and payloads

Each is as public as the field that returns it, and the test selects all of its fields. An object in a payload
can have a rule of its own.

${table(
  ["type", "fields"],
  [...types].map(([type, fields]) => [code(type), fields.join(" ")]),
)}`;
}

function explanation(): string {
  return `## How to change this page

- \`permissions.json\` is written by hand. \`fields\` has a row for each field, with the subgraph that
  resolves it (\`shared\`: several subgraphs, with the same result) and its rule. \`rules\` defines whom a rule
  allows (\`allowed\`: viewers, \`owner\`, \`signed in\`, \`everyone\`), what everyone else gets
  (\`otherwise\`, null by default) and what anonymous viewers get if that differs
  (\`anonymous\`). \`types\` defines, for each entity, which viewer owns the object by default, and the rule
  of \`_entities\` at each subgraph.
- \`leadsTo\` in a row: the owner of the object that the field leads to, if it is not the default owner (\`viewer\`: the
  current viewer). \`through\`: another rule for an object that is reached through that field.
- This page is generated from it. \`cargo xtask generate --check\` fails when the page is stale, when
  the schema has a field or a key without a row, and when a row has no field.
- Programs read \`permissions.json\`. \`outcome\` evaluates a rule for a viewer, in
  [\`schema-check/src/permissions.ts\`](../schema-check/src/permissions.ts).
- A new query or mutation with arguments also needs sample arguments in
  [\`fixtures.rs\`](../lyceum/tests/it/permissions/fixtures.rs) beside the test.

**Subgraphs do not trust representations.** \`Course.enrollments\` is for the course's teacher. The course
subgraph tells the enrollment subgraph who that is, signed with a secret that the router does not have
(\`@requires(fields: "teacherSeal")\`). The test sends it as the router does. Without the signature for
this course and the viewer's own id, the field is \`FORBIDDEN\`. Apart from the key, everything else in a
representation is ignored: the test adds forged claims to be the owner or an admin to each.`;
}

function rowsOf({ fields }: Permissions, type: string) {
  return Object.entries(fields).filter(([coordinate]) => coordinate.startsWith(`${type}.`));
}

function viewersOf({ viewers }: Permissions): string[] {
  return Object.keys(viewers);
}

function fieldName(coordinate: string): string {
  return coordinate.split(".")[1] ?? coordinate;
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
