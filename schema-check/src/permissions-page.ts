// docs/permissions.md: the rows of docs/permissions.json as tables for people.

import {
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  isListType,
  isNonNullType,
  isObjectType,
} from "graphql";
import { landing, type Outcome, outcome, type Permissions } from "./permissions.ts";

/** One way to an object: the field that leads there, or `_entities` at a subgraph. */
interface Door {
  name: string;
  kind: "root field" | "list" | "join" | "`_entities`";
  /** The outcome of the door itself, or undefined where the viewer never gets so far. */
  opens(viewer: string): Outcome | undefined;
  owner(viewer: string): string;
  /** The fields that can be asked for behind it. */
  fields: string[];
}

const signs: Record<Outcome, string> = {
  allowed: "✓",
  null: "∅ null",
  FORBIDDEN: "✗ FORBIDDEN",
  UNAUTHENTICATED: "⚿ UNAUTHENTICATED",
};
const UNREACHED = "·";
/** Names are shown up to here; beyond, "all others" says it better. */
const MOST_NAMES = 4;

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
    carriers(permissions),
    explanation(),
  ].join("\n\n")}\n`;
}

function introduction({ viewers, rules }: Permissions): string {
  return `# Who may see what

Every field and every operation of the graph, for every kind of viewer, through every door. The rows
are in [permissions.json](permissions.json); the test
[\`lyceum/tests/it/permissions/\`](../lyceum/tests/it/permissions/mod.rs) asks the running system for
each of them, as each viewer, through the router and straight at each subgraph, and fails when the
answer is another one. [How it is made, and changed](#how-this-table-is-made-and-changed).

**Who asks.**

${table(
  ["viewer", "is"],
  Object.entries(viewers).map(([name, is]) => [name, is]),
)}

**What they get.**

${table(
  ["sign", "means"],
  [
    [signs.allowed, "allowed: the value, and no error"],
    [signs.null, "null without an error, as if it did not exist"],
    [signs.FORBIDDEN, "null with the error `FORBIDDEN` at this field"],
    [signs.UNAUTHENTICATED, "null with the error `UNAUTHENTICATED` at this field: sign in first"],
    [UNREACHED, "the viewer gets no such object to ask for the field of"],
  ],
)}

**The doors.** The same field is reached in several ways, and each is tried:

${table(
  ["door", "is"],
  [
    ["root field", "a query or a mutation that leads to one object, through the router"],
    ["list", "an object in a page of a list, through the router"],
    [
      "join",
      "an object that another one points to; where another subgraph owns it, the router asks that one's `_entities`",
    ],
    [
      "`_entities`",
      "straight at a subgraph, by the key, with invented data beside the key. A subgraph's own queries, mutations, lists and joins are tried straight, too, and have the same outcomes",
    ],
  ],
)}

**The rules.** A rule of a field holds behind every door: the door decides who gets the object, the
field who sees this part of it.

${table(
  ["rule", "who may"],
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
          const owner = to ? landing(permissions, coordinate, to, viewer) : "";
          return signs[outcome(permissions, row.who, owner, viewer)];
        });
        return [code(coordinate), row.subgraph, row.who, ...cells];
      }),
  );
  return `## Queries and mutations

What is asked for is the student's, or the owning teacher's course.

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
    const exceptions = Object.entries(through).map(([door, rule]) => `${rule} by ${code(door)}`);
    return [code(fieldName(coordinate)), subgraph, [who, ...exceptions].join("; ")];
  });
  const doors = doorsTo(permissions, api, reached, type).flatMap((door) =>
    doorRows(permissions, type, door),
  );
  return `## ${type}

The owner is ${ownerIs}: here the ${owner}, or whoever a door leads to instead.

${table(["field", "subgraph", "rule"], fields)}

${table(["door", "kind", "fields", ...viewersOf(permissions)], doors)}`;
}

