// The definition at a path of a schema, as text. Approvals hash it.

import {
  type DirectiveDefinitionNode,
  type EnumValueDefinitionNode,
  type FieldDefinitionNode,
  type GraphQLSchema,
  type InputValueDefinitionNode,
  Kind,
  parse,
  print,
  printSchema,
  printType,
  type TypeDefinitionNode,
  visit,
} from "graphql";

/** A field, an input field, or an enum value. */
export type Member = FieldDefinitionNode | InputValueDefinitionNode | EnumValueDefinitionNode;

/** The definition of a type without descriptions and deprecations, which break no client. */
export function typeDefinition(
  schema: GraphQLSchema,
  name: string,
): TypeDefinitionNode | undefined {
  const type = schema.getType(name);
  if (!type) return undefined;
  const document = parse(printType(type), { noLocation: true });
  const { definitions } = visit(document, {
    StringValue: (_, key) => (key === "description" ? null : undefined),
    Directive: ({ name }) => (name.value === "deprecated" ? null : undefined),
  });
  return definitions[0] as TypeDefinitionNode;
}

/** The custom directives of a schema, by name. */
export function directivesOf(schema: GraphQLSchema): Map<string, DirectiveDefinitionNode> {
  const { definitions } = parse(printSchema(schema), { noLocation: true });
  return new Map(
    definitions
      .filter((node) => node.kind === Kind.DIRECTIVE_DEFINITION)
      .map((node) => [node.name.value, node]),
  );
}

export function membersOf(type: TypeDefinitionNode | undefined): readonly Member[] {
  if (type && "fields" in type) return type.fields ?? [];
  return type && "values" in type ? (type.values ?? []) : [];
}

export function argumentsOf(
  member: Member | DirectiveDefinitionNode | undefined,
): readonly InputValueDefinitionNode[] {
  return member && "arguments" in member ? (member.arguments ?? []) : [];
}

export function findByName<T extends Member>(members: readonly T[], name: string): T | undefined {
  return members.find((member) => member.name.value === name);
}

/** The texts before and after a change, computed on demand. */
export function definitionTexts(
  kind: string,
  path: string,
  before: GraphQLSchema,
  after: GraphQLSchema,
): () => [before: string, after: string] {
  return () => [definitionText(kind, path, before), definitionText(kind, path, after)];
}

/** Empty when there is none, and for a root type or a directive, where the message is specific enough. */
function definitionText(kind: string, path: string, schema: GraphQLSchema): string {
  const [typeName = "", memberName, argumentName] = path.split(".");
  const type = typeDefinition(schema, typeName);
  if (!type) return "";
  if (memberName === undefined)
    return print(kind.startsWith("TYPE_") ? type : withoutMembers(type));

  const member = findByName(membersOf(type), memberName);
  if (argumentName !== undefined) {
    const argument = findByName(argumentsOf(member), argumentName);
    return argument ? print(argument) : "";
  }
  if (!member) return "";
  // Changes to its arguments are reported separately.
  return print(kind === "FIELD_TYPE_CHANGED" ? ({ ...member, arguments: [] } as Member) : member);
}

/** Keeps only interfaces, union members and `@oneOf`: changes to fields and values are reported separately. */
function withoutMembers(type: TypeDefinitionNode): TypeDefinitionNode {
  if ("fields" in type) return { ...type, fields: [] } as TypeDefinitionNode;
  return "values" in type ? { ...type, values: [] } : type;
}
