// Lint rules: the conventions that the schema follows.

import {
  DEFAULT_DEPRECATION_REASON,
  type FieldDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isNonNullType,
  isObjectType,
  isSpecifiedScalarType,
  Kind,
  type TypeNode,
} from "graphql";
import { objectTypes } from "./permissions.ts";
import type { Subgraph } from "./subgraphs.ts";

export interface Graph {
  api: GraphQLSchema;
  subgraphs: readonly Subgraph[];
}

export interface Violation {
  /** `Type`, `Type.field`, `Type.field.argument` or `Enum.VALUE`. */
  path: string;
  message: string;
}

type LintRule = (graph: Graph) => Violation[];

export const lintRules: Record<string, LintRule> = {
  description: descriptions,
  naming,
  "edge-nullability": edgeNullability,
  connection: connections,
  "mutation-payload": mutationPayloads,
  "deprecation-reason": deprecationReasons,
};

/** What each rule demands. */
export const lintRuleTexts: Record<string, string> = {
  description: "Every type, field, argument, input field and enum value has a description.",
  naming: "Types are in PascalCase, fields and arguments in camelCase, enum values in UPPER_CASE.",
  "edge-nullability": "A field that leads to an entity of another subgraph is nullable.",
  connection: "A list of objects with an id is a connection, with its fields and arguments.",
  "mutation-payload":
    "A mutation takes one input and returns a payload with userErrors, both named after it.",
  "deprecation-reason": "A deprecation has a reason that says what to use instead.",
};

interface Item {
  path: string;
  what: "type" | "field" | "argument" | "input field" | "enum value";
  name: string;
  description?: string | null;
  deprecationReason?: string | null;
}

function items(api: GraphQLSchema): Item[] {
  return ownTypes(api).flatMap((type) => [
    { path: type.name, what: "type" as const, name: type.name, description: type.description },
    ...members(type),
  ]);
}

function members(type: GraphQLNamedType): Item[] {
  const at = (name: string) => `${type.name}.${name}`;
  if (isEnumType(type)) {
    return type
      .getValues()
      .map((value) => ({ ...value, path: at(value.name), what: "enum value" }));
  }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    return fields.map((field) => ({ ...field, path: at(field.name), what: "input field" }));
  }
  return fieldsOf(type).flatMap((field) => [
    { ...field, path: at(field.name), what: "field" as const },
    ...field.args.map((argument) => ({
      ...argument,
      path: `${at(field.name)}.${argument.name}`,
      what: "argument" as const,
    })),
  ]);
}