/** Fields with the same outcomes share a row. */
function doorRows(permissions: Permissions, type: string, door: Door): string[][] {
  const groups = new Map<string, { cells: string[]; names: string[] }>();
  for (const name of door.fields) {
    const coordinate = `${type}.${name}`;
    const cells = viewersOf(permissions).map((viewer) => {
      const opens = door.opens(viewer);
      if (opens !== "allowed") return opens === undefined ? UNREACHED : signs[opens];
      const row = permissions.fields[coordinate];
      const rule = row?.through?.[door.name] ?? row?.who ?? "";
      return signs[outcome(permissions, rule, door.owner(viewer), viewer)];
    });
    const key = cells.join();
    const group = groups.get(key) ?? { cells, names: [] };
    groups.set(key, { cells, names: [...group.names, name] });
  }
  return [...groups.values()].map(({ cells, names }) => [
    code(door.name),
    door.kind,
    groups.size === 1 ? "all" : nameGroup(names),
    ...cells,
  ]);
}

function nameGroup(names: string[]): string {
  return names.length > MOST_NAMES ? "all others" : names.map(code).join(" ");
}

function doorsTo(
  permissions: Permissions,
  api: GraphQLSchema,
  reached: Reached,
  type: string,
): Door[] {
  const own = rowsOf(permissions, type).map(([coordinate]) => fieldName(coordinate));
  const inGraph = edges(permissions, api)
    .filter(({ to }) => to === type)
    .map(
      (edge): Door => ({
        name: edge.coordinate,
        kind: edge.kind,
        opens: (viewer) =>
          reached(edge.from, viewer) ? opening(permissions, edge, viewer) : undefined,
        owner: (viewer) => landing(permissions, edge.coordinate, type, viewer),
        fields: own,
      }),
    );
  const { owner, entities } = permissions.types[type] as Permissions["types"][string];
  const straight = Object.entries(entities).map(
    ([subgraph, rule]): Door => ({
      name: subgraph,
      kind: "`_entities`",
      opens: (viewer) => outcome(permissions, rule, owner, viewer),
      owner: () => owner,
      fields: own.filter(
        (name) => name === "id" || permissions.fields[`${type}.${name}`]?.subgraph === subgraph,
      ),
    }),
  );
  return [...inGraph, ...straight];
}

/** Whose the object is that has the field: what a user has is asked of the user who has it. */
function carrierOwner(
  permissions: Permissions,
  coordinate: string,
  to: string,
  viewer: string,
): string {
  const from = coordinate.split(".")[0] ?? "";
  const owner = from === "User" ? undefined : permissions.types[from]?.owner;
  return owner ?? landing(permissions, coordinate, to, viewer);
}

/** What a viewer gets of the object that a field leads to: of the field, then of what carries the object. */
function opening(
  permissions: Permissions,
  { coordinate, to, carrier }: Edge,
  viewer: string,
): Outcome {
  const of = (field: string, owner: string) =>
    outcome(permissions, permissions.fields[field]?.who ?? "", owner, viewer);
  const opens = of(coordinate, carrierOwner(permissions, coordinate, to, viewer));
  if (opens !== "allowed" || carrier === undefined) return opens;
  return of(carrier, landing(permissions, coordinate, to, viewer));
}

interface Edge {
  coordinate: string;
  from: string;
  to: string;
  /** The field of a page or a payload that holds the object. */
  carrier?: string;
  kind: Door["kind"];
}

/** The fields of root types and of types with a key that lead to a type with a key. */
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
        const carrier = carrierOf(field, to, permissions);
        return {
          coordinate,
          from,
          to,
          kind,
          ...(carrier === undefined ? {} : { carrier }),
        } as const;
      });
    }),
  );
}

type Field = GraphQLField<unknown, unknown>;

/** The types with a key that the field's value is, or carries. */
function leadsTo(field: Field, permissions: Permissions): string[] {
  const found = new Set<string>();
  const visit = (type: unknown): void => {
    if (!isObjectType(type)) return;
    if (permissions.types[type.name]) found.add(type.name);
    else for (const { type: next } of Object.values(type.getFields())) visit(getNamedType(next));
  };
  visit(getNamedType(field.type));
  return [...found];
}

