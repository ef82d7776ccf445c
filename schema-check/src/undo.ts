// The new schema as it would be without some of its changes: what a document breaks on there, too, those
// changes are not to blame for.

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
import { argumentsOf, directivesOf, type Member, membersOf, named, typeAt } from "./definitions.ts";

/** Whatever it does not know how to undo stays as it is. */
export function undo(
  changes: readonly Change[],
  before: GraphQLSchema,
  after: GraphQLSchema,
): GraphQLSchema {
  const types = new Map<string, TypeDefinitionNode>();
  for (const name of Object.keys(after.getTypeMap())) {
    const type = ownTypeAt(after, name);
    if (type) types.set(name, type);
  }
  const directives = directivesOf(after);
  for (const change of changes) {
    if (change.path.startsWith("@")) undoDirective(change, directivesOf(before), directives);
    else undoOne(change, before, types);
  }
  addMissing(types, [...types.values(), ...directives.values()], before);

  const roots = parse(printSchema(after), { noLocation: true }).definitions.filter(
    ({ kind }) => kind === Kind.SCHEMA_DEFINITION,
  );
  const definitions = [...roots, ...directives.values(), ...types.values()];
  // One of two changes that belong together, undone alone, leaves what is no whole schema, and documents can be
  // held against it all the same.
  return buildASTSchema({ kind: Kind.DOCUMENT, definitions }, { assumeValid: true });
}

/** Of those that GraphQL itself brings there is nothing to undo. */
function ownTypeAt(schema: GraphQLSchema, name: string): TypeDefinitionNode | undefined {
  const type = schema.getType(name);
  const isBuiltIn = type && (isSpecifiedScalarType(type) || isIntrospectionType(type));
  return isBuiltIn ? undefined : typeAt(schema, name);
}

type Types = Map<string, TypeDefinitionNode>;

function undoOne({ kind, path, member }: Change, before: GraphQLSchema, types: Types): void {
  const [typeName = "", memberName, argumentName] = path.split(".");
  const [former, now] = [typeAt(before, typeName), types.get(typeName)];
  if (!former) return;
  if (!now || kind === "TYPE_KIND_CHANGED") types.set(typeName, former);
  else if (memberName === undefined) types.set(typeName, withHead(kind, member, former, now));
  else {
    const was = named(membersOf(former), memberName);
    const is = named(membersOf(now), memberName);
    const next =
      argumentName === undefined
        ? memberAsItWas(kind, was, is)
        : withArgument(kind, argumentName, was, is);
    types.set(typeName, withMember(now, memberName, next));
  }
}

type Directives = Map<string, DirectiveDefinitionNode>;

function undoDirective(
  { kind, path, member }: Change,
  before: ReadonlyMap<string, DirectiveDefinitionNode>,
  directives: Directives,
): void {
  const [name = "", argument = member] = path.slice(1).split(".");
  const [former, now] = [before.get(name), directives.get(name)];
  if (former) directives.set(name, now ? directiveAsItWas(kind, argument, former, now) : former);
}

/** `part` is the argument, or the location, that it is about. */
function directiveAsItWas(
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
  return part === undefined ? now : withArgument(kind, part, former, now);
}

/** A union's member, an interface, or `@oneOf`, put back. */
function withHead(
  kind: string,
  member: string | undefined,
  former: TypeDefinitionNode,
  now: TypeDefinitionNode,
): TypeDefinitionNode {
  if (kind === "INPUT_ONE_OF_ADDED") {
    const directives = now.directives?.filter(({ name }) => name.value !== "oneOf");
    return { ...now, directives };
  }
  const isIt = ({ name }: { name: { value: string } }) => name.value === member;
  if (now.kind === Kind.UNION_TYPE_DEFINITION && former.kind === now.kind) {
    const others = (now.types ?? []).filter((type) => !isIt(type));
    return { ...now, types: [...others, ...(former.types ?? []).filter(isIt)] };
  }
  if ("interfaces" in now && "interfaces" in former) {
    const others = (now.interfaces ?? []).filter((type) => !isIt(type));
    return { ...now, interfaces: [...others, ...(former.interfaces ?? []).filter(isIt)] };
  }
  return now;
}

/** Its type or its default alone, where it was and is: other changes of it are none of this one. */
function memberAsItWas(
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

function withArgument<T extends Member | DirectiveDefinitionNode | undefined>(
  kind: string,
  name: string,
  was: T,
  is: T,
): T {
  if (!is) return is;
  const [former, now] = [named(argumentsOf(was), name), named(argumentsOf(is), name)];
  const argument = memberAsItWas(kind, former, now) as InputValueDefinitionNode | undefined;
  const others = argumentsOf(is).filter((each) => each.name.value !== name);
  return { ...is, arguments: [...others, ...(argument ? [argument] : [])] };
}

function withMember(
  type: TypeDefinitionNode,
  name: string,
  member: Member | undefined,
): TypeDefinitionNode {
  const others = membersOf(type).filter((each) => each.name.value !== name);
  const members = member ? [...others, member] : others;
  const key = "values" in type ? "values" : "fields";
  return { ...type, [key]: members } as TypeDefinitionNode;
}

/** The types that what was put back speaks of, as they were. */
function addMissing(types: Types, speaking: readonly ASTNode[], before: GraphQLSchema): void {
  const open = [...speaking];
  for (let node = open.pop(); node; node = open.pop()) {
    visit(node, {
      NamedType({ name }) {
        const former = types.has(name.value) ? undefined : ownTypeAt(before, name.value);
        if (!former) return;
        types.set(name.value, former);
        open.push(former);
      },
    });
  }
}
