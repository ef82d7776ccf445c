// Checks a schema against the API contract published to clients: nothing may be missing, except allowed
// names, and nothing may be stricter. Additions are fine.

import { isDeepStrictEqual } from "node:util";
import {
  astFromValue,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isSpecifiedScalarType,
  isUnionType,
  print,
} from "graphql";

export interface ContractReport {
  /** One sentence per violation. */
  violations: string[];
  /** Names that are allowed to be missing, but exist. */
  noLongerMissing: string[];
}

export function checkContract(
  contract: GraphQLSchema,
  actual: GraphQLSchema,
  allowedMissing: ReadonlySet<string>,
): ContractReport {
  const needed = reachableTypes(contract, allowedMissing);
  const violations: string[] = [];

  for (const type of typesOf(contract)) {
    const found = actual.getType(type.name);
    if (found) violations.push(...checkType(type, found, allowedMissing));
    else if (needed.has(type.name)) violations.push(`${type.name} is missing`);
  }
  violations.push(...checkRoots(contract, actual, allowedMissing));

  const noLongerMissing = [...allowedMissing].filter((name) => exists(actual, name));
  return { violations, noLongerMissing };
}

/** Whether the schema has the type, field (`Type.field`) or enum value. */
export function exists(schema: GraphQLSchema, name: string): boolean {
  const [typeName = "", field] = name.split(".");
  const type = schema.getType(typeName);
  if (!type || field === undefined) return type !== undefined;
  if (isEnumType(type)) return type.getValue(field) !== undefined;
  return "getFields" in type && type.getFields()[field] !== undefined;
}

function typesOf(schema: GraphQLSchema): GraphQLNamedType[] {
  return Object.values(schema.getTypeMap()).filter(
    (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
  );
}

/** The types that a client can reach without using a name that is allowed to be missing. */
function reachableTypes(schema: GraphQLSchema, allowedMissing: ReadonlySet<string>): Set<string> {
  const reached = new Set<string>();
  const visit = (type: GraphQLNamedType | null | undefined): void => {
    if (!type || reached.has(type.name) || allowedMissing.has(type.name)) return;
    reached.add(type.name);

    if (isUnionType(type)) for (const member of type.getTypes()) visit(member);
    if (isInterfaceType(type)) {
      const { objects, interfaces } = schema.getImplementations(type);
      for (const implementation of [...objects, ...interfaces]) visit(implementation);
    }
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const implemented of type.getInterfaces()) visit(implemented);
    }
    if (!("getFields" in type)) return;
    for (const field of Object.values(type.getFields())) {
      if (allowedMissing.has(`${type.name}.${field.name}`)) continue;
      visit(getNamedType(field.type as GraphQLType));
      if ("args" in field)
        for (const argument of field.args) visit(getNamedType(argument.type as GraphQLType));
    }
  };
  for (const root of [
    schema.getQueryType(),
    schema.getMutationType(),
    schema.getSubscriptionType(),
  ]) {
    visit(root);
  }
  return reached;
}

function checkRoots(
  contract: GraphQLSchema,
  actual: GraphQLSchema,
  allowedMissing: ReadonlySet<string>,
): string[] {
  const roots = [
    ["query", contract.getQueryType(), actual.getQueryType()],
    ["mutation", contract.getMutationType(), actual.getMutationType()],
    ["subscription", contract.getSubscriptionType(), actual.getSubscriptionType()],
  ] as const;
  return roots
    .filter(([, expected, found]) => expected && found?.name !== expected.name)
    .filter(([, expected]) => expected && !allowedMissing.has(expected.name))
    .map(([operation, expected]) => `${expected?.name} is not the ${operation} root type`);
}

function checkType(
  expected: GraphQLNamedType,
  found: GraphQLNamedType,
  allowedMissing: ReadonlySet<string>,
): string[] {
  const name = expected.name;
  if (expected.constructor.name !== found.constructor.name) {
    return [
      `${name} is a different kind of type (${typeKindOf(found)}, not ${typeKindOf(expected)})`,
    ];
  }
  if (isEnumType(expected) && isEnumType(found)) {
    return expected
      .getValues()
      .filter(
        (value) => !found.getValue(value.name) && !allowedMissing.has(`${name}.${value.name}`),
      )
      .map((value) => `${name}.${value.name} is missing`);
  }
  if (isUnionType(expected) && isUnionType(found)) {
    const members = new Set(found.getTypes().map((member) => member.name));
    return expected
      .getTypes()
      .filter((member) => !members.has(member.name) && !allowedMissing.has(member.name))
      .map((member) => `${name} has lost its member ${member.name}`);
  }
  if (isInputObjectType(expected) && isInputObjectType(found)) {
    const oneOf = found.isOneOf && !expected.isOneOf ? [`${name} is stricter: @oneOf`] : [];
    return [
      ...oneOf,
      ...checkInputs(
        (field) => `${name}.${field}`,
        Object.values(expected.getFields()),
        Object.values(found.getFields()),
        allowedMissing,
      ),
    ];
  }
  if (
    (isObjectType(expected) && isObjectType(found)) ||
    (isInterfaceType(expected) && isInterfaceType(found))
  ) {
    return [
      ...lostInterfaces(expected, found),
      ...Object.values(expected.getFields()).flatMap((field) =>
        checkField(`${name}.${field.name}`, field, found.getFields()[field.name], allowedMissing),
      ),
    ];
  }
  return [];
}

