// Permissions: the rows of docs/permissions.json, checked against the schema and evaluated.

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

/** The audiences that a rule allows, and what everyone else gets (null by default). */
export interface Rule {
  means: string;
  /** Names of viewers, "owner", "signed in" or "everyone". */
  allowed: string[];
  otherwise?: Outcome;
  anonymous?: Outcome;
}

/** A type with a `@key`. */
export interface Entity {
  /** The viewer who owns the object by default. */
  owner: string;
  ownerIs: string;
  /** The rule of `_entities` at each subgraph that resolves the type. */
  entities: Record<string, string>;
}

export interface Row {
  /** The subgraph that resolves the field, or "shared" when several do, with the same result. */
  subgraph: string;
  who: string;
  /** The owner of the object that it leads to, when that is not the default owner: a viewer, "viewer", or another. */
  leadsTo?: string;
  /** Rules that replace `who` for an object reached through another field, by that field. */
  through?: Record<string, string>;
}

export interface Permissions {
  viewers: Record<string, string>;
  rules: Record<string, Rule>;
  types: Record<string, Entity>;
  /** By coordinate, `Type.field`. */
  fields: Record<string, Row>;
}

/** What `viewer` gets under a rule, for an object that belongs to `owner`. */
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

/** The owner of the object that `viewer` reaches through a field of the default owner's object. */
export function resolveOwner(
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

/** Fields and keys without a row, and rows without a field or key. */
export function checkPermissions(
  permissions: Permissions,
  api: GraphQLSchema,
  subgraphs: readonly Subgraph[],
  locate: Locate,
): Problem[] {
  const sources = fieldSources(subgraphs);
  const served = servedBy(api, subgraphs).fields;
  const problems: Problem[] = [];

  for (const coordinate of served) {
    const fieldSource = sources.get(coordinate) ?? [];
    const row = permissions.fields[coordinate];
    const subgraph = sourceOf(coordinate, fieldSource, subgraphs);
    if (!row) {
      const line = `"${coordinate}": { "subgraph": "${subgraph}", "who": "everyone" }`;
      const message = `no row says who may see it. Add one to "fields", such as  ${line}  with one of the rules ${Object.keys(permissions.rules).join("; ")}`;
      problems.push({ code: "NO_ROW", coordinate, message, location: locate(["fields"]) });
    } else if (row.subgraph !== subgraph) {
      const message = `its subgraph is "${subgraph}", not "${row.subgraph}"`;
      const location = locate(["fields", coordinate, "subgraph"]);
      problems.push({ code: "WRONG_SUBGRAPH", coordinate, message, location });
    }
  }
  for (const coordinate of Object.keys(permissions.fields)) {
    if (!served.has(coordinate)) {
      const message = 'there is no such field: remove its row from "fields"';
      problems.push({
        code: "NO_FIELD",
        coordinate,
        message,
        location: locate(["fields", coordinate]),
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
  const declared = Object.entries(types).flatMap(([type, { entities }]) =>
    Object.keys(entities).map((subgraph) => `${type} ${subgraph}`),
  );
  const served = keysOf(subgraphs);
  const problem = (pair: string, code: string, message: string): Problem => {
    const [coordinate = "", subgraph = ""] = pair.split(" ");
    const location = locate(["types", coordinate, "entities", subgraph]);
    return { code, coordinate, subgraph, message, location };
  };
  return [
    ...served
      .filter((pair) => !declared.includes(pair))
      .map((pair) =>
        problem(
          pair,
          "NO_ROW",
          'no rule says who may resolve it by key. Add one to "entities" in "types"',
        ),
      ),
    ...declared
      .filter((pair) => !served.includes(pair))
      .map((pair) =>
        problem(
          pair,
          "NO_ENTITY",
          'the subgraph does not resolve it by key: remove the rule from "entities"',
        ),
      ),
  ];
}

/** The fields and keys that a graph serves. */
export interface Served {
  /** As `Type.field`. */
  fields: ReadonlySet<string>;
  /** Types that a subgraph resolves by key, as `Type subgraph`. */
  keys: ReadonlySet<string>;
}

export function servedBy(api: GraphQLSchema, subgraphs: readonly Subgraph[]): Served {
  return {
    fields: new Set([...coordinates(api), ...fieldSources(subgraphs).keys()]),
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

interface FieldSource {
  subgraph: string;
  isShareable: boolean;
}

/**
 * Which subgraphs resolve each field; `@external` fields do not count. `@inaccessible` fields are left out, since
 * no client can select them.
 */
function fieldSources(subgraphs: readonly Subgraph[]): Map<string, FieldSource[]> {
  const sources = new Map<string, FieldSource[]>();
  const inaccessible = inaccessibleFields(subgraphs);
  for (const { name: subgraph, document } of subgraphs) {
    for (const type of objectTypes(document)) {
      for (const field of type.fields ?? []) {
        if (hasDirective(field, "external")) continue;
        const coordinate = `${type.name.value}.${field.name.value}`;
        if (inaccessible.has(coordinate)) continue;
        const isShareable = hasDirective(type, "shareable") || hasDirective(field, "shareable");
        sources.set(coordinate, [...(sources.get(coordinate) ?? []), { subgraph, isShareable }]);
      }
    }
  }
  return sources;
}

/** One `@inaccessible` in any subgraph hides the field from clients. */
function inaccessibleFields(subgraphs: readonly Subgraph[]): Set<string> {
  const types = subgraphs.flatMap(({ document }) => objectTypes(document));
  return new Set(
    types.flatMap((type) =>
      (type.fields ?? [])
        .filter((field) => hasDirective(field, "inaccessible"))
        .map((field) => `${type.name.value}.${field.name.value}`),
    ),
  );
}

/** A key field is in several subgraphs; it belongs to the one that defines most of the type. */
function sourceOf(
  coordinate: string,
  sources: FieldSource[],
  subgraphs: readonly Subgraph[],
): string {
  const [only, ...others] = sources;
  if (only && others.length === 0) return only.subgraph;
  if (sources.length > 0 && sources.every(({ isShareable }) => isShareable)) return "shared";

  const typeName = coordinate.split(".")[0];
  const size = ({ document }: Subgraph) =>
    objectTypes(document)
      .filter(({ name }) => name.value === typeName)
      .flatMap(({ fields }) => fields ?? [])
      .filter((field) => !hasDirective(field, "external")).length;
  return subgraphs.reduce((most, next) => (size(next) > size(most) ? next : most)).name;
}

export function objectTypes(document: DocumentNode) {
  return document.definitions.filter(
    (definition) =>
      definition.kind === Kind.OBJECT_TYPE_DEFINITION ||
      definition.kind === Kind.OBJECT_TYPE_EXTENSION,
  );
}

export function resolvableTypes(document: DocumentNode): string[] {
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

function hasDirective(node: Pick<FieldDefinitionNode, "directives">, directive: string): boolean {
  return (node.directives ?? []).some(({ name }) => name.value === directive);
}
