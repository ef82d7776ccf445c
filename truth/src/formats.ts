// What the graph's scalars look like on the way in.

import {
  type GraphQLArgument,
  type GraphQLInputType,
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
  if (isNonNullType(type)) {
    check(type.ofType, value);
  } else if (isListType(type)) {
    for (const item of value as unknown[]) check(type.ofType, item);
  } else if (isInputObjectType(type)) {
    checkFormats(Object.values(type.getFields()), value);
  } else {
    checkScalar(type.name, value);
  }
}

function checkScalar(name: string, value: unknown): void {
  if (name === "ID" && !UUID.test(`${value}`)) throw refuse("BAD_USER_INPUT");
  if (name === "Decimal" && !DECIMAL.test(`${value}`)) throw refuse("BAD_USER_INPUT");
}

/** An id in the one way in which rows are found. */
export function canonical(id: unknown): string {
  const digits = `${id}`.toLowerCase().replaceAll("-", "");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
