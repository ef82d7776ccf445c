// Whether two supergraphs are equivalent. Order, formatting, link versions, descriptions and explicit defaults
// do not matter; what clients can query and where the router fetches it do.

import {
  type ConstDirectiveNode,
  type ConstValueNode,
  type DefinitionNode,
  type DocumentNode,
  isTypeDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  parse,
  print,
  stripIgnoredCharacters,
  type TypeDefinitionNode,
  visit,
} from "graphql";
import { printApi } from "./composition.ts";

/** One line per difference; empty when the two are equivalent. */
export function supergraphDifferences(
  first: string | DocumentNode,
  second: string,
  names: readonly [string, string],
): string[] {
  const a = comparable(typeof first === "string" ? parse(first, { noLocation: true }) : first);
  const b = comparable(parse(second, { noLocation: true }));
  const [left, right] = [printApi(a).split("\n"), printApi(b).split("\n")];
  return [
    ...compareSets(new Set(left), new Set(right), names, "API schema"),
    ...orderDifference(left, right),
    ...compareDirectives(
      directivesByCoordinate(withSpecNames(a)),
      directivesByCoordinate(withSpecNames(b)),
      names,
    ),
  ];
}

/**
 * Without descriptions, of which each composer picks one in its own way where those of the subgraphs differ, and
 * without what only one of the composers knows: `@oneOf`, and the directives of later versions of federation.
 */
function comparable(supergraph: DocumentNode): DocumentNode {
  return visit(supergraph, {
    StringValue: (_, key) => (key === "description" ? null : undefined),
    Directive: ({ name }) => (KNOWN_TO_ONE.has(name.value) ? null : undefined),
    DirectiveDefinition: ({ name }) => (KNOWN_TO_ONE.has(name.value) ? null : undefined),
  });
}

const KNOWN_TO_ONE = new Set(["oneOf", "join__directive"]);

/** With each directive under the name of its specification: one of the composers keeps the name by which it was imported. */
function withSpecNames(supergraph: DocumentNode): DocumentNode {
  const names = new Map<string, string>();
  for (const node of supergraph.definitions) {
    if (node.kind !== Kind.SCHEMA_DEFINITION && node.kind !== Kind.SCHEMA_EXTENSION) continue;
    for (const link of node.directives ?? []) {
      for (const [as, name] of aliasesIn(link)) names.set(as, name);
    }
  }
  if (names.size === 0) return supergraph;
  return visit(supergraph, {
    Directive(node) {
      const value = names.get(node.name.value);
      return value === undefined ? undefined : { ...node, name: { ...node.name, value } };
    },
  });
}

/** The other names of a specification, and of what is imported from it. */
function aliasesIn(link: ConstDirectiveNode): [as: string, name: string][] {
  const argument = (name: string) =>
    link.arguments?.find((each) => each.name.value === name)?.value;
  const [url, as, imports] = [argument("url"), argument("as"), argument("import")];
  const spec = url?.kind === Kind.STRING && /\/([^/]+)\/v\d+\.\d+\/?$/.exec(url.value)?.[1];
  const own: [string, string][] = spec && as?.kind === Kind.STRING ? [[as.value, spec]] : [];
  const imported = imports?.kind === Kind.LIST ? imports.values : [];
  return [...own, ...imported.flatMap((item) => importAlias(item) ?? [])];
}

function importAlias(item: ConstValueNode): [[as: string, name: string]] | undefined {
  if (item.kind !== Kind.OBJECT) return undefined;
  const text = (key: string) => {
    const value = item.fields.find(({ name }) => name.value === key)?.value;
    return value?.kind === Kind.STRING ? value.value.replace("@", "") : undefined;
  };
  const [as, name] = [text("as"), text("name")];
  return as === undefined || name === undefined ? undefined : [[as, name]];
}

/** The sets of lines can be equal although a line is in a different type. */
function orderDifference(left: readonly string[], right: readonly string[]): string[] {
  const at = left.findIndex((line, index) => line !== right[index]);
  if (at < 0 && left.length === right.length) return [];
  const line = at < 0 ? Math.min(left.length, right.length) : at;
  return [
    `API schema: first difference in line ${line + 1}: ${show(left[line])} / ${show(right[line])}`,
  ];
}

function show(line: string | undefined): string {
  return line === undefined ? "(end)" : `\`${line.trim()}\``;
}

function compareDirectives(
  a: AppliedDirectives,
  b: AppliedDirectives,
  names: readonly [string, string],
): string[] {
  const coordinates = [...new Set([...a.keys(), ...b.keys()])].sort();
  return coordinates.flatMap((coordinate) =>
    compareSets(a.get(coordinate) ?? new Set(), b.get(coordinate) ?? new Set(), names, coordinate),
  );
}