function ownTypes(api: GraphQLSchema): GraphQLNamedType[] {
  return Object.values(api.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function fieldsOf(type: GraphQLNamedType): GraphQLField<unknown, unknown>[] {
  return isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
}

function descriptions({ api }: Graph): Violation[] {
  return items(api)
    .filter(({ description }) => !description?.trim())
    .map(({ path, what }) => ({ path, message: `the ${what} has no description` }));
}

const NAME_STYLES: Record<Item["what"], { pattern: RegExp; style: string }> = {
  type: { pattern: /^[A-Z][A-Za-z0-9]*$/, style: "PascalCase" },
  field: { pattern: /^[a-z][A-Za-z0-9]*$/, style: "camelCase" },
  argument: { pattern: /^[a-z][A-Za-z0-9]*$/, style: "camelCase" },
  "input field": { pattern: /^[a-z][A-Za-z0-9]*$/, style: "camelCase" },
  "enum value": { pattern: /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/, style: "UPPER_CASE" },
};

function naming({ api }: Graph): Violation[] {
  return items(api)
    .filter(({ what, name }) => !NAME_STYLES[what].pattern.test(name))
    .map(({ path, what }) => ({
      path,
      message: `the ${what} is not in ${NAME_STYLES[what].style}`,
    }));
}

function deprecationReasons({ api }: Graph): Violation[] {
  return items(api)
    .filter(({ deprecationReason: reason }) => reason !== undefined && reason !== null)
    .filter(
      ({ deprecationReason: reason }) => !reason?.trim() || reason === DEFAULT_DEPRECATION_REASON,
    )
    .map(({ path, what }) => ({
      path,
      message: `the ${what} is deprecated without a reason: say what to use instead`,
    }));
}

/** An entity of another subgraph may not exist any more, so the field that leads to it must be nullable. */
function edgeNullability({ subgraphs }: Graph): Violation[] {
  const owners = entityOwners(subgraphs);
  return subgraphs.flatMap(({ name, document }) =>
    objectTypes(document).flatMap((type) =>
      (type.fields ?? [])
        .filter((field) => !hasDirective(field, "external"))
        .flatMap((field): Violation[] => {
          const target = namedTypeOf(field.type);
          const owner = owners.get(target);
          if (owner === undefined || owner === name || !isItemRequired(field.type)) return [];
          const path = `${type.name.value}.${field.name.value}`;
          const message = `must be nullable: ${target} belongs to subgraph '${owner}' and may not exist`;
          return [{ path, message }];
        }),
    ),
  );
}

/** An entity belongs to the subgraph that defines most of its fields. */
function entityOwners(subgraphs: readonly Subgraph[]): Map<string, string> {
  const best = new Map<string, { owner: string; size: number }>();
  for (const { name, document } of subgraphs) {
    for (const type of objectTypes(document)) {
      if (!hasDirective(type, "key")) continue;
      const size = (type.fields ?? []).filter((field) => !hasDirective(field, "external")).length;
      const known = best.get(type.name.value);
      if (!known || size > known.size) best.set(type.name.value, { owner: name, size });
    }
  }
  return new Map([...best].map(([type, { owner }]) => [type, owner]));
}

function hasDirective(node: Pick<FieldDefinitionNode, "directives">, name: string): boolean {
  return (node.directives ?? []).some((directive) => directive.name.value === name);
}

function namedTypeOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedTypeOf(type.type);
}

function isItemRequired(type: TypeNode): boolean {
  if (type.kind === Kind.LIST_TYPE) return isItemRequired(type.type);
  if (type.kind === Kind.NAMED_TYPE) return false;
  return type.type.kind === Kind.NAMED_TYPE || isItemRequired(type.type);
}

/** Lists of objects with an id can grow, so they must be connections, except those that are asked for by their ids. */
function connections({ api }: Graph): Violation[] {
  return ownTypes(api).flatMap((type) => [
    ...(type.name.endsWith("Connection") ? connectionShape(type) : plainLists(type)),
    ...pagedFields(type),
  ]);
}

function plainLists(type: GraphQLNamedType): Violation[] {
  return fieldsOf(type)
    .filter((field) => isListType(getNullableType(field.type)))
    .filter((field) => fieldsOf(getNamedType(field.type)).some(({ name }) => name === "id"))
    .filter(({ args }) => !args.some(({ name, type }) => name === "ids" && isRequiredList(type)))
    .map((field) => ({
      path: `${type.name}.${field.name}`,
      message: `a list of ${getNamedType(field.type)} must be a ${getNamedType(field.type)}Connection`,
    }));
}

function isRequiredList(type: GraphQLType): boolean {
  return isNonNullType(type) && isListType(type.ofType);
}

function connectionShape(type: GraphQLNamedType): Violation[] {
  const missing = ["pageInfo", "edges", "nodes"].filter(
    (name) => !fieldsOf(type).some((field) => field.name === name),
  );
  return missing.map((name) => ({
    path: type.name,
    message: `a connection must have \`${name}\``,
  }));
}

function pagedFields(type: GraphQLNamedType): Violation[] {
  return fieldsOf(type)
    .filter((field) => getNamedType(field.type).name.endsWith("Connection"))
    .flatMap((field) => {
      const given = new Set(field.args.map(({ name }) => name));
      const missing = ["first", "after", "last", "before"].filter((name) => !given.has(name));
      return missing.map((name) => ({
        path: `${type.name}.${field.name}`,
        message: `a field that returns a connection must take \`${name}\``,
      }));
    });
}

/** Expected failures are data, so every mutation payload has `userErrors`. */
function mutationPayloads({ api }: Graph): Violation[] {
  const mutation = api.getMutationType();
  if (!mutation) return [];
  return Object.values(mutation.getFields()).flatMap((field) => {
    const path = `${mutation.name}.${field.name}`;
    return payloadViolations(field, path).concat(inputViolations(field, path));
  });
}

function payloadViolations(field: GraphQLField<unknown, unknown>, path: string): Violation[] {
  const payload = getNamedType(field.type);
  const expected = `${upperFirst(field.name)}Payload`;
  if (payload.name !== expected) {
    return [{ path, message: `must return ${expected}, not ${payload}` }];
  }
  const errors = fieldsOf(payload).find(({ name }) => name === "userErrors");
  return String(errors?.type) === "[UserError!]!"
    ? []
    : [{ path: payload.name, message: "a payload must have `userErrors: [UserError!]!`" }];
}

function inputViolations(field: GraphQLField<unknown, unknown>, path: string): Violation[] {
  const expected = `${upperFirst(field.name)}Input!`;
  const isValid = field.args.every(({ name, type }) =>
    // A mutation that took no argument can get an optional one, and no required input.
    name === "input" ? isNonNullType(type) && String(type) === expected : !isNonNullType(type),
  );
  return isValid
    ? []
    : [{ path, message: `must take \`input: ${expected}\`, or only optional arguments` }];
}

function upperFirst(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
