// Random edits of an SDL: most keep it a valid schema, some make it invalid GraphQL.

import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type DocumentNode,
  Kind,
  parse,
  print,
  type TypeNode,
  visit,
} from "graphql";

/** Mulberry32: the same seed gives the same edits on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * limit);
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

export interface Mutation {
  what: string;
  sdl: string;
}

export function mutate(sdl: string, random: Random): Mutation {
  // One in twenty edits changes the text rather than the schema.
  if (random.below(20) === 0) return garble(sdl, random);
  const document = parse(sdl);
  for (;;) {
    const { name, edit } = random.of(EDITS);
    const targets = nodesOf(document).filter((node) => edit.fits(node));
    if (targets.length === 0) continue;
    const target = random.of(targets);
    const becomes = edit.to(target, random, document);
    if (becomes === undefined) continue;
    const changed = visit(document, { enter: (node) => (node === target ? becomes : undefined) });
    const text = print(changed);
    // An edit must change something.
    if (text !== print(document)) return { what: `${name}: ${describe(target)}`, sdl: text };
  }
}

function garble(sdl: string, random: Random): Mutation {
  const at = random.below(sdl.length);
  const junk = random.of(["{", "}", '"', "@", ":", "\u0000", "type", "é", ""]);
  return {
    what: `garble at ${at} with ${JSON.stringify(junk)}`,
    sdl: `${sdl.slice(0, at)}${junk}${sdl.slice(at + random.below(4))}`,
  };
}

// biome-ignore lint/suspicious/noExplicitAny: edits handle nodes of all kinds
type Node = any;

interface Edit {
  fits(node: Node): boolean;
  /** The replacement of the node; null removes it, undefined means that the edit does not apply. */
  to(node: Node, random: Random, document: DocumentNode): Node;
}

function nodesOf(document: DocumentNode): Node[] {
  const nodes: Node[] = [];
  visit(document, { enter: (node) => void nodes.push(node) });
  return nodes;
}

const describe = (node: Node): string => print(node).replaceAll(/\s+/g, " ").slice(0, 80);

const is =
  (...kinds: string[]) =>
  (node: Node): boolean =>
    kinds.includes(node.kind);
const FIELD = is(Kind.FIELD_DEFINITION);
const INPUT = is(Kind.INPUT_VALUE_DEFINITION);
const TYPED = is(Kind.FIELD_DEFINITION, Kind.INPUT_VALUE_DEFINITION);
const remove = (fits: Edit["fits"]): Edit => ({ fits, to: () => null });

const name = (value: string) => ({ kind: Kind.NAME, value });
const named = (value: string) => ({ kind: Kind.NAMED_TYPE, name: name(value) });
const nonNull = (type: Node) => ({ kind: Kind.NON_NULL_TYPE, type });

