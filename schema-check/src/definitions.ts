// What stands at a path of a schema, as text: it is what an approval is about.

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

/** A type's definition without what breaks nobody: descriptions and deprecations. */
export function typeAt(schema: GraphQLSchema, name: string): TypeDefinitionNode | undefined {
  const type = schema.getType(name);
  if (!type) return undefined;
  const document = parse(printType(type), { noLocation: true });
  const { definitions } = visit(document, {
    StringValue: (_, key) => (key === "description" ? null : undefined),
    Directive: ({ name }) => (name.value === "deprecated" ? null : undefined),
  });
  return definitions[0] as TypeDefinitionNode;
}

/** Those of the schema's own that a document may carry, by their names. */
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

export function named<T extends Member>(members: readonly T[], name: string): T | undefined {
  return members.find((member) => member.name.value === name);
}

/** Before and after, when they are asked for. */
export function definitionsAt(
  kind: string,
  path: string,
  before: GraphQLSchema,
  after: GraphQLSchema,
): () => [before: string, after: string] {
  return () => [definitionAt(kind, path, before), definitionAt(kind, path, after)];
}

/** Empty for what is not there, and for a root or a directive, of which the message says all. */
function definitionAt(kind: string, path: string, schema: GraphQLSchema): string {
  const [typeName = "", memberName, argumentName] = path.split(".");
  const type = typeAt(schema, typeName);
  if (!type) return "";
  if (memberName === undefined) return print(kind.startsWith("TYPE_") ? type : headOf(type));

  const member = named(membersOf(type), memberName);
  if (argumentName !== undefined) {
    const argument = named(argumentsOf(member), argumentName);
    return argument ? print(argument) : "";
  }
  if (!member) return "";
  // Its arguments are changes of their own.
  return print(kind === "FIELD_TYPE_CHANGED" ? ({ ...member, arguments: [] } as Member) : member);
}

/** The interfaces, the members of a union, `@oneOf`: what is no change of a field or value. */
function headOf(type: TypeDefinitionNode): TypeDefinitionNode {
  if ("fields" in type) return { ...type, fields: [] } as TypeDefinitionNode;
  return "values" in type ? { ...type, values: [] } : type;
}
