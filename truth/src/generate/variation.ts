// Varies the viewer and variables of an operation: what the router caches for a document must not depend on
// them.

import { getOperationAST, Kind, print, type VariableDefinitionNode } from "graphql";
import type { Operation } from "../operation.ts";
import type { Viewer } from "../permissions.ts";
import type { Random } from "../random.ts";

export function varyOperation(
  operation: Operation,
  random: Random,
  viewers: readonly Viewer[],
): Operation {
  const found = getOperationAST(operation.document, operation.operationName);
  const variables = { ...operation.variables };
  for (const definition of found?.variableDefinitions ?? []) {
    const name = definition.variable.name.value;
    if (isOptional(definition) && random.chance(0.2)) delete variables[name];
    else if (Object.hasOwn(variables, name))
      variables[name] = varyValue(variables[name], definition, random);
  }
  return { ...operation, variables, viewer: random.pick(viewers) };
}

function isOptional({ type, defaultValue }: VariableDefinitionNode): boolean {
  return type.kind !== Kind.NON_NULL_TYPE || defaultValue !== undefined;
}

/** Another value of the same type. */
function varyValue(value: unknown, { type }: VariableDefinitionNode, random: Random): unknown {
  if (random.chance(0.4)) return value;
  if (typeof value === "boolean") return !value;
  if (typeof value === "number" && print(type).startsWith("Int")) return random.between(1, 3);
  return value;
}