const EDITS: { name: string; edit: Edit }[] = [
  { name: "remove field", edit: remove(FIELD) },
  { name: "remove argument or input field", edit: remove(INPUT) },
  { name: "remove enum value", edit: remove(is(Kind.ENUM_VALUE_DEFINITION)) },
  { name: "remove type", edit: remove(isTypeDefinition) },
  { name: "remove directive", edit: remove(is(Kind.DIRECTIVE)) },
  {
    name: "toggle null",
    edit: { fits: TYPED, to: (node) => ({ ...node, type: toggleNull(node.type) }) },
  },
  {
    name: "toggle list",
    edit: { fits: TYPED, to: (node) => ({ ...node, type: toggleList(node.type) }) },
  },
  {
    name: "another type",
    edit: {
      fits: TYPED,
      to: (node, random, document) => ({ ...node, type: named(random.of(typeNames(document))) }),
    },
  },
  {
    name: "rename",
    edit: {
      fits: (node) => TYPED(node) || is(Kind.ENUM_VALUE_DEFINITION)(node) || isTypeDefinition(node),
      to: (node) => ({ ...node, name: name(`${node.name.value}2`) }),
    },
  },
  {
    name: "add argument",
    edit: {
      fits: FIELD,
      to: (node, random) => ({ ...node, arguments: [...node.arguments, input("extra", random)] }),
    },
  },
  {
    name: "add input field",
    edit: {
      fits: is(Kind.INPUT_OBJECT_TYPE_DEFINITION),
      to: (node, random) => ({ ...node, fields: [...node.fields, input("extra", random)] }),
    },
  },
  {
    name: "add field",
    edit: {
      fits: is(Kind.OBJECT_TYPE_DEFINITION),
      to: (node, random, document) => ({
        ...node,
        fields: [
          ...node.fields,
          {
            kind: Kind.FIELD_DEFINITION,
            name: name("extra"),
            type: named(random.of(typeNames(document))),
          },
        ],
      }),
    },
  },
  {
    name: "add enum value",
    edit: {
      fits: is(Kind.ENUM_TYPE_DEFINITION),
      to: (node) => ({
        ...node,
        values: [...node.values, { kind: Kind.ENUM_VALUE_DEFINITION, name: name("EXTRA") }],
      }),
    },
  },
  {
    name: "lose default",
    edit: {
      fits: (node) => INPUT(node) && node.defaultValue !== undefined,
      to: (node) => ({ ...node, defaultValue: undefined }),
    },
  },
  {
    name: "another default",
    edit: {
      fits: INPUT,
      to: (node, random) => ({
        ...node,
        defaultValue: random.of([
          { kind: Kind.INT, value: "7" },
          { kind: Kind.STRING, value: "seven" },
          { kind: Kind.BOOLEAN, value: true },
          { kind: Kind.NULL },
          { kind: Kind.ENUM, value: "NEWEST" },
        ]),
      }),
    },
  },
  {
    name: "add directive",
    edit: {
      fits: (node) => FIELD(node) || isTypeDefinition(node),
      to: (node, random) => ({
        ...node,
        directives: [...node.directives, directive(random.of(DIRECTIVES))],
      }),
    },
  },
  {
    name: "another field set",
    edit: {
      fits: (node) => node.kind === Kind.ARGUMENT && node.name.value === "fields",
      to: (node, random) => ({
        ...node,
        value: { kind: Kind.STRING, value: random.of(["name", "id name", "nothing", "id {", ""]) },
      }),
    },
  },
  {
    name: "turn a type into another kind",
    edit: {
      fits: is(Kind.ENUM_TYPE_DEFINITION, Kind.INPUT_OBJECT_TYPE_DEFINITION),
      to: (node) => ({ kind: Kind.SCALAR_TYPE_DEFINITION, name: node.name, directives: [] }),
    },
  },
];

const DIRECTIVES = [
  "@shareable",
  "@external",
  "@inaccessible",
  '@tag(name: "a")',
  '@override(from: "course")',
  '@override(from: "identity")',
  '@requires(fields: "id")',
  '@provides(fields: "id")',
  '@key(fields: "name")',
  '@deprecated(reason: "Do not.")',
  "@authenticated",
  '@requiresScopes(scopes: [["a"]])',
  "@interfaceObject",
];

function directive(text: string): ConstDirectiveNode {
  const { definitions } = parse(`scalar T ${text}`);
  const [node] = definitions.flatMap((one) => ("directives" in one ? (one.directives ?? []) : []));
  return node as ConstDirectiveNode;
}

function isTypeDefinition(node: Node): node is DefinitionNode {
  return /TypeDefinition$/.test(node.kind) && node.kind !== Kind.OPERATION_TYPE_DEFINITION;
}

function typeNames(document: DocumentNode): string[] {
  const own = document.definitions.flatMap((node) =>
    isTypeDefinition(node) ? (node as Node).name.value : [],
  );
  return ["Int", "String", "ID", ...own];
}

function input(value: string, random: Random): Node {
  const type = random.of([named("Int"), nonNull(named("Int")), named("String")]);
  return { kind: Kind.INPUT_VALUE_DEFINITION, name: name(value), type, directives: [] };
}

function toggleNull(type: TypeNode): Node {
  return type.kind === Kind.NON_NULL_TYPE ? type.type : nonNull(type);
}

function toggleList(type: TypeNode): Node {
  const inner = type.kind === Kind.NON_NULL_TYPE ? type.type : type;
  return inner.kind === Kind.LIST_TYPE ? inner.type : { kind: Kind.LIST_TYPE, type };
}
