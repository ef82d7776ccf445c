// What nobody has used of a schema, and what is deprecated and still used.

import {
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
} from "graphql";
import { byClient, byUse, type ClientUse, type TrafficRecord } from "./traffic.ts";

export interface SchemaUsage {
  /** The days that were looked at. */
  days: number;
  requests: number;
  /** Coordinates that no request has used: of fields, and of arguments, input fields and values of those that are used. */
  unused: readonly string[];
  deprecated: readonly DeprecatedUse[];
}

export interface DeprecatedUse {
  coordinate: string;
  reason: string;
  requests: number;
  clients: readonly ClientUse[];
}

interface Element {
  coordinate: string;
  /** The field of an argument, or the type of a member: unused as a whole, it is listed once. */
  parent?: string;
  deprecationReason?: string | null;
}

export function schemaUsage(
  schema: GraphQLSchema,
  records: readonly TrafficRecord[],
  days: number,
): SchemaUsage {
  const uses = byUse(records);
  const all = elements(schema);
  const isUsed = withImplementations(schema, uses);
  const unusedTypes = typesWithoutUse(all, isUsed);
  const unused = [
    ...unusedTypes,
    ...all
      .filter(({ coordinate }) => !isUsed(coordinate))
      .filter(({ coordinate }) => !unusedTypes.includes(typeOf(coordinate)))
      .filter(({ parent }) => parent === undefined || isUsed(parent))
      .map(({ coordinate }) => coordinate),
  ].sort();
  const deprecated = all.flatMap(({ coordinate, deprecationReason }): DeprecatedUse[] => {
    const found = uses.get(coordinate);
    if (!found || deprecationReason === undefined || deprecationReason === null) return [];
    const requests = sum(found);
    return [{ coordinate, reason: deprecationReason, requests, clients: byClient(found) }];
  });
  return { days, requests: sum(records), unused, deprecated };
}

const sum = (records: readonly TrafficRecord[]): number =>
  records.reduce((total, { requests }) => total + requests, 0);

const typeOf = (coordinate: string): string => coordinate.split(".")[0] ?? coordinate;

/** A field of an interface that is used is used in each type that implements it. */
function withImplementations(
  schema: GraphQLSchema,
  uses: ReadonlyMap<string, unknown>,
): (coordinate: string) => boolean {
  const used = new Set(uses.keys());
  for (const coordinate of uses.keys()) {
    const [name = "", ...member] = coordinate.split(".");
    const type = schema.getType(name);
    if (!isInterfaceType(type)) continue;
    for (const { name: object } of schema.getPossibleTypes(type)) {
      used.add([object, ...member].join("."));
    }
  }
  return (coordinate) => used.has(coordinate);
}

/** Types of which nothing is used. */
function typesWithoutUse(
  all: readonly Element[],
  isUsed: (coordinate: string) => boolean,
): string[] {
  const types = new Map<string, boolean>();
  for (const { coordinate } of all) {
    const type = typeOf(coordinate);
    types.set(type, (types.get(type) ?? false) || isUsed(coordinate));
  }
  return [...types].filter(([, used]) => !used).map(([type]) => type);
}

function elements(schema: GraphQLSchema): Element[] {
  return Object.values(schema.getTypeMap()).flatMap((type): Element[] => {
    if (isIntrospectionType(type)) return [];
    const at = (name: string) => `${type.name}.${name}`;
    if (isEnumType(type)) {
      return type.getValues().map(({ name, deprecationReason }) => ({
        ...{ coordinate: at(name), deprecationReason },
      }));
    }
    if (isInputObjectType(type)) {
      return Object.values(type.getFields()).map(({ name, deprecationReason }) => ({
        ...{ coordinate: at(name), deprecationReason },
      }));
    }
    if (!isObjectType(type) && !isInterfaceType(type)) return [];
    return Object.values(type.getFields()).flatMap(({ name, args, deprecationReason }) => [
      { coordinate: at(name), deprecationReason },
      ...args.map((argument) => ({
        coordinate: `${at(name)}(${argument.name}:)`,
        parent: at(name),
        deprecationReason: argument.deprecationReason,
      })),
    ]);
  });
}
