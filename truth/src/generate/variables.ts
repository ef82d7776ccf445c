// Generates the variables of an operation: with a value, null or omitted, with and without defaults.

import {
  type ConstValueNode,
  type GraphQLArgument,
  type GraphQLInputField,
  getNullableType,
  isNonNullType,
  Kind,
  parseType,
  type ValueNode,
  type VariableDefinitionNode,
  valueFromASTUntyped,
} from "graphql";
import { RESERVED_NAMES } from "../kinds.ts";
import type { Random } from "../random.ts";
import { booleanValue, variable } from "./nodes.ts";

export class VariableGenerator {
  readonly definitions: VariableDefinitionNode[] = [];
  readonly values: Record<string, unknown> = {};
  readonly #conditions: string[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A value for `if`: `wanted`, unless it is a variable that was declared before. */
  condition(wanted: boolean): ValueNode {
    if (this.#random.chance(0.3)) return booleanValue(wanted);
    if (this.#conditions.length > 0 && this.#random.chance(0.5))
      return variable(this.#random.pick(this.#conditions));
    const name = this.#name("c");
    this.#conditions.push(name);
    const mode = this.#random.weighted({ given: 60, overridden: 15, "left out": 25 });
    if (mode === "given") {
      this.#declare(name, "Boolean!", undefined);
    } else {
      const type = this.#random.chance(0.5) ? "Boolean!" : "Boolean";
      this.#declare(name, type, booleanValue(mode === "overridden" ? !wanted : wanted));
    }
    if (mode !== "left out") this.values[name] = wanted;
    return variable(name);
  }

  /** Sometimes replaces a value with a variable, not always with the same value. */
  maybeVariable(input: GraphQLArgument | GraphQLInputField, value: ConstValueNode): ValueNode {
    if (!this.#random.chance(0.35)) return value;
    const name = this.#name("v");
    const hasDefault = input.defaultValue !== undefined;
    const isStrict = isNonNullType(input.type);
    const type = `${getNullableType(input.type)}`;
    const isNull = value.kind === Kind.NULL;
    const strictType = isNull || !this.#random.chance(0.3) ? type : `${type}!`;

    const how = this.#random.weighted({
      given: 60,
      "given over a default": isNull ? 0 : 10,
      "left out with a default": 15,
      "left out": isStrict && !hasDefault ? 0 : 25,
      // A null for a non-null argument is rejected during execution.
      "null over a default": isStrict && !isNull ? 2 : 0,
    });
    switch (how) {
      case "given":
        this.#declare(name, isStrict && !hasDefault ? `${type}!` : strictType, undefined);
        this.values[name] = valueFromASTUntyped(value);
        break;
      case "given over a default":
        this.#declare(name, strictType, value);
        this.values[name] = valueFromASTUntyped(value);
        break;
      case "left out with a default":
        this.#declare(name, strictType, value);
        break;
      case "left out":
        this.#declare(name, type, undefined);
        break;
      case "null over a default":
        this.#declare(name, type, value);
        this.values[name] = null;
    }
    return variable(name);
  }

  /** A new name. */
  #name(letter: string): string {
    const known = this.definitions.map((definition) => definition.variable.name.value);
    const taken = RESERVED_NAMES.filter((name) => !known.includes(name));
    const isTaken = taken.length > 0 && this.#random.chance(0.08);
    return isTaken ? this.#random.pick(taken) : `${letter}${known.length}`;
  }

  #declare(name: string, type: string, defaultValue: ConstValueNode | undefined): void {
    this.definitions.push({
      kind: Kind.VARIABLE_DEFINITION,
      variable: variable(name),
      type: parseType(type),
      defaultValue,
      directives: [],
    });
  }
}