interface Implementing {
  name: string;
  getInterfaces(): readonly { name: string }[];
}

function lostInterfaces(expected: Implementing, found: Implementing): string[] {
  const has = new Set(found.getInterfaces().map(({ name }) => name));
  return expected
    .getInterfaces()
    .filter(({ name }) => !has.has(name))
    .map(({ name }) => `${expected.name} no longer implements ${name}`);
}

type Field = GraphQLField<unknown, unknown>;

function checkField(
  coordinate: string,
  expected: Field,
  found: Field | undefined,
  allowedMissing: ReadonlySet<string>,
): string[] {
  if (!found) return allowedMissing.has(coordinate) ? [] : [`${coordinate} is missing`];
  const type = isOutputCompatible(expected.type, found.type)
    ? []
    : [`${coordinate} is ${found.type}, but the contract has ${expected.type}`];
  return [
    ...type,
    ...checkInputs(
      (argument) => `${coordinate}(${argument}:)`,
      expected.args,
      found.args,
      allowedMissing,
    ),
  ];
}

type Input = GraphQLArgument | GraphQLInputField;

function checkInputs(
  coordinate: (name: string) => string,
  expected: readonly Input[],
  found: readonly Input[],
  allowedMissing: ReadonlySet<string>,
): string[] {
  const known = new Set(expected.map(({ name }) => name));
  const added = found
    .filter((input) => !known.has(input.name) && isRequired(input))
    .map((input) => `${coordinate(input.name)} is new and required`);

  const kept = expected.flatMap((input) => {
    const where = coordinate(input.name);
    const match = found.find(({ name }) => name === input.name);
    if (!match) return allowedMissing.has(where) ? [] : [`${where} is missing`];
    return checkInput(where, input, match);
  });
  return [...kept, ...added];
}

function isRequired(input: Input): boolean {
  return (
    isRequiredArgument(input as GraphQLArgument) || isRequiredInputField(input as GraphQLInputField)
  );
}

function checkInput(where: string, expected: Input, found: Input): string[] {
  const problems: string[] = [];
  if (!isInputCompatible(expected.type, found.type)) {
    problems.push(`${where} takes ${found.type}, but the contract has ${expected.type}`);
  }
  const [before, now] = [defaultOf(expected), defaultOf(found)];
  if (!isDeepStrictEqual(before, now)) {
    problems.push(`${where} has the default ${now ?? "(none)"}, not ${before ?? "(none)"}`);
  }
  return problems;
}

function defaultOf({ defaultValue, type }: Input): string | undefined {
  if (defaultValue === undefined) return undefined;
  const node = astFromValue(defaultValue, type);
  return node ? print(node) : undefined;
}

/** An output type may be null less often than in the contract, never more often. */
function isOutputCompatible(promised: GraphQLType, found: GraphQLType): boolean {
  if (isNonNullType(found)) {
    return isOutputCompatible(isNonNullType(promised) ? promised.ofType : promised, found.ofType);
  }
  if (isListType(found) && isListType(promised))
    return isOutputCompatible(promised.ofType, found.ofType);
  return sameName(promised, found);
}

/** An input may be omitted more often than in the contract, never less often. */
function isInputCompatible(promised: GraphQLType, found: GraphQLType): boolean {
  if (isNonNullType(promised)) {
    return isInputCompatible(promised.ofType, isNonNullType(found) ? found.ofType : found);
  }
  if (isListType(promised) && isListType(found))
    return isInputCompatible(promised.ofType, found.ofType);
  return sameName(promised, found);
}

function sameName(a: GraphQLType, b: GraphQLType): boolean {
  return "name" in a && "name" in b && a.name === b.name;
}

function typeKindOf(type: GraphQLNamedType): string {
  return type.constructor.name.replace(/^GraphQL|Type$/g, "").toLowerCase();
}
