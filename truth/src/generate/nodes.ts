// Constructors for the AST nodes of graphql-js.

import {
  type ArgumentNode,
  type ConstValueNode,
  type DirectiveNode,
  type FieldNode,
  Kind,
  type NamedTypeNode,
  type NameNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
  type VariableNode,
} from "graphql";

export const nameNode = (value: string): NameNode => ({ kind: Kind.NAME, value });

export const namedType = (name: string): NamedTypeNode => ({
  kind: Kind.NAMED_TYPE,
  name: nameNode(name),
});

export const variable = (name: string): VariableNode => ({
  kind: Kind.VARIABLE,
  name: nameNode(name),
});

export const argument = (name: string, value: ValueNode): ArgumentNode => ({
  kind: Kind.ARGUMENT,
  name: nameNode(name),
  value,
});

export const directive = (name: string, condition: ValueNode): DirectiveNode => ({
  kind: Kind.DIRECTIVE,
  name: nameNode(name),
  arguments: [argument("if", condition)],
});

export const set = (selections: readonly SelectionNode[]): SelectionSetNode => ({
  kind: Kind.SELECTION_SET,
  selections,
});

export const field = (
  name: string,
  alias: string | undefined,
  args: readonly ArgumentNode[],
  directives: readonly DirectiveNode[],
  selections: readonly SelectionNode[] | undefined,
): FieldNode => ({
  kind: Kind.FIELD,
  name: nameNode(name),
  alias: alias === undefined ? undefined : nameNode(alias),
  arguments: args,
  directives,
  selectionSet: selections && set(selections),
});

export const booleanValue = (value: boolean): ConstValueNode => ({ kind: Kind.BOOLEAN, value });
export const intValue = (value: number): ConstValueNode => ({ kind: Kind.INT, value: `${value}` });
export const enumValue = (value: string): ConstValueNode => ({ kind: Kind.ENUM, value });
export const stringValue = (value: string, block = false): ConstValueNode => ({
  kind: Kind.STRING,
  value,
  block,
});
export const nullValue: ConstValueNode = { kind: Kind.NULL };
