// The same document again, asked by somebody else and with other values: whatever is remembered of a document must
// not depend on these.

import { getOperationAST, Kind, print, type VariableDefinitionNode } from "graphql";
import type { Operation } from "../operation.ts";
import type { Viewer } from "../permissions.ts";
import type { Random } from "../random.ts";

export function vary(operation: Operation, random: Random, viewers: readonly Viewer[]): Operation {
  const found = getOperationAST(operation.document, operation.operationName);
  const variables = { ...operation.variables };
  for (const definition of found?.variableDefinitions ?? []) {
    const name = definition.variable.name.value;
    if (mayBeLeftOut(definition) && random.chance(0.2)) delete variables[name];
    else if (Object.hasOwn(variables, name))
      variables[name] = another(variables[name], definition, random);
  }
  return { ...operation, variables, viewer: random.pick(viewers) };
}

function mayBeLeftOut({ type, defaultValue }: VariableDefinitionNode): boolean {
  return type.kind !== Kind.NON_NULL_TYPE || defaultValue !== undefined;
}

/** Of the same type. */
function another(value: unknown, { type }: VariableDefinitionNode, random: Random): unknown {
  if (random.chance(0.4)) return value;
  if (typeof value === "boolean") return !value;
  if (typeof value === "number" && print(type).startsWith("Int")) return random.between(1, 3);
  return value;
}
