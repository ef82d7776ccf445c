// The input formats of the graph's scalars.

import {
  type GraphQLArgument,
  type GraphQLInputType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from "graphql";
import { codedError } from "./errors.ts";

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** @throws BAD_USER_INPUT for an id that is not a UUID */
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
  if (name === "ID" && !UUID.test(`${value}`)) throw codedError("BAD_USER_INPUT");
}

/** The canonical form of a UUID, in which rows store it. */
export function canonicalId(id: unknown): string {
  const digits = `${id}`.toLowerCase().replaceAll("-", "");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
