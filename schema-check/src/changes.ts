// Every change between two API schemas, and which operations it can break.

import { CriticalityLevel, diff, type Change as InspectorChange } from "@graphql-inspector/core";
import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLSchema,
  isInputObjectType,
  isInterfaceType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isScalarType,
  Kind,
} from "graphql";
import { definitionTexts } from "./definitions.ts";
import { type GivenValues, isAssignable, type Usage } from "./usage.ts";

export type Level = "breaking" | "dangerous" | "safe";

export interface Change {
  /** Such as `FIELD_REMOVED`. */
  kind: string;
  /** `Type`, `Type.field`, `Type.field.argument`; `schema` for the root types. */
  path: string;
  level: Level;
  message: string;
  /** Why a change of this kind can break clients, where that is not obvious. */
  reason?: string;
  /** The definitions before and after the change; empty where there is none. */
  definitions(): [before: string, after: string];
  /**
   * The union member or interface that was changed, or the location or argument of a directive, where the path
   * names only its type or directive.
   */
  member?: string;
  /** The receivers of operations for which it is a change: `router`, subgraphs. Undefined when it is one for all. */
  receivers?: readonly string[];
  /** Whether the change affects a document with this usage, sent by these viewers. */
  affects(usage: Usage, senders?: readonly string[]): boolean;
}

export function isSeenAt({ receivers }: Change, receiver: string): boolean {
  return receivers === undefined || receivers.includes(receiver);
}

export async function schemaChanges(
  before: GraphQLSchema,
  after: GraphQLSchema,
): Promise<Change[]> {
  if (before === after) return [];
  // Without the inspector's own rules: `simplifyChanges` also drops breaking changes of a type that
  // has gained an interface, and `considerUsage` matches by prefix.
  // Of the applied directives, only `@deprecated` and `@oneOf` reach clients; they are separate changes.
  const found = (await diff(before, after))
    .filter(({ type }) => !type.startsWith("DIRECTIVE_USAGE_"))
    .map((change) => toChange(change, before, after));
  const all = [
    ...found,
    ...oneOfChanges(before, after),
    ...inputDeprecations(before, after),
    ...specifiedByChanges(before, after),
  ];
  return all.filter((change) => !isPartOfAddition(change, all)).sort(bySeverity);
}

/** The parts of an added type or field are not listed separately. */
function isPartOfAddition(change: Change, all: readonly Change[]): boolean {
  if (change.level !== "safe") return false;
  return all.some(
    ({ kind, path }) =>
      ADDITIONS.has(kind) &&
      ((change.path === path && change.kind !== kind) || change.path.startsWith(`${path}.`)),
  );
}

const ADDITIONS = new Set(["TYPE_ADDED", "FIELD_ADDED", "INPUT_FIELD_ADDED", "ENUM_VALUE_ADDED"]);

const SEVERITY_ORDER: Record<Level, number> = { breaking: 0, dangerous: 1, safe: 2 };

