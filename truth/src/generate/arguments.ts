// Generates the arguments of a field.

import {
  type ArgumentNode,
  type ConstValueNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  Kind,
  type ValueNode,
} from "graphql";
import type { Viewer } from "../permissions.ts";
import type { Random } from "../random.ts";
import type { TypeName } from "../rows.ts";
import {
  argument,
  booleanValue,
  enumValue,
  intValue,
  nameNode,
  nullValue,
  stringValue,
} from "./nodes.ts";
import type { ValuePools } from "./pools.ts";
import type { VariableGenerator } from "./variables.ts";

type InputDefinition = GraphQLArgument | GraphQLInputField;

const DEFAULT_SIZE = 20;
const CONNECTION_TYPE = /^(\w+)Connection$/;
const PAGING_ARGUMENTS = ["first", "last", "after", "before"];
/** The type of an id, by the name of the argument, or of the field for `id`. */
const TYPES_BY_ID_NAME: Record<string, TypeName> = {
  user: "User",
  userId: "User",
  teacherId: "User",
  studentId: "User",
  course: "Course",
  courseId: "Course",
  enrollment: "Enrollment",
  enrollmentId: "Enrollment",
  payment: "Payment",
  paymentId: "Payment",
  notification: "Notification",
  notificationId: "Notification",
  // Nobody's: sessions are not among the reference's rows.
  sessionId: "User",
  // Nor are erasures.
  erasure: "User",
  upTo: "Notification",
};

const ID_OF_ANY_TYPE = ["node", "ids"];
const MAX_NODES = 2;

export class ArgumentGenerator {
  readonly #random: Random;
  readonly #pools: ValuePools;
  readonly #viewer: Viewer;
  readonly #variables: VariableGenerator;
  readonly #isMutation: boolean;
  /** The ids that the operation has used. */
  readonly #usedIds = new Map<TypeName, string[]>();

  constructor(
    random: Random,
    pools: ValuePools,
    viewer: Viewer,
    variables: VariableGenerator,
    changes: boolean,
  ) {
    this.#isMutation = changes;
    this.#random = random;
    this.#pools = pools;
    this.#viewer = viewer;
    this.#variables = variables;
  }

  /** The arguments, and the number of objects that they allow for each parent. */
  of(
    field: GraphQLField<unknown, unknown>,
    parents: number,
  ): { args: ArgumentNode[]; size: number } {
    const listed = CONNECTION_TYPE.exec(getNamedType(field.type).name)?.[1] as TypeName | undefined;
    const others = field.args.filter(({ name }) => !PAGING_ARGUMENTS.includes(name));
    const args = others.flatMap((input) =>
      this.#isGiven(input) ? [argument(input.name, this.#value(input, field.name))] : [],
    );
    if (listed === undefined) return { args, size: field.name === "nodes" ? MAX_NODES : 1 };
    const page = this.#page(field, listed, parents);
    return { args: [...page.args, ...args], size: page.size };
  }

  #page(field: GraphQLField<unknown, unknown>, listed: TypeName, parents: number) {
    const random = this.#random;
    const size = parents > 12 ? 1 : random.between(1, 3);
    const kind = random.weighted({
      first: 66,
      last: 22,
      none: parents <= 2 ? 8 : 0,
      both: 1,
      wrong: 3,
    });
    const chosen: [string, ConstValueNode][] = [];
    if (kind === "first" || kind === "last") chosen.push([kind, intValue(size)]);
    if (kind === "both") chosen.push(["first", intValue(1)], ["last", intValue(1)]);
    if (kind === "wrong")
      chosen.push([random.pick(["first", "last"]), intValue(random.pick([0, -1, 101]))]);
    for (const name of ["after", "before"])
      if (random.chance(0.2)) chosen.push([name, stringValue(this.#pools.cursor(random, listed))]);
    const args = chosen.flatMap(([name, value]) => {
      const input = field.args.find((arg) => arg.name === name);
      return input ? [argument(name, this.#variables.maybeVariable(input, value))] : [];
    });
    // An omitted variable results in the default page size.
    const isSure = args.every(({ value }) => value.kind !== Kind.VARIABLE);
    return { args, size: kind === "none" || !isSure ? DEFAULT_SIZE / 2 : size };
  }

  #isGiven(input: InputDefinition): boolean {
    return (
      (isNonNullType(input.type) && input.defaultValue === undefined) || this.#random.chance(0.4)
    );
  }

  #value(input: InputDefinition, owner: string): ValueNode {
    const type = getNullableType(input.type);
    if (isInputObjectType(type) && this.#random.chance(0.6)) return this.#object(type, owner);
    return this.#variables.maybeVariable(input, this.#constant(input.type, input.name, owner));
  }

  #object(type: GraphQLInputObjectType, owner: string): ValueNode {
    const given = Object.values(type.getFields()).filter((input) => this.#isGiven(input));
    const fields = given.map((input) => objectField(input.name, this.#value(input, owner)));
    return { kind: Kind.OBJECT, fields };
  }

  #constantObject(type: GraphQLInputObjectType, owner: string): ConstValueNode {
    const given = Object.values(type.getFields()).filter((input) => this.#isGiven(input));
    const fields = given.map(({ name, type }) =>
      objectField(name, this.#constant(type, name, owner)),
    );
    return { kind: Kind.OBJECT, fields };
  }

  #constant(type: GraphQLInputType, name: string, owner: string): ConstValueNode {
    const random = this.#random;
    if (!isNonNullType(type) && random.chance(0.06)) return nullValue;
    const plain = getNullableType(type);
    if (isInputObjectType(plain)) return this.#constantObject(plain, owner);
    if (isListType(plain)) {
      const values = Array.from({ length: random.below(3) }, () =>
        this.#constant(plain.ofType, name, owner),
      );
      return { kind: Kind.LIST, values };
    }
    if (isEnumType(plain)) return enumValue(random.pick(plain.getValues()).name);
    switch (`${plain}`) {
      case "Boolean":
        return booleanValue(random.chance(0.5));
      case "Int":
        return intValue(random.pick([0, 1, 90, 2147483647, -1]));
      case "Decimal":
        return stringValue(this.#pools.decimal(random));
      case "ID": {
        const named = ID_OF_ANY_TYPE.includes(name === "id" ? owner : name)
          ? random.pick(Object.values(TYPES_BY_ID_NAME))
          : TYPES_BY_ID_NAME[name === "id" ? owner : name];
        if (!named) throw new Error(`unknown type of id: ${name} of ${owner}`);
        return stringValue(this.#id(named));
      }
      case "String":
        return stringValue(this.#pools.string(random, name), random.chance(0.03));
      default:
        throw new Error(`no values for the type ${plain}`);
    }
  }

  /** Sometimes an id that the operation has used before, so that it selects or changes an object twice. */
  #id(type: TypeName): string {
    const named = this.#usedIds.get(type) ?? [];
    if (named.length > 0 && this.#random.chance(0.5)) return this.#random.pick(named);
    const id = this.#pools.id(this.#random, type, this.#viewer, this.#isMutation);
    this.#usedIds.set(type, [...named, id]);
    return id;
  }
}

function objectField<V extends ValueNode>(name: string, value: V) {
  return { kind: Kind.OBJECT_FIELD, name: nameNode(name), value } as const;
}
