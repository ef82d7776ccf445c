// Parts of a document, in graphql-js's own form.

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

export const named = (value: string): NameNode => ({ kind: Kind.NAME, value });

export const namedType = (name: string): NamedTypeNode => ({
  kind: Kind.NAMED_TYPE,
  name: named(name),
});

export const variable = (name: string): VariableNode => ({
  kind: Kind.VARIABLE,
  name: named(name),
});

export const argument = (name: string, value: ValueNode): ArgumentNode => ({
  kind: Kind.ARGUMENT,
  name: named(name),
  value,
});

export const directive = (name: string, condition: ValueNode): DirectiveNode => ({
  kind: Kind.DIRECTIVE,
  name: named(name),
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
  name: named(name),
  alias: alias === undefined ? undefined : named(alias),
  arguments: args,
  directives,
  selectionSet: selections && set(selections),
});

export const bool = (value: boolean): ConstValueNode => ({ kind: Kind.BOOLEAN, value });
export const int = (value: number): ConstValueNode => ({ kind: Kind.INT, value: `${value}` });
export const word = (value: string): ConstValueNode => ({ kind: Kind.ENUM, value });
export const text = (value: string, block = false): ConstValueNode => ({
  kind: Kind.STRING,
  value,
  block,
});
export const nothing: ConstValueNode = { kind: Kind.NULL };