/** The field of a page or a payload that holds the object of a type. */
function carrierOf(field: Field, to: string, permissions: Permissions): string | undefined {
  const type = getNamedType(field.type);
  if (!isObjectType(type) || permissions.types[type.name]) return undefined;
  const holder = Object.values(type.getFields()).find((own) =>
    leadsTo(own, permissions).includes(to),
  );
  return holder && `${type.name}.${holder.name}`;
}

function isPage({ type }: Field): boolean {
  const named = getNamedType(type);
  const nodes = isObjectType(named) ? named.getFields().nodes?.type : undefined;
  return isListType(nodes) || (isNonNullType(nodes) && isListType(nodes.ofType));
}

type Reached = (type: string, viewer: string) => boolean;

/** Who gets, by some way through the router, to the usual owner's object of each type. */
function reachable(permissions: Permissions, api: GraphQLSchema): Reached {
  const found = new Set<string>();
  const key = (type: string, viewer: string) => `${type} ${viewer}`;
  const isRoot = (type: string) => permissions.types[type] === undefined;
  const reached: Reached = (type, viewer) => isRoot(type) || found.has(key(type, viewer));
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const edge of edges(permissions, api)) {
      const { coordinate, from, to } = edge;
      const usual = permissions.types[to]?.owner ?? "";
      for (const viewer of viewersOf(permissions)) {
        const arrives =
          reached(from, viewer) &&
          landing(permissions, coordinate, to, viewer) === usual &&
          opening(permissions, edge, viewer) === "allowed";
        if (arrives) found.add(key(to, viewer));
      }
    }
  }
  return reached;
}

function carriers(permissions: Permissions): string {
  const keyed = ["Query", "Mutation", "Subscription", ...Object.keys(permissions.types)];
  const types = new Map<string, string[]>();
  for (const [coordinate, { who }] of Object.entries(permissions.fields)) {
    const [type = "", field = ""] = coordinate.split(".");
    if (keyed.includes(type)) continue;
    const name = who === "as the object" ? code(field) : `${code(field)} (${who})`;
    types.set(type, [...(types.get(type) ?? []), name]);
  }
  return `## Pages, payloads and the like

Each is as public as the field that it comes from, and is asked for in full wherever that field is. A
payload's object with a rule of its own is there for those alone whom the rule lets through.

${table(
  ["type", "fields"],
  [...types].map(([type, fields]) => [code(type), fields.join(" ")]),
)}`;
}

function explanation(): string {
  return `## How this table is made, and changed

- \`permissions.json\` is written by hand: a row in \`fields\` for each field, with the subgraph that
  answers it (\`shared\`: the same in all that have it) and its rule. \`rules\` says whom a rule lets
  through (\`allowed\`: viewers, \`owner\`, \`signed in\`, \`everyone\`), what everyone else gets
  (\`otherwise\`, null if absent) and what the anonymous get if that is something else
  (\`anonymous\`). \`types\` says, for each type with a key, which viewer owns the object that is
  asked for, and the rule of \`_entities\` at each subgraph.
- \`leadsTo\` in a row: whose object the field leads to where it is not the usual owner's (\`viewer\`:
  whoever asks). \`through\`: another rule for an object that was reached through that field.
- This page is generated from it. \`cargo xtask generate --check\` fails when the page is stale, when
  the schema has a field or a key without a row, and when a row has no field.
- Programs read \`permissions.json\`; what a viewer gets under a rule is \`outcome\` in
  [\`schema-check/src/permissions.ts\`](../schema-check/src/permissions.ts).
- A new query or mutation with arguments also needs a sample of them in
  [\`people.rs\`](../lyceum/tests/it/permissions/fixtures.rs) beside the test.

**What a subgraph takes on trust: nothing.** \`Course.enrollments\` is for the course's teacher, and who that is
comes to the enrollment subgraph with the request, sealed by the course subgraph with a secret that the router
does not have (\`@requires(fields: "teacherSeal")\`). The test sends it as the router does. Without the seal of this
very course and the viewer's own id it is \`FORBIDDEN\`. Everything else in a representation but the key is
ignored: the test puts claims to be the owner, or an admin, into each.`;
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
