// Holds a schema against the contract that clients were given: nothing missing but what may
// still be, nothing stricter. Whatever there is beside it is nobody's loss.

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
  /** One sentence each. */
  violations: string[];
  /** Names in the list of what may be missing that are there by now. */
  noLongerMissing: string[];
}

export function checkContract(
  contract: GraphQLSchema,
  actual: GraphQLSchema,
  mayBeMissing: ReadonlySet<string>,
): ContractReport {
  const needed = reachableTypes(contract, mayBeMissing);
  const violations: string[] = [];

  for (const type of typesOf(contract)) {
    const found = actual.getType(type.name);
    if (found) violations.push(...checkType(type, found, mayBeMissing));
    else if (needed.has(type.name)) violations.push(`${type.name} is missing`);
  }
  violations.push(...checkRoots(contract, actual, mayBeMissing));

  const noLongerMissing = [...mayBeMissing].filter((name) => exists(actual, name));
  return { violations, noLongerMissing };
}

/** Is there such a type, or such a field (`Type.field`)? */
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

/** What a client can get at without going through anything that may be missing. */
function reachableTypes(schema: GraphQLSchema, mayBeMissing: ReadonlySet<string>): Set<string> {
  const reached = new Set<string>();
  const visit = (type: GraphQLNamedType | null | undefined): void => {
    if (!type || reached.has(type.name) || mayBeMissing.has(type.name)) return;
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
      if (mayBeMissing.has(`${type.name}.${field.name}`)) continue;
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
  mayBeMissing: ReadonlySet<string>,
): string[] {
  const roots = [
    ["query", contract.getQueryType(), actual.getQueryType()],
    ["mutation", contract.getMutationType(), actual.getMutationType()],
    ["subscription", contract.getSubscriptionType(), actual.getSubscriptionType()],
  ] as const;
  return roots
    .filter(([, expected, found]) => expected && found?.name !== expected.name)
    .filter(([, expected]) => expected && !mayBeMissing.has(expected.name))
    .map(([operation, expected]) => `${expected?.name} is not the root of a ${operation}`);
}

function checkType(
  expected: GraphQLNamedType,
  found: GraphQLNamedType,
  mayBeMissing: ReadonlySet<string>,
): string[] {
  const name = expected.name;
  if (expected.constructor.name !== found.constructor.name) {
    return [`${name} is another kind of type (${kindOf(found)}, not ${kindOf(expected)})`];
  }
  if (isEnumType(expected) && isEnumType(found)) {
    return expected
      .getValues()
      .filter((value) => !found.getValue(value.name) && !mayBeMissing.has(`${name}.${value.name}`))
      .map((value) => `${name}.${value.name} is missing`);
  }
  if (isUnionType(expected) && isUnionType(found)) {
    const members = new Set(found.getTypes().map((member) => member.name));
    return expected
      .getTypes()
      .filter((member) => !members.has(member.name) && !mayBeMissing.has(member.name))
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
        mayBeMissing,
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
        checkField(`${name}.${field.name}`, field, found.getFields()[field.name], mayBeMissing),
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
  mayBeMissing: ReadonlySet<string>,
): string[] {
  if (!found) return mayBeMissing.has(coordinate) ? [] : [`${coordinate} is missing`];
  const type = promisesAsMuch(expected.type, found.type)
    ? []
    : [`${coordinate} is ${found.type}, but clients were promised ${expected.type}`];
  return [
    ...type,
    ...checkInputs(
      (argument) => `${coordinate}(${argument}:)`,
      expected.args,
      found.args,
      mayBeMissing,
    ),
  ];
}

type Input = GraphQLArgument | GraphQLInputField;

function checkInputs(
  coordinate: (name: string) => string,
  expected: readonly Input[],
  found: readonly Input[],
  mayBeMissing: ReadonlySet<string>,
): string[] {
  const known = new Set(expected.map(({ name }) => name));
  const added = found
    .filter((input) => !known.has(input.name) && isRequired(input))
    .map((input) => `${coordinate(input.name)} is new and required`);

  const kept = expected.flatMap((input) => {
    const where = coordinate(input.name);
    const match = found.find(({ name }) => name === input.name);
    if (!match) return mayBeMissing.has(where) ? [] : [`${where} is missing`];
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
  if (!acceptsAsMuch(expected.type, found.type)) {
    problems.push(`${where} takes ${found.type}, but clients were told ${expected.type}`);
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

/** An answer may be null less often than promised, never more often. */
function promisesAsMuch(promised: GraphQLType, found: GraphQLType): boolean {
  if (isNonNullType(found)) {
    return promisesAsMuch(isNonNullType(promised) ? promised.ofType : promised, found.ofType);
  }
  if (isListType(found) && isListType(promised))
    return promisesAsMuch(promised.ofType, found.ofType);
  return sameName(promised, found);
}

/** An input may be left out more often than clients were told, never less often. */
function acceptsAsMuch(told: GraphQLType, found: GraphQLType): boolean {
  if (isNonNullType(told)) {
    return acceptsAsMuch(told.ofType, isNonNullType(found) ? found.ofType : found);
  }
  if (isListType(told) && isListType(found)) return acceptsAsMuch(told.ofType, found.ofType);
  return sameName(told, found);
}

function sameName(a: GraphQLType, b: GraphQLType): boolean {
  return "name" in a && "name" in b && a.name === b.name;
}

function kindOf(type: GraphQLNamedType): string {
  return type.constructor.name.replace(/^GraphQL|Type$/g, "").toLowerCase();
}