function bySeverity(a: Change, b: Change): number {
  return (
    SEVERITY_ORDER[a.level] - SEVERITY_ORDER[b.level] ||
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
    level: levelOf(details, change.criticality.level),
    message: change.message,
    reason: change.criticality.reason,
    definitions: definitionTexts(kind, path, before, after),
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

function levelOf(details: Details, criticality: CriticalityLevel): Level {
  if (isUnderrated(details)) return "breaking";
  return isNewImplementation(details) ? "dangerous" : LEVELS[criticality];
}

/** Where an interface is selected, objects of the new type appear. The inspector takes all parts of a new type lightly. */
function isNewImplementation({ kind, meta, before }: Details): boolean {
  const name = meta.addedInterfaceName;
  return (
    kind === "OBJECT_TYPE_INTERFACE_ADDED" &&
    typeof name === "string" &&
    isInterfaceType(before.getType(name))
  );
}

/** The inspector rates a removed default as dangerous at most, and ignores repeated directives. */
function isUnderrated({ kind, path, after }: Details): boolean {
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

type UsageTest = (usage: Usage) => boolean;

function affectedBy(details: Details): UsageTest {
  const { kind, path, meta } = details;
  const [type = "", member = "", argument = ""] = path.split(".");
  const field = `${type}.${member}`;

  switch (kind) {
    case "FIELD_REMOVED":
    case "FIELD_DEPRECATION_ADDED":
    case "FIELD_DEPRECATION_REASON_ADDED":
    case "FIELD_TYPE_CHANGED":
    case "FIELD_ARGUMENT_ADDED":
      return ({ fields }) => fields.has(field);
    case "FIELD_ARGUMENT_REMOVED":
    case "FIELD_ARGUMENT_DEPRECATION_ADDED":
      return (usage) => (usage.fields.get(field) ?? []).some((args) => args.has(argument));
    case "FIELD_ARGUMENT_TYPE_CHANGED":
    case "FIELD_ARGUMENT_DEFAULT_CHANGED": {
      const test = inputTest(argument, details);
      // Through an interface, the default of the object's own field applies.
      const occurrences = ({ fields, implementations }: Usage) =>
        [fields, implementations].flatMap((map) => map.get(field) ?? []);
      return (usage) => test(occurrences(usage), usage, details.after);
    }
    case "INPUT_FIELD_REMOVED":
    case "INPUT_FIELD_DEPRECATION_ADDED":
      return (usage) =>
        usage.variableTypes.has(type) ||
        (usage.inputObjects.get(type) ?? []).some((given) => given.has(member));
    case "INPUT_FIELD_ADDED":
      return (usage) => usage.variableTypes.has(type) || usage.inputObjects.has(type);
    case "INPUT_FIELD_TYPE_CHANGED":
    case "INPUT_FIELD_DEFAULT_VALUE_CHANGED": {
      const test = inputTest(member, details);
      return (usage) =>
        usage.variableTypes.has(type) ||
        test(usage.inputObjects.get(type) ?? [], usage, details.after);
    }
    case "ENUM_VALUE_REMOVED":
    case "ENUM_VALUE_DEPRECATION_REASON_ADDED":
      return (usage) =>
        usage.enumValues.has(field) || usage.variableTypes.has(type) || usage.outputTypes.has(type);
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
      return ({ directiveLocations }) =>
        directiveLocations.has(`${type.slice(1)} ${meta.removedDirectiveLocation}`);
    case "DIRECTIVE_REPEATABLE_REMOVED":
      return ({ repeatedDirectives }) => repeatedDirectives.has(type.slice(1));
    case "DIRECTIVE_ARGUMENT_REMOVED":
      return ({ directives }) =>
        (directives.get(type.slice(1)) ?? []).some((args) => args.has(member));
    case "DIRECTIVE_ARGUMENT_TYPE_CHANGED":
    case "DIRECTIVE_ARGUMENT_DEFAULT_VALUE_CHANGED": {
      const test = inputTest(member, details);
      return (usage) => test(usage.directives.get(type.slice(1)) ?? [], usage, details.after);
    }
    default:
      if (path.startsWith("@")) return ({ directives }) => directives.has(type.slice(1));
      // A change of an unknown kind may affect every document.
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

/** Whether a changed argument or input field affects one of the occurrences. */
function inputTest(name: string, { kind, path, before, after }: Details) {
  const input = findInput(after, path);
  const former = findInput(before, path);
  const nullWasRefused = former !== undefined && isNonNullType(former.type);
  return (occurrences: readonly GivenValues[], usage: Usage, schema: GraphQLSchema): boolean =>
    occurrences.some((given) => {
      const value = given.get(name);
      if (!input) return true;
      if (kind.includes("_DEFAULT_") && !isRequired(input)) {
        return value === undefined || value.kind === Kind.VARIABLE;
      }
      return value === undefined
        ? isRequired(input)
        : !isAssignable(value, input.type, usage, schema, nullWasRefused);
    });
}

function isRequired(input: Input): boolean {
  return (
    isRequiredArgument(input as GraphQLArgument) || isRequiredInputField(input as GraphQLInputField)
  );
}

/** The argument (of a field or directive) or input field at a path. */
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

/** The inspector does not report `@oneOf` as a change. */
function oneOfChanges(before: GraphQLSchema, after: GraphQLSchema): Change[] {
  return Object.values(after.getTypeMap()).flatMap((type): Change[] => {
    const former = before.getType(type.name);
    if (!isInputObjectType(type) || !isInputObjectType(former)) return [];
    if (type.isOneOf === former.isOneOf) return [];
    const affects: UsageTest = (usage) =>
      usage.variableTypes.has(type.name) || usage.inputObjects.has(type.name);
    return [
      type.isOneOf
        ? {
            kind: "INPUT_ONE_OF_ADDED",
            path: type.name,
            level: "breaking",
            message: `Input object type '${type.name}' now takes exactly one of its fields`,
            definitions: definitionTexts("INPUT_ONE_OF_ADDED", type.name, before, after),
            affects,
          }
        : {
            kind: "INPUT_ONE_OF_REMOVED",
            path: type.name,
            level: "safe",
            message: `Input object type '${type.name}' now takes more than one of its fields`,
            definitions: definitionTexts("INPUT_ONE_OF_REMOVED", type.name, before, after),
            affects,
          },
    ];
  });
}

/** The inspector reports the deprecation of fields and enum values only. */
function inputDeprecations(before: GraphQLSchema, after: GraphQLSchema): Change[] {
  return inputsOf(after).flatMap(({ path, what, kind: prefix, input }): Change[] => {
    const former = findInput(before, path);
    const [was, is] = [
      former?.deprecationReason ?? undefined,
      input.deprecationReason ?? undefined,
    ];
    if (!former || was === is) return [];
    const [suffix, how] =
      was === undefined
        ? ["DEPRECATION_ADDED", `is deprecated: ${is}`]
        : is === undefined
          ? ["DEPRECATION_REMOVED", "is no longer deprecated"]
          : ["DEPRECATION_REASON_CHANGED", `is deprecated for another reason: ${is}`];
    const kind = `${prefix}_${suffix}`;
    return [
      {
        ...{ kind, path },
        level: "safe",
        message: `${what} '${path}' ${how}`,
        definitions: definitionTexts(kind, path, before, after),
        affects: affectedBy({ kind, path, meta: {}, before, after }),
      },
    ];
  });
}

interface PlacedInput {
  path: string;
  what: "Argument" | "Input field";
  kind: "FIELD_ARGUMENT" | "INPUT_FIELD";
  input: Input;
}

function inputsOf(schema: GraphQLSchema): PlacedInput[] {
  return Object.values(schema.getTypeMap()).flatMap((type): PlacedInput[] => {
    if (isInputObjectType(type)) {
      return Object.values(type.getFields()).map((input) => ({
        ...{ path: `${type.name}.${input.name}`, input },
        ...{ what: "Input field", kind: "INPUT_FIELD" },
      }));
    }
    if ((!isObjectType(type) && !isInterfaceType(type)) || type.name.startsWith("__")) return [];
    return Object.values(type.getFields()).flatMap((field) =>
      field.args.map((input) => ({
        ...{ path: `${type.name}.${field.name}.${input.name}`, input },
        ...({ what: "Argument", kind: "FIELD_ARGUMENT" } as const),
      })),
    );
  });
}

/** The inspector does not report the specification of a scalar, which is the format of its values. */
function specifiedByChanges(before: GraphQLSchema, after: GraphQLSchema): Change[] {
  return Object.values(after.getTypeMap()).flatMap((type): Change[] => {
    const former = before.getType(type.name);
    if (!isScalarType(type) || !isScalarType(former)) return [];
    const [was, is] = [former.specifiedByURL ?? undefined, type.specifiedByURL ?? undefined];
    if (was === is) return [];
    const kind = `SCALAR_SPECIFIED_BY_${was === undefined ? "ADDED" : is === undefined ? "REMOVED" : "CHANGED"}`;
    return [
      {
        ...{ kind, path: type.name },
        level: was === undefined ? "safe" : "dangerous",
        message: `Scalar '${type.name}' is specified by ${is ?? "nothing"}, was ${was ?? "nothing"}`,
        reason: "The format of its values may be another one.",
        definitions: () => [was ?? "", is ?? ""],
        affects: (usage) => usage.outputTypes.has(type.name) || usage.variableTypes.has(type.name),
      },
    ];
  });
}

/** Documents that use what is deprecated now break when it is removed. */
export function isDeprecation({ kind }: Pick<Change, "kind">): boolean {
  return /_DEPRECATION(_REASON)?_ADDED$/.test(kind);
}
