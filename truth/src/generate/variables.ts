// The variables of one operation: given, null, left out, with and without defaults.

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
import { TAKEN_NAMES } from "../kinds.ts";
import type { Random } from "../random.ts";
import { bool, variable } from "./nodes.ts";

export class Variables {
  readonly definitions: VariableDefinitionNode[] = [];
  readonly values: Record<string, unknown> = {};
  readonly #conditions: string[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** For `if`, such that it is `wanted` unless the variable was there already. */
  condition(wanted: boolean): ValueNode {
    if (this.#random.chance(0.3)) return bool(wanted);
    if (this.#conditions.length > 0 && this.#random.chance(0.5))
      return variable(this.#random.pick(this.#conditions));
    const name = this.#name("c");
    this.#conditions.push(name);
    const how = this.#random.weighted({ given: 60, overridden: 15, "left out": 25 });
    if (how === "given") {
      this.#define(name, "Boolean!", undefined);
    } else {
      const type = this.#random.chance(0.5) ? "Boolean!" : "Boolean";
      this.#define(name, type, bool(how === "overridden" ? !wanted : wanted));
    }
    if (how !== "left out") this.values[name] = wanted;
    return variable(name);
  }

  /** In the place of a value, now and then, and not always with this value. */
  perhaps(place: GraphQLArgument | GraphQLInputField, value: ConstValueNode): ValueNode {
    if (!this.#random.chance(0.35)) return value;
    const name = this.#name("v");
    const hasDefault = place.defaultValue !== undefined;
    const isStrict = isNonNullType(place.type);
    const type = `${getNullableType(place.type)}`;
    const isNull = value.kind === Kind.NULL;
    const strictType = isNull || !this.#random.chance(0.3) ? type : `${type}!`;

    const how = this.#random.weighted({
      given: 60,
      "given over a default": isNull ? 0 : 10,
      "left out with a default": 15,
      "left out": isStrict && !hasDefault ? 0 : 25,
      // Where the place takes no null, that is refused when the operation runs.
      "null over a default": isStrict && !isNull ? 2 : 0,
    });
    switch (how) {
      case "given":
        this.#define(name, isStrict && !hasDefault ? `${type}!` : strictType, undefined);
        this.values[name] = valueFromASTUntyped(value);
        break;
      case "given over a default":
        this.#define(name, strictType, value);
        this.values[name] = valueFromASTUntyped(value);
        break;
      case "left out with a default":
        this.#define(name, strictType, value);
        break;
      case "left out":
        this.#define(name, type, undefined);
        break;
      case "null over a default":
        this.#define(name, type, value);
        this.values[name] = null;
    }
    return variable(name);
  }

  /** A new one. */
  #name(letter: string): string {
    const known = this.definitions.map((definition) => definition.variable.name.value);
    const taken = TAKEN_NAMES.filter((name) => !known.includes(name));
    const isTaken = taken.length > 0 && this.#random.chance(0.08);
    return isTaken ? this.#random.pick(taken) : `${letter}${known.length}`;
  }

  #define(name: string, type: string, defaultValue: ConstValueNode | undefined): void {
    this.definitions.push({
      kind: Kind.VARIABLE_DEFINITION,
      variable: variable(name),
      type: parseType(type),
      defaultValue,
      directives: [],
    });
  }
}