function compareSets(
  a: ReadonlySet<string>,
  b: ReadonlySet<string>,
  [nameA, nameB]: readonly [string, string],
  where: string,
): string[] {
  return [
    ...[...a]
      .filter((item) => !b.has(item))
      .map((item) => `${where}: only with ${nameA}: ${item.trim()}`),
    ...[...b]
      .filter((item) => !a.has(item))
      .map((item) => `${where}: only with ${nameB}: ${item.trim()}`),
  ];
}

/** The normalised directives of each type, field, argument and value, by coordinate. */
type AppliedDirectives = Map<string, Set<string>>;

function directivesByCoordinate(document: DocumentNode): AppliedDirectives {
  const directives: AppliedDirectives = new Map();
  for (const definition of document.definitions) {
    if (!isTypeDefinitionNode(definition) || isFederationInternal(definition)) continue;
    addType(directives, definition);
  }
  return directives;
}

/** `join__Graph` counts: its values are the subgraphs and their URLs. */
function isFederationInternal(definition: DefinitionNode & { name: { value: string } }): boolean {
  const name = definition.name.value;
  return name.includes("__") && name !== "join__Graph";
}

function addType(directives: AppliedDirectives, type: TypeDefinitionNode): void {
  const name = type.name.value;
  add(directives, name, type.directives);

  if (type.kind === Kind.ENUM_TYPE_DEFINITION) {
    for (const value of type.values ?? [])
      add(directives, `${name}.${value.name.value}`, value.directives);
  } else if (type.kind === Kind.INPUT_OBJECT_TYPE_DEFINITION) {
    for (const field of type.fields ?? []) {
      add(directives, `${name}.${field.name.value}`, field.directives, type);
    }
  } else if (
    type.kind === Kind.OBJECT_TYPE_DEFINITION ||
    type.kind === Kind.INTERFACE_TYPE_DEFINITION
  ) {
    for (const field of type.fields ?? []) {
      add(directives, `${name}.${field.name.value}`, field.directives, type);
      for (const argument of field.arguments ?? []) {
        add(
          directives,
          `${name}.${field.name.value}(${argument.name.value}:)`,
          argument.directives,
        );
      }
    }
  }
}

function add(
  directives: AppliedDirectives,
  coordinate: string,
  applied: readonly ConstDirectiveNode[] | undefined,
  parent?: Pick<ObjectTypeDefinitionNode, "directives">,
): void {
  const set = new Set((applied ?? []).map(normalise));
  const hasJoinField = [...set].some((directive) => directive.startsWith("@join__field"));
  // A field without `@join__field` is resolved by every subgraph that has its type.
  if (parent && !hasJoinField)
    for (const graph of graphsOf(parent)) set.add(`@join__field(graph: ${graph})`);
  directives.set(coordinate, set);
}

function graphsOf({ directives }: Pick<ObjectTypeDefinitionNode, "directives">): string[] {
  return (directives ?? [])
    .filter(({ name }) => name.value === "join__type")
    .flatMap((directive) => directive.arguments ?? [])
    .filter(({ name }) => name.value === "graph")
    .map(({ value }) => print(value));
}

const FIELD_SETS = new Set(["key", "requires", "provides", "selection"]);
const DEFAULTS: Record<string, string> = {
  extension: "false",
  external: "false",
  isInterfaceObject: "false",
  resolvable: "true",
};

function normalise({ name, arguments: args = [] }: ConstDirectiveNode): string {
  const written = args
    .filter((argument) => DEFAULTS[argument.name.value] !== print(argument.value))
    .map(({ name, value }) => `${name.value}: ${normaliseValue(name.value, value)}`)
    .sort();
  return `@${name.value}${written.length > 0 ? `(${written.join(", ")})` : ""}`;
}

function normaliseValue(name: string, value: ConstValueNode): string {
  if (value.kind === Kind.LIST) {
    return `[${value.values.map((item) => normaliseValue(name, item)).join(",")}]`;
  }
  if (value.kind === Kind.OBJECT) {
    const fields = value.fields.map((field) => [
      field.name.value,
      normaliseValue(field.name.value, field.value),
    ]);
    return `{${fields
      .map((pair) => pair.join(":"))
      .sort()
      .join(",")}}`;
  }
  return FIELD_SETS.has(name) && value.kind === Kind.STRING
    ? normaliseFieldSet(value.value)
    : stripIgnoredCharacters(print(value));
}

function normaliseFieldSet(fields: string): string {
  const sorted = (text: string): string => {
    const parts: string[] = [];
    let depth = 0;
    for (const token of text.match(/\{|\}|[^\s{},]+/g) ?? []) {
      if (depth === 0 && (token !== "{" || parts.length === 0)) parts.push(token);
      else parts[parts.length - 1] += ` ${token}`;
      if (token === "{") depth += 1;
      if (token === "}") depth -= 1;
    }
    return parts
      .map((part) =>
        part.replace(/^(\S+ )?\{ (.*) \}$/, (_, head = "", inner) => `${head}{ ${sorted(inner)} }`),
      )
      .sort()
      .join(" ");
  };
  return JSON.stringify(sorted(fields));
}
