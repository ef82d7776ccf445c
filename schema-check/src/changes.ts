// Every change between two API schemas, and whom it may break.

import { CriticalityLevel, diff, type Change as InspectorChange } from "@graphql-inspector/core";
import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLSchema,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  Kind,
} from "graphql";
import { definitionsAt } from "./definitions.ts";
import { fits, type Given, type Usage } from "./usage.ts";

export type Level = "breaking" | "dangerous" | "safe";

export interface Change {
  /** What kind, such as `FIELD_REMOVED`. */
  kind: string;
  /** `Type`, `Type.field`, `Type.field.argument`; `schema` for its roots. */
  path: string;
  level: Level;
  message: string;
  /** Why a change of this kind breaks clients, where that is not plain. */
  reason?: string;
  /** What stood there before, and what stands there now; empty for nothing. */
  definitions(): [before: string, after: string];
  /**
   * The union member or interface that it is about, or the location or argument of a directive, where the path
   * is only that of its type or directive.
   */
  member?: string;
  /** Would a document that uses so much, sent by such viewers, be broken, or see something new? */
  affects(usage: Usage, senders?: readonly string[]): boolean;
}

export async function schemaChanges(
  before: GraphQLSchema,
  after: GraphQLSchema,
): Promise<Change[]> {
  // None of the inspector's own rules: `simplifyChanges` also drops breaking changes of a type that
  // has gained an interface, and `considerUsage` matches by prefix.
  // Of directives only `@deprecated` and `@oneOf` reach clients, and those are changes of their own.
  const found = (await diff(before, after))
    .filter(({ type }) => !type.startsWith("DIRECTIVE_USAGE_"))
    .map((change) => toChange(change, before, after));
  const all = [...found, ...oneOfChanges(before, after)];
  return all.filter((change) => !isPartOfSomethingNew(change, all)).sort(byWeight);
}

/** What something new is made of need not be listed beside it. */
function isPartOfSomethingNew(change: Change, all: readonly Change[]): boolean {
  if (change.level !== "safe") return false;
  return all.some(
    ({ kind, path }) =>
      ADDITIONS.has(kind) &&
      ((change.path === path && change.kind !== kind) || change.path.startsWith(`${path}.`)),
  );
}

const ADDITIONS = new Set(["TYPE_ADDED", "FIELD_ADDED", "INPUT_FIELD_ADDED", "ENUM_VALUE_ADDED"]);

const WEIGHT: Record<Level, number> = { breaking: 0, dangerous: 1, safe: 2 };

function byWeight(a: Change, b: Change): number {
  return (
    WEIGHT[a.level] - WEIGHT[b.level] ||
    a.path.localeCompare(b.path, "en") ||
    a.kind.localeCompare(b.kind, "en")
  );
}

const LEVELS: Record<CriticalityLevel, Level> = {
  [CriticalityLevel.Breaking]: "breaking",
  [CriticalityLevel.Dangerous]: "dangerous",
  [CriticalityLevel.NonBreaking]: "safe",
};

function toChange(change: InspectorChange, before: GraphQLSchema, after: GraphQLSchema): Change {
  const kind = change.type as string;
  const path = change.path ?? "schema";
  const details = { kind, path, meta: change.meta ?? {}, before, after };
  return {
    kind,
    path,
    level: isTakenTooLightly(details) ? "breaking" : LEVELS[change.criticality.level],
    message: change.message,
    reason: change.criticality.reason,
    definitions: definitionsAt(kind, path, before, after),
    member: memberOf(details),
    affects: affectedBy(details),
  };
}

function memberOf({ meta }: Details): string | undefined {
  const name =
    meta.removedUnionMemberTypeName ??
    meta.addedUnionMemberTypeName ??
    meta.removedInterfaceName ??
    meta.addedInterfaceName ??
    meta.removedDirectiveLocation ??
    meta.addedDirectiveArgumentName;
  return typeof name === "string" ? name : undefined;
}

/** The inspector takes a lost default for dangerous at most, and documents that repeat a directive for none. */
function isTakenTooLightly({ kind, path, after }: Details): boolean {
  if (kind === "DIRECTIVE_REPEATABLE_REMOVED") return true;
  if (!kind.includes("_DEFAULT_")) return false;
  const input = findInput(after, path);
  return input !== undefined && isRequired(input);
}

interface Details {
  kind: string;
  path: string;
  meta: Record<string, unknown>;
  before: GraphQLSchema;
  after: GraphQLSchema;
}

type Test = (usage: Usage) => boolean;

