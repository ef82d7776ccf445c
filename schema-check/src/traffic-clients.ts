// Traffic as the check reads it: how much each document is used and by whom, and the use of documents that are not stored.

import {
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  Kind,
  type ValueNode,
} from "graphql";
import type { Client } from "./clients.ts";
import type { Operation } from "./operations.ts";
import { byClient, type TrafficRecord } from "./traffic.ts";
import type { Threshold } from "./traffic-options.ts";
import type { GivenValues, Usage } from "./usage.ts";

export interface MeasuredTraffic {
  /** The stored documents, with the requests and clients of each. */
  operations: Operation[];
  /** Documents that are not stored, with what they use. */
  others: TrafficRecord[][];
}

/** A document that was sent too seldom counts as not in use. */
export function measure(
  operations: readonly Operation[],
  records: readonly TrafficRecord[],
  threshold: Threshold,
): MeasuredTraffic {
  const total = sum(records);
  const isMuch = (requests: number) =>
    requests >= threshold.requests && requests >= (total * threshold.percent) / 100 && requests > 0;

  const byId = groupBy(records, ({ id, operation }) => id || operation);
  const ids = new Set(operations.map(({ id }) => id));
  // A document whose text has changed has another id, and clients that are not persisted may send another form of it.
  const byName = groupBy(
    records.filter(({ id }) => !ids.has(id)),
    ({ operation }) => operation,
  );
  const names = new Set(operations.map(({ name }) => name));
  return {
    operations: operations.map((operation) => {
      // What a service sends does not come through the router, which counts.
      if (operation.service && operation.service.receiver !== "router") return operation;
      const found = byId.get(operation.id) ?? byName.get(operation.name) ?? [];
      const requests = sum(found);
      return { ...operation, requests: isMuch(requests) ? requests : 0, clients: byClient(found) };
    }),
    others: [...byId.entries()]
      .filter(([id, group]) => !ids.has(id) && !names.has(group[0]?.operation ?? ""))
      .map(([, group]) => group)
      .filter((group) => isMuch(sum(group))),
  };
}

const sum = (records: readonly TrafficRecord[]): number =>
  records.reduce((total, { requests }) => total + requests, 0);

function groupBy(
  records: readonly TrafficRecord[],
  key: (record: TrafficRecord) => string,
): Map<string, TrafficRecord[]> {
  const groups = new Map<string, TrafficRecord[]>();
  for (const record of records) {
    const same = groups.get(key(record));
    if (same) same.push(record);
    else groups.set(key(record), [record]);
  }
  return groups;
}

/** A document of which only its use is known: it can be affected, and cannot be validated. */
export function trafficClient(records: readonly TrafficRecord[], schema: GraphQLSchema): Client {
  const [first] = records;
  const uses = new Set(records.flatMap((record) => record.uses));
  const operation: Operation = {
    name: first?.operation || first?.id || "an unnamed operation",
    id: first?.id ?? "",
    text: "",
    document: { kind: Kind.DOCUMENT, definitions: [] },
    location: { file: "the traffic" },
    isFile: false,
    requests: sum(records),
    clients: byClient(records),
  };
  return { operation, usage: usageOfCoordinates(uses, schema) };
}

/** An unknown value, which may be any. */
const ANY: ValueNode = { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: "" } };

/** The values are not known: wherever one decides, the document counts as affected. */
export function usageOfCoordinates(uses: ReadonlySet<string>, schema: GraphQLSchema): Usage {
  const fields = new Map<string, GivenValues[]>();
  const implementations = new Map<string, GivenValues[]>();
  const inputObjects = new Map<string, GivenValues[]>();
  const enumValues = new Set<string>();
  const outputTypes = new Set<string>();
  const kinds = new Set<string>();
  const argumentsOf = (field: string) =>
    [...uses].flatMap((use) => {
      const isArgument = use.startsWith(`${field}(`) && use.endsWith(":)");
      return isArgument ? [use.slice(field.length + 1, -2)] : [];
    });

  for (const use of uses) {
    if (use.includes("(")) continue;
    const [name = "", member = ""] = use.split(".");
    const type = schema.getType(name);
    if (isEnumType(type)) enumValues.add(use);
    else if (isInputObjectType(type)) {
      const given = new Map(inputObjects.get(name)?.[0]);
      inputObjects.set(name, [given.set(member, ANY)]);
    } else if (isObjectType(type) || isInterfaceType(type)) {
      const given: GivenValues = new Map(argumentsOf(use).map((argument) => [argument, ANY]));
      fields.set(use, [given]);
      outputTypes.add(name);
      const field = type.getFields()[member];
      if (field) outputTypes.add(getNamedType(field.type).name);
      if (isInterfaceType(type)) {
        for (const { name } of schema.getPossibleTypes(type)) {
          implementations.set(`${name}.${member}`, [given]);
        }
      }
      for (const kind of ["query", "mutation", "subscription"] as const) {
        if (schema.getRootType(kind as never) === type) kinds.add(kind);
      }
    }
  }
  const objects = new Set(
    [...outputTypes].flatMap((name) => {
      const type = schema.getType(name);
      return isAbstractType(type) ? schema.getPossibleTypes(type).map((each) => each.name) : [name];
    }),
  );
  return {
    ...{ kinds, fields, implementations, inputObjects, enumValues, outputTypes, objects },
    ...{ variableTypes: new Set(), directives: new Map(), directiveLocations: new Set() },
    ...{ repeatedDirectives: new Set(), variables: new Map() },
  };
}
