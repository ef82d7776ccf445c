// Who may see what: the rows of docs/permissions.json, held against the schema, and asked.

import {
  type DocumentNode,
  type FieldDefinitionNode,
  type GraphQLSchema,
  isIntrospectionType,
  isObjectType,
  Kind,
} from "graphql";
import type { Locate } from "./json.ts";
import type { Problem } from "./problem.ts";
import type { Subgraph } from "./subgraphs.ts";

export const outcomes = ["allowed", "null", "FORBIDDEN", "UNAUTHENTICATED"] as const;
export type Outcome = (typeof outcomes)[number];

/** Whom a rule lets through, and what everyone else gets (null, if nothing is said). */
export interface Rule {
  means: string;
  /** Viewers, "owner", "signed in" or "everyone". */
  allowed: string[];
  otherwise?: Outcome;
  anonymous?: Outcome;
}

/** A type with a key. */
export interface Entity {
  /** The viewer who owns the object that is asked for. */
  owner: string;
  ownerIs: string;
  /** The rule of `_entities` at each subgraph that has it. */
  entities: Record<string, string>;
}

export interface Row {
  /** The subgraph that answers, or "shared": the same in all that have it. */
  subgraph: string;
  who: string;
  /** Whose object it leads to, where that is not the usual owner's: a viewer, "viewer", or somebody else. */
  leadsTo?: string;
  /** Other rules, for an object that was reached through another field. */
  through?: Record<string, string>;
}

export interface Permissions {
  viewers: Record<string, string>;
  rules: Record<string, Rule>;
  types: Record<string, Entity>;
  /** By coordinate, `Type.field`. */
  fields: Record<string, Row>;
}

/** What `viewer` gets under a rule, of an object that is `owner`'s. */
export function outcome(
  permissions: Permissions,
  rule: string,
  owner: string,
  viewer: string,
): Outcome {
  return outcomeOf(permissions.rules[rule] as Rule, owner, viewer);
}

export function outcomeOf(rule: Omit<Rule, "means">, owner: string, viewer: string): Outcome {
  const { allowed, otherwise = "null", anonymous = otherwise } = rule;
  const isAmong = (audience: string) =>
    audience === "everyone" ||
    (audience === "signed in" && viewer !== "anonymous") ||
    (audience === "owner" && viewer === owner) ||
    audience === viewer;
  if (allowed.some(isAmong)) return "allowed";
  return viewer === "anonymous" ? anonymous : otherwise;
}

/** Whose the object is that `viewer` reaches through a field of the usual owner's object. */
export function landing(
  permissions: Permissions,
  field: string,
  to: string,
  viewer: string,
): string {
  const { leadsTo } = permissions.fields[field] as Row;
  if (leadsTo !== undefined) return leadsTo === "viewer" ? viewer : leadsTo;
  const from = permissions.types[field.split(".")[0] ?? ""];
  const owner = to === "User" ? from?.owner : undefined;
  return owner ?? permissions.types[to]?.owner ?? "";
}

/** What the schema has and the rows lack, and the other way round. */
export function checkRows(
  permissions: Permissions,
  api: GraphQLSchema,
  subgraphs: readonly Subgraph[],
  locate: Locate,
): Problem[] {
  const homes = homesOfFields(subgraphs);
  const served = servedBy(api, subgraphs).fields;
  const problems: Problem[] = [];

  for (const coordinate of served) {
    const home = homes.get(coordinate) ?? [];
    const row = permissions.fields[coordinate];
    const subgraph = homeOf(coordinate, home, subgraphs);
    if (!row) {
      const line = `"${coordinate}": { "subgraph": "${subgraph}", "who": "everyone" }`;
      const message = `who may see it? Add a row to "fields", such as  ${line}  with one of the rules ${Object.keys(permissions.rules).join("; ")}`;
      problems.push({ code: "NO_ROW", coordinate, message, place: locate(["fields"]) });
    } else if (row.subgraph !== subgraph) {
      const message = `its subgraph is "${subgraph}", not "${row.subgraph}"`;
      const place = locate(["fields", coordinate, "subgraph"]);
      problems.push({ code: "WRONG_SUBGRAPH", coordinate, message, place });
    }
  }
  for (const coordinate of Object.keys(permissions.fields)) {
    if (!served.has(coordinate)) {
      const message = 'there is no such field: take its row out of "fields"';
      problems.push({
        code: "NO_FIELD",
        coordinate,
        message,
        place: locate(["fields", coordinate]),
      });
    }
  }
  return [...problems, ...checkEntities(permissions, subgraphs, locate)];
}

