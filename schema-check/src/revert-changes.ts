// Reverts some of the changes in a new schema. An error that an operation has in the result, too, is not caused
// by those changes.

import {
  type ASTNode,
  buildASTSchema,
  type DirectiveDefinitionNode,
  type GraphQLSchema,
  type InputValueDefinitionNode,
  isIntrospectionType,
  isSpecifiedScalarType,
  Kind,
  parse,
  printSchema,
  type TypeDefinitionNode,
  visit,
} from "graphql";
import type { Change } from "./changes.ts";
import {
  argumentsOf,
  directivesOf,
  findByName,
  type Member,
  membersOf,
  typeDefinition,
} from "./definitions.ts";

/** Changes of a kind that it cannot revert are kept. */
export function revertChanges(
  changes: readonly Change[],
  before: GraphQLSchema,
  after: GraphQLSchema,
): GraphQLSchema {
  const types = new Map<string, TypeDefinitionNode>();
  for (const name of Object.keys(after.getTypeMap())) {
    const type = customTypeDefinition(after, name);
    if (type) types.set(name, type);
  }
  const directives = directivesOf(after);
  for (const change of changes) {
    if (change.path.startsWith("@"))
      revertDirectiveChange(change, directivesOf(before), directives);
    else revertTypeChange(change, before, types);
  }
  restoreReferencedTypes(types, [...types.values(), ...directives.values()], before);

  const roots = parse(printSchema(after), { noLocation: true }).definitions.filter(
    ({ kind }) => kind === Kind.SCHEMA_DEFINITION,
  );
  const definitions = [...roots, ...directives.values(), ...types.values()];
  // Reverting only one of two related changes can leave an invalid schema, which is still good enough to
  // validate documents against.
  return buildASTSchema({ kind: Kind.DOCUMENT, definitions }, { assumeValid: true });
}

/** Undefined for the built-in types of GraphQL, which cannot change. */
function customTypeDefinition(schema: GraphQLSchema, name: string): TypeDefinitionNode | undefined {
  const type = schema.getType(name);
  const isBuiltIn = type && (isSpecifiedScalarType(type) || isIntrospectionType(type));
  return isBuiltIn ? undefined : typeDefinition(schema, name);
}

type Types = Map<string, TypeDefinitionNode>;

function revertTypeChange(
  { kind, path, member }: Change,
  before: GraphQLSchema,
  types: Types,
): void {
  const [typeName = "", memberName, argumentName] = path.split(".");
  const [former, now] = [typeDefinition(before, typeName), types.get(typeName)];
  if (!former) return;
  if (!now || kind === "TYPE_KIND_CHANGED") types.set(typeName, former);
  else if (memberName === undefined)
    types.set(typeName, restoreTypeHeader(kind, member, former, now));
  else {
    const was = findByName(membersOf(former), memberName);
    const is = findByName(membersOf(now), memberName);
    const next =
      argumentName === undefined
        ? restoreMember(kind, was, is)
        : restoreArgument(kind, argumentName, was, is);
    types.set(typeName, replaceMember(now, memberName, next));
  }
}

type Directives = Map<string, DirectiveDefinitionNode>;

function revertDirectiveChange(
  { kind, path, member }: Change,
  before: ReadonlyMap<string, DirectiveDefinitionNode>,
  directives: Directives,
): void {
  const [name = "", argument = member] = path.slice(1).split(".");
  const [former, now] = [before.get(name), directives.get(name)];
  if (former) directives.set(name, now ? restoreDirective(kind, argument, former, now) : former);
}

/** `part` is the argument or location that has changed. */
function restoreDirective(
  kind: string,
  part: string | undefined,
  former: DirectiveDefinitionNode,
  now: DirectiveDefinitionNode,
): DirectiveDefinitionNode {
  if (kind === "DIRECTIVE_REPEATABLE_REMOVED") return { ...now, repeatable: former.repeatable };
  if (kind === "DIRECTIVE_LOCATION_REMOVED") {
    const location = former.locations.filter(({ value }) => value === part);
    return { ...now, locations: [...now.locations, ...location] };
  }
  return part === undefined ? now : restoreArgument(kind, part, former, now);
}

/** Restores a union member, an interface, or `@oneOf`. */
function restoreTypeHeader(
  kind: string,
  member: string | undefined,
  former: TypeDefinitionNode,
  now: TypeDefinitionNode,
): TypeDefinitionNode {
  if (kind === "INPUT_ONE_OF_ADDED") {
    const directives = now.directives?.filter(({ name }) => name.value !== "oneOf");
    return { ...now, directives };
  }
  const isMember = ({ name }: { name: { value: string } }) => name.value === member;
  if (now.kind === Kind.UNION_TYPE_DEFINITION && former.kind === now.kind) {
    const others = (now.types ?? []).filter((type) => !isMember(type));
    return { ...now, types: [...others, ...(former.types ?? []).filter(isMember)] };
  }
  if ("interfaces" in now && "interfaces" in former) {
    const others = (now.interfaces ?? []).filter((type) => !isMember(type));
    return { ...now, interfaces: [...others, ...(former.interfaces ?? []).filter(isMember)] };
  }
  return now;
}

/** Restores only the type or the default of a member that still exists: its other changes are separate. */
function restoreMember(
  kind: string,
  was: Member | undefined,
  is: Member | undefined,
): Member | undefined {
  if (!was || !is) return was;
  if (kind.includes("_DEFAULT_") && "defaultValue" in was) {
    return { ...is, defaultValue: was.defaultValue } as Member;
  }
  return "type" in was && "type" in is ? ({ ...is, type: was.type } as Member) : is;
}

function restoreArgument<T extends Member | DirectiveDefinitionNode | undefined>(
  kind: string,
  name: string,
  was: T,
  is: T,
): T {
  if (!is) return is;
  const [former, now] = [findByName(argumentsOf(was), name), findByName(argumentsOf(is), name)];
  const argument = restoreMember(kind, former, now) as InputValueDefinitionNode | undefined;
  const others = argumentsOf(is).filter((each) => each.name.value !== name);
  return { ...is, arguments: [...others, ...(argument ? [argument] : [])] };
}

function replaceMember(
  type: TypeDefinitionNode,
  name: string,
  member: Member | undefined,
): TypeDefinitionNode {
  const others = membersOf(type).filter((each) => each.name.value !== name);
  const members = member ? [...others, member] : others;
  const key = "values" in type ? "values" : "fields";
  return { ...type, [key]: members } as TypeDefinitionNode;
}

/** Restores the former types that the restored definitions refer to. */
function restoreReferencedTypes(
  types: Types,
  speaking: readonly ASTNode[],
  before: GraphQLSchema,
): void {
  const pending = [...speaking];
  for (let node = pending.pop(); node; node = pending.pop()) {
    visit(node, {
      NamedType({ name }) {
        const former = types.has(name.value) ? undefined : customTypeDefinition(before, name.value);
        if (!former) return;
        types.set(name.value, former);
        pending.push(former);
      },
    });
  }
}
