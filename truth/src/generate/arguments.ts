// The arguments of a field.

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
  isNonNullType,
  Kind,
  type ValueNode,
} from "graphql";
import type { Viewer } from "../permissions.ts";
import type { Random } from "../random.ts";
import type { TypeName } from "../rows.ts";
import { argument, bool, int, named, nothing, text, word } from "./nodes.ts";
import type { Pools } from "./pools.ts";
import type { Variables } from "./variables.ts";

type Place = GraphQLArgument | GraphQLInputField;

const DEFAULT_SIZE = 20;
const CONNECTION = /^(\w+)Connection$/;
const PAGING = ["first", "last", "after", "before"];
/** What an id of this name, or `id` of a field of this name, belongs to. */
const NAMED_BY: Record<string, TypeName> = {
  user: "User",
  userId: "User",
  teacherId: "User",
  course: "Course",
  courseId: "Course",
  enrollment: "Enrollment",
  enrollmentId: "Enrollment",
  payment: "Payment",
  paymentId: "Payment",
  notification: "Notification",
  notificationId: "Notification",
};

export class Arguments {
  readonly #random: Random;
  readonly #pools: Pools;
  readonly #viewer: Viewer;
  readonly #variables: Variables;
  readonly #changes: boolean;
  /** The ids that the operation names. */
  readonly #named = new Map<TypeName, string[]>();

  constructor(
    random: Random,
    pools: Pools,
    viewer: Viewer,
    variables: Variables,
    changes: boolean,
  ) {
    this.#changes = changes;
    this.#random = random;
    this.#pools = pools;
    this.#viewer = viewer;
    this.#variables = variables;
  }

  /** They, and how many objects each of the field's parents gets by them. */
  of(
    field: GraphQLField<unknown, unknown>,
    parents: number,
  ): { args: ArgumentNode[]; size: number } {
    const listed = CONNECTION.exec(getNamedType(field.type).name)?.[1] as TypeName | undefined;
    const others = field.args.filter(({ name }) => !PAGING.includes(name));
    const args = others.flatMap((place) =>
      this.#isGiven(place) ? [argument(place.name, this.#value(place, field.name))] : [],
    );
    if (listed === undefined) return { args, size: 1 };
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
    if (kind === "first" || kind === "last") chosen.push([kind, int(size)]);
    if (kind === "both") chosen.push(["first", int(1)], ["last", int(1)]);
    if (kind === "wrong")
      chosen.push([random.pick(["first", "last"]), int(random.pick([0, -1, 101]))]);
    for (const name of ["after", "before"])
      if (random.chance(0.2)) chosen.push([name, text(this.#pools.cursor(random, listed))]);
    const args = chosen.flatMap(([name, value]) => {
      const place = field.args.find((arg) => arg.name === name);
      return place ? [argument(name, this.#variables.perhaps(place, value))] : [];
    });
    // A variable that is left out leaves the page at its usual size.
    const isSure = args.every(({ value }) => value.kind !== Kind.VARIABLE);
    return { args, size: kind === "none" || !isSure ? DEFAULT_SIZE / 2 : size };
  }

  #isGiven(place: Place): boolean {
    return (
      (isNonNullType(place.type) && place.defaultValue === undefined) || this.#random.chance(0.4)
    );
  }

  #value(place: Place, owner: string): ValueNode {
    const type = getNullableType(place.type);
    if (isInputObjectType(type) && this.#random.chance(0.6)) return this.#object(type, owner);
    return this.#variables.perhaps(place, this.#constant(place.type, place.name, owner));
  }

  #object(type: GraphQLInputObjectType, owner: string): ValueNode {
    const given = Object.values(type.getFields()).filter((place) => this.#isGiven(place));
    const fields = given.map((place) => objectField(place.name, this.#value(place, owner)));
    return { kind: Kind.OBJECT, fields };
  }

  #constantObject(type: GraphQLInputObjectType, owner: string): ConstValueNode {
    const given = Object.values(type.getFields()).filter((place) => this.#isGiven(place));
    const fields = given.map(({ name, type }) =>
      objectField(name, this.#constant(type, name, owner)),
    );
    return { kind: Kind.OBJECT, fields };
  }

  #constant(type: GraphQLInputType, name: string, owner: string): ConstValueNode {
    const random = this.#random;
    if (!isNonNullType(type) && random.chance(0.06)) return nothing;
    const plain = getNullableType(type);
    if (isInputObjectType(plain)) return this.#constantObject(plain, owner);
    if (isEnumType(plain)) return word(random.pick(plain.getValues()).name);
    switch (`${plain}`) {
      case "Boolean":
        return bool(random.chance(0.5));
      case "Int":
        return int(random.pick([0, 1, 90, 2147483647, -1]));
      case "Decimal":
        return text(this.#pools.decimal(random));
      case "ID": {
        const named = NAMED_BY[name === "id" ? owner : name];
        if (!named) throw new Error(`nobody knows what ${name} of ${owner} names`);
        return text(this.#id(named));
      }
      case "String":
        return text(this.#pools.string(random, name), random.chance(0.03));
      default:
        throw new Error(`nobody knows what values ${plain} has`);
    }
  }

  /** Now and then one that the operation has named before: two places ask for one thing, or change it. */
  #id(type: TypeName): string {
    const named = this.#named.get(type) ?? [];
    if (named.length > 0 && this.#random.chance(0.5)) return this.#random.pick(named);
    const id = this.#pools.id(this.#random, type, this.#viewer, this.#changes);
    this.#named.set(type, [...named, id]);
    return id;
  }
}

function objectField<V extends ValueNode>(name: string, value: V) {
  return { kind: Kind.OBJECT_FIELD, name: named(name), value } as const;
}