function checkEntities(
  { types }: Permissions,
  subgraphs: readonly Subgraph[],
  locate: Locate,
): Problem[] {
  const told = Object.entries(types).flatMap(([type, { entities }]) =>
    Object.keys(entities).map((subgraph) => `${type} ${subgraph}`),
  );
  const served = keysOf(subgraphs);
  const problem = (pair: string, code: string, message: string): Problem => {
    const [coordinate = "", subgraph = ""] = pair.split(" ");
    const place = locate(["types", coordinate, "entities", subgraph]);
    return { code, coordinate, subgraph, message, place };
  };
  return [
    ...served
      .filter((pair) => !told.includes(pair))
      .map((pair) =>
        problem(
          pair,
          "NO_ROW",
          'who may ask for it by its key? Add a rule to "entities" of "types"',
        ),
      ),
    ...told
      .filter((pair) => !served.includes(pair))
      .map((pair) =>
        problem(pair, "NO_ENTITY", 'it has no such key: take the rule out of "entities"'),
      ),
  ];
}

/** What rows can be about. */
export interface Served {
  /** As `Type.field`. */
  fields: ReadonlySet<string>;
  /** Types that a subgraph can be asked for by their key, as `Type subgraph`. */
  keys: ReadonlySet<string>;
}

export function servedBy(api: GraphQLSchema, subgraphs: readonly Subgraph[]): Served {
  return {
    fields: new Set([...coordinates(api), ...homesOfFields(subgraphs).keys()]),
    keys: new Set(keysOf(subgraphs)),
  };
}

function keysOf(subgraphs: readonly Subgraph[]): string[] {
  return subgraphs.flatMap(({ name, document }) =>
    resolvableTypes(document).map((type) => `${type} ${name}`),
  );
}

/** Every field of every object type, as `Type.field`. */
function coordinates(schema: GraphQLSchema): string[] {
  return Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !isIntrospectionType(type))
    .flatMap((type) =>
      isObjectType(type) ? Object.keys(type.getFields()).map((name) => `${type.name}.${name}`) : [],
    );
}

interface Home {
  subgraph: string;
  isShareable: boolean;
}

/**
 * Which subgraphs answer a field; those that only name somebody else's are not among them. A field that is
 * `@inaccessible` is between subgraphs: no client gets it, so nothing is to be said of who may.
 */
function homesOfFields(subgraphs: readonly Subgraph[]): Map<string, Home[]> {
  const homes = new Map<string, Home[]>();
  const inaccessible = inaccessibleFields(subgraphs);
  for (const { name: subgraph, document } of subgraphs) {
    for (const type of objectTypes(document)) {
      for (const field of type.fields ?? []) {
        if (has(field, "external")) continue;
        const coordinate = `${type.name.value}.${field.name.value}`;
        if (inaccessible.has(coordinate)) continue;
        const isShareable = has(type, "shareable") || has(field, "shareable");
        homes.set(coordinate, [...(homes.get(coordinate) ?? []), { subgraph, isShareable }]);
      }
    }
  }
  return homes;
}

/** One subgraph's word is enough to keep a field from clients. */
function inaccessibleFields(subgraphs: readonly Subgraph[]): Set<string> {
  const types = subgraphs.flatMap(({ document }) => objectTypes(document));
  return new Set(
    types.flatMap((type) =>
      (type.fields ?? [])
        .filter((field) => has(field, "inaccessible"))
        .map((field) => `${type.name.value}.${field.name.value}`),
    ),
  );
}

/** A key is everywhere; it belongs to the subgraph that has most of its type. */
function homeOf(coordinate: string, homes: Home[], subgraphs: readonly Subgraph[]): string {
  const [only, ...others] = homes;
  if (only && others.length === 0) return only.subgraph;
  if (homes.length > 0 && homes.every(({ isShareable }) => isShareable)) return "shared";

  const typeName = coordinate.split(".")[0];
  const size = ({ document }: Subgraph) =>
    objectTypes(document)
      .filter(({ name }) => name.value === typeName)
      .flatMap(({ fields }) => fields ?? [])
      .filter((field) => !has(field, "external")).length;
  return subgraphs.reduce((most, next) => (size(next) > size(most) ? next : most)).name;
}

export function objectTypes(document: DocumentNode) {
  return document.definitions.filter(
    (definition) =>
      definition.kind === Kind.OBJECT_TYPE_DEFINITION ||
      definition.kind === Kind.OBJECT_TYPE_EXTENSION,
  );
}

function resolvableTypes(document: DocumentNode): string[] {
  return objectTypes(document)
    .filter((type) =>
      (type.directives ?? []).some(
        ({ name, arguments: given = [] }) =>
          name.value === "key" &&
          !given.some(
            ({ name, value }) =>
              name.value === "resolvable" && value.kind === Kind.BOOLEAN && !value.value,
          ),
      ),
    )
    .map(({ name }) => name.value);
}

function has(node: Pick<FieldDefinitionNode, "directives">, directive: string): boolean {
  return (node.directives ?? []).some(({ name }) => name.value === directive);
}
