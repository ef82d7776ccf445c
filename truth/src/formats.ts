// What the graph's scalars look like on the way in.

import {
  type GraphQLArgument,
  type GraphQLInputType,
  getNamedType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from "graphql";
import { refuse } from "./refusal.ts";

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const DECIMAL = /^-?\d+(\.\d+)?$/;

/** @throws the error of a field whose arguments have ids that are no UUIDs, or amounts that are no numbers */
export function checkFormats(definitions: readonly GraphQLArgument[], args: object): void {
  for (const { name, type } of definitions) check(type, (args as Record<string, unknown>)[name]);
}

function check(type: GraphQLInputType, value: unknown): void {
  if (value == null) return;
  if (isNonNullType(type)) return check(type.ofType, value);
  if (isListType(type)) return (value as unknown[]).forEach((item) => check(type.ofType, item));
  if (isInputObjectType(type))
    return checkFormats(Object.values(type.getFields()) as never, value as object);
  const { name } = getNamedType(type);
  if (name === "ID" && !UUID.test(`${value}`)) throw refuse("BAD_USER_INPUT");
  if (name === "Decimal" && !DECIMAL.test(`${value}`)) throw refuse("BAD_USER_INPUT");
}

/** An id in the one way in which rows are found. */
export function canonical(id: unknown): string {
  const digits = `${id}`.toLowerCase().replaceAll("-", "");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