function affectedBy(details: Details): Test {
  const { kind, path, meta } = details;
  const [type = "", member = "", argument = ""] = path.split(".");
  const field = `${type}.${member}`;

  switch (kind) {
    case "FIELD_REMOVED":
    case "FIELD_TYPE_CHANGED":
    case "FIELD_ARGUMENT_ADDED":
      return ({ fields }) => fields.has(field);
    case "FIELD_ARGUMENT_REMOVED":
      return (usage) => (usage.fields.get(field) ?? []).some((args) => args.has(argument));
    case "FIELD_ARGUMENT_TYPE_CHANGED":
    case "FIELD_ARGUMENT_DEFAULT_CHANGED": {
      const test = inputTest(kind, argument, findInput(details.after, path));
      // Behind an interface it is the object's own default that counts.
      const places = ({ fields, behind }: Usage) =>
        [fields, behind].flatMap((map) => map.get(field) ?? []);
      return (usage) => test(places(usage), usage, details.after);
    }
    case "INPUT_FIELD_REMOVED":
      return (usage) =>
        usage.variableTypes.has(type) ||
        (usage.inputObjects.get(type) ?? []).some((given) => given.has(member));
    case "INPUT_FIELD_ADDED":
      return (usage) => usage.variableTypes.has(type) || usage.inputObjects.has(type);
    case "INPUT_FIELD_TYPE_CHANGED":
    case "INPUT_FIELD_DEFAULT_VALUE_CHANGED": {
      const test = inputTest(kind, member, findInput(details.after, path));
      return (usage) =>
        usage.variableTypes.has(type) ||
        test(usage.inputObjects.get(type) ?? [], usage, details.after);
    }
    case "ENUM_VALUE_REMOVED":
      return (usage) =>
        usage.enumValues.has(path) || usage.variableTypes.has(type) || usage.outputTypes.has(type);
    case "ENUM_VALUE_ADDED":
    case "UNION_MEMBER_ADDED":
    case "UNION_MEMBER_REMOVED":
      return ({ outputTypes }) => outputTypes.has(type);
    case "OBJECT_TYPE_INTERFACE_ADDED":
    case "OBJECT_TYPE_INTERFACE_REMOVED": {
      const name = String(meta.addedInterfaceName ?? meta.removedInterfaceName);
      return ({ outputTypes }) => outputTypes.has(name);
    }
    case "TYPE_REMOVED":
    case "TYPE_KIND_CHANGED":
      return (usage) => mentions(usage, type);
    case "SCHEMA_QUERY_TYPE_CHANGED":
      return ({ kinds }) => kinds.has("query");
    case "SCHEMA_MUTATION_TYPE_CHANGED":
      return ({ kinds }) => kinds.has("mutation");
    case "SCHEMA_SUBSCRIPTION_TYPE_CHANGED":
      return ({ kinds }) => kinds.has("subscription");
    case "DIRECTIVE_LOCATION_REMOVED":
      return ({ directivePlaces }) =>
        directivePlaces.has(`${type.slice(1)} ${meta.removedDirectiveLocation}`);
    case "DIRECTIVE_REPEATABLE_REMOVED":
      return ({ repeated }) => repeated.has(type.slice(1));
    case "DIRECTIVE_ARGUMENT_REMOVED":
      return ({ directives }) =>
        (directives.get(type.slice(1)) ?? []).some((args) => args.has(member));
    case "DIRECTIVE_ARGUMENT_TYPE_CHANGED":
    case "DIRECTIVE_ARGUMENT_DEFAULT_VALUE_CHANGED": {
      const test = inputTest(kind, member, findInput(details.after, path));
      return (usage) => test(usage.directives.get(type.slice(1)) ?? [], usage, details.after);
    }
    default:
      if (path.startsWith("@")) return ({ directives }) => directives.has(type.slice(1));
      // A kind that we do not know may break everybody.
      return () => true;
  }
}

function mentions(usage: Usage, type: string): boolean {
  return (
    usage.outputTypes.has(type) ||
    usage.variableTypes.has(type) ||
    usage.inputObjects.has(type) ||
    [...usage.enumValues].some((value) => value.startsWith(`${type}.`))
  );
}

type Input = GraphQLArgument | GraphQLInputField;

/** For an argument, or a field of an input, that has changed: which of the places that give it, or don't, notice? */
function inputTest(kind: string, name: string, input: Input | undefined) {
  return (places: readonly Given[], usage: Usage, schema: GraphQLSchema): boolean =>
    places.some((given) => {
      const value = given.get(name);
      if (!input) return true;
      if (kind.includes("_DEFAULT_") && !isRequired(input)) {
        return value === undefined || value.kind === Kind.VARIABLE;
      }
      return value === undefined ? isRequired(input) : !fits(value, input.type, usage, schema);
    });
}

function isRequired(input: Input): boolean {
  return (
    isRequiredArgument(input as GraphQLArgument) || isRequiredInputField(input as GraphQLInputField)
  );
}

/** The argument, of a field or a directive, or the field of an input, that a path names. */
function findInput(schema: GraphQLSchema, path: string): Input | undefined {
  const [typeName = "", field = "", argument] = path.split(".");
  if (path.startsWith("@")) {
    return schema.getDirective(typeName.slice(1))?.args.find(({ name }) => name === field);
  }
  const type = schema.getType(typeName);
  if (isInputObjectType(type)) return type.getFields()[field];
  if (!isObjectType(type) && !isInterfaceType(type)) return undefined;
  return type.getFields()[field]?.args.find(({ name }) => name === argument);
}

/** The inspector takes `@oneOf` for a directive like any other. */
function oneOfChanges(before: GraphQLSchema, after: GraphQLSchema): Change[] {
  return Object.values(after.getTypeMap()).flatMap((type): Change[] => {
    const former = before.getType(type.name);
    if (!isInputObjectType(type) || !isInputObjectType(former)) return [];
    if (type.isOneOf === former.isOneOf) return [];
    const affects: Test = (usage) =>
      usage.variableTypes.has(type.name) || usage.inputObjects.has(type.name);
    return [
      type.isOneOf
        ? {
            kind: "INPUT_ONE_OF_ADDED",
            path: type.name,
            level: "breaking",
            message: `Input object type '${type.name}' takes exactly one of its fields now`,
            definitions: definitionsAt("INPUT_ONE_OF_ADDED", type.name, before, after),
            affects,
          }
        : {
            kind: "INPUT_ONE_OF_REMOVED",
            path: type.name,
            level: "safe",
            message: `Input object type '${type.name}' takes more than one of its fields now`,
            definitions: definitionsAt("INPUT_ONE_OF_REMOVED", type.name, before, after),
            affects,
          },
    ];
  });
}
