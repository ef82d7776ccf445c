// 1,000 random edits of four schemas, classified by this program, by graphql-js and by graphql-inspector. Every
// difference has a rule that says why.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import {
  buildASTSchema,
  findBreakingChanges,
  findDangerousChanges,
  type GraphQLSchema,
  parse,
  validateSchema,
} from "graphql";
import { validateSDL } from "graphql/validation/validate.js";
import { type Change, type Level, schemaChanges } from "../src/changes.ts";
import { compose } from "../src/composition.ts";
import { loadSubgraphs } from "../src/subgraphs.ts";
import { mutate, Random } from "./mutations.ts";
import { fixtures } from "./support.ts";

const EDITS = 1000;
const SEED = 20261130;
const LISTS = [
  "library/supergraph.yaml",
  "foreign/airline/platform/graph/supergraph.yaml",
  "foreign/clinic/supergraph.yml",
  "foreign/kitchen/supergraph.yaml",
];

interface Edit {
  what: string;
  from: GraphQLSchema;
  to: GraphQLSchema;
  ours: readonly Change[];
}

let edits: Edit[];

before(async () => {
  const schemas = await Promise.all(
    LISTS.map(async (list) => {
      const result = compose(await loadSubgraphs(join(fixtures, list)));
      assert.ok(result.composes, list);
      return result.api;
    }),
  );
  edits = await randomEdits(schemas);
});

/** Edits that make another valid schema. */
async function randomEdits(schemas: readonly string[]): Promise<Edit[]> {
  const random = new Random(SEED);
  const originals = schemas.map((sdl) => ({ sdl, schema: valid(sdl) as GraphQLSchema }));
  const found: Edit[] = [];
  for (let tries = 0; found.length < EDITS; tries++) {
    assert.ok(tries < 20 * EDITS, `only ${found.length} of ${tries} edits are valid`);
    const { sdl, schema } = random.of(originals);
    const { what, sdl: edited } = mutate(sdl, random);
    const to = valid(edited);
    if (to) found.push({ what, from: schema, to, ours: await schemaChanges(schema, to) });
  }
  return found;
}

function valid(sdl: string): GraphQLSchema | undefined {
  try {
    const document = parse(sdl);
    if (validateSDL(document).length > 0) return undefined;
    const schema = buildASTSchema(document, { assumeValidSDL: true });
    return validateSchema(schema).length > 0 ? undefined : schema;
  } catch {
    return undefined;
  }
}

const ORDER: readonly Level[] = ["safe", "dangerous", "breaking"];
const rank = (level: Level | undefined): number => (level ? ORDER.indexOf(level) : -1);

/** Why a program is right to say something else. */
interface Rule<T> {
  why: string;
  holds(of: T): boolean;
}

/** Counts how often each rule explains a difference, and collects what none explains. */
class Explanations<T> {
  readonly used = new Map<string, number>();
  readonly unexplained: string[] = [];
  private readonly rules: readonly Rule<T>[];

  constructor(rules: readonly Rule<T>[]) {
    this.rules = rules;
  }

  explain(of: T, text: string): void {
    const rule = this.rules.find(({ holds }) => holds(of));
    if (rule) this.used.set(rule.why, (this.used.get(rule.why) ?? 0) + 1);
    else this.unexplained.push(text);
  }
}

// graphql-js.

interface Reference {
  type: string;
  level: Level;
  path: string;
  description: string;
}

const PATHS: [RegExp, (...found: string[]) => string][] = [
  [/^A required arg (\w+) on directive @?(\w+) was added/, (_, name) => `@${name}`],
  [
    /^An? (?:required|optional) arg (\w+) on (\w+)\.(\w+) was/,
    (arg, type, field) => `${type}.${field}.${arg}`,
  ],
  [
    /^An? (?:required|optional) field (\w+) on input type (\w+) was/,
    (field, type) => `${type}.${field}`,
  ],
  [/^(\w+)\.(\w+) arg (\w+) /, (type, field, arg) => `${type}.${field}.${arg}`],
  [/^(\w+)\.(\w+) (?:was removed|changed type)/, (type, field) => `${type}.${field}`],
  [/^\w+ was (?:added to|removed from) union type (\w+)/, (type) => `${type}`],
  [/^(\w+) was (?:added to|removed from) enum type (\w+)/, (value, type) => `${type}.${value}`],
  [/^(\w+) no longer implements/, (type) => `${type}`],
  [/^\w+ added to interfaces implemented by (\w+)/, (type) => `${type}`],
  [/^Standard scalar (\w+) was removed/, (type) => `${type}`],
  [/^(\w+) changed from /, (type) => `${type}`],
];

function referenceChanges(from: GraphQLSchema, to: GraphQLSchema): Reference[] {
  return [
    ...findBreakingChanges(from, to).map((change) => ({ ...change, level: "breaking" as const })),
    ...findDangerousChanges(from, to).map((change) => ({ ...change, level: "dangerous" as const })),
  ].map((change) => ({ ...change, path: pathOf(change) }));
}

function pathOf({ type, description }: Pick<Reference, "type" | "description">): string {
  if (/^DIRECTIVE_|_DIRECTIVE_/.test(type)) {
    const name = /(\w+)\.$/.exec(description.replace(" was removed.", "."))?.[1];
    return `@${/^A required arg \w+ on directive @?(\w+)/.exec(description)?.[1] ?? name}`;
  }
  if (type === "TYPE_REMOVED" && !description.startsWith("Standard")) {
    return description.split(" ")[0] ?? "";
  }
  for (const [pattern, path] of PATHS) {
    const found = pattern.exec(description);
    if (found) return path(...found.slice(1));
  }
  throw new Error(`${type}: ${description}`);
}

/** What graphql-js reports and this program takes more lightly. */
const LIGHTER: Rule<Reference>[] = [
  {
    why: "an optional input field without a default changes nothing for those who leave it out",
    holds: ({ type }) => type === "OPTIONAL_INPUT_FIELD_ADDED",
  },
  {
    why: "a default is written in another way when the kind of its type changes, which is reported there",
    holds: ({ description }) => /defaultValue from (\w+) to "\1"\.$/.test(description),
  },
  {
    why: "a standard scalar that nothing uses any more is reported where its last use was removed",
    holds: ({ description }) => description.startsWith("Standard scalar "),
  },
];

interface Own {
  change: Change;
  theirs?: Reference;
  edit: Edit;
}

/** What this program reports, and graphql-js not, or more lightly. */
const STRICTER: Rule<Own>[] = [
  {
    why: "an argument that loses its default and is required now breaks documents that leave it out",
    holds: ({ change, theirs }) =>
      change.kind === "FIELD_ARGUMENT_DEFAULT_CHANGED" &&
      theirs?.type === "ARG_DEFAULT_VALUE_CHANGE",
  },
  {
    why: "graphql-js compares the default of an argument only if it had one, and its type is the same",
    holds: ({ change }) => change.kind === "FIELD_ARGUMENT_DEFAULT_CHANGED",
  },
  {
    why: "graphql-js does not compare the defaults of input fields",
    holds: ({ change }) => change.kind === "INPUT_FIELD_DEFAULT_VALUE_CHANGED",
  },
  {
    why: "graphql-js does not compare @oneOf",
    holds: ({ change }) => change.kind.startsWith("INPUT_ONE_OF_"),
  },
  {
    why: "graphql-js does not compare @specifiedBy",
    holds: ({ change }) => change.kind.startsWith("SCALAR_SPECIFIED_BY_"),
  },
  {
    why: "objects of a new type appear where its interface is selected",
    holds: ({ change, edit }) =>
      change.kind === "OBJECT_TYPE_INTERFACE_ADDED" && !edit.from.getType(change.path),
  },
  {
    why: "graphql-js does not compare the root types",
    holds: ({ change }) => /^SCHEMA_\w+_TYPE_CHANGED$/.test(change.kind),
  },
  {
    why: "graphql-js does not compare the types and defaults of arguments of directives",
    holds: ({ change }) => change.kind.startsWith("DIRECTIVE_ARGUMENT_"),
  },
];

const isAt = (change: Change, path: string): boolean =>
  change.path === path || (path.startsWith("@") && change.path.split(".")[0] === path);

test(`${EDITS} random edits: every difference from graphql-js has a rule`, (t) => {
  const lighter = new Explanations(LIGHTER);
  const stricter = new Explanations(STRICTER);
  let agreed = 0;
  for (const edit of edits) {
    const theirs = referenceChanges(edit.from, edit.to);
    for (const reference of theirs) {
      const own = edit.ours.filter(({ path }) => isAt({ path } as Change, reference.path));
      if (own.some(({ level }) => rank(level) >= rank(reference.level))) agreed++;
      else lighter.explain(reference, `${edit.what}: ${reference.type} ${reference.description}`);
    }
    for (const change of edit.ours.filter(({ level }) => level !== "safe")) {
      const same = theirs.filter(({ path }) => isAt(change, path));
      if (same.some(({ level }) => rank(level) >= rank(change.level))) continue;
      const text = `${edit.what}: ${change.level} ${change.kind} ${change.path}`;
      stricter.explain({ change, theirs: same[0], edit }, text);
    }
  }
  t.diagnostic(
    JSON.stringify({ agreed, ...Object.fromEntries([...lighter.used, ...stricter.used]) }),
  );
  assert.deepEqual(lighter.unexplained, []);
  assert.deepEqual(stricter.unexplained, []);
  assert.ok(agreed >= EDITS / 4, `${agreed}`);
});

// graphql-inspector.

const LEVELS: Record<CriticalityLevel, Level> = {
  [CriticalityLevel.Breaking]: "breaking",
  [CriticalityLevel.Dangerous]: "dangerous",
  [CriticalityLevel.NonBreaking]: "safe",
};

interface Inspected {
  kind: string;
  path: string;
  level: Level;
  own?: Change;
}

const INSPECTOR: Rule<Inspected>[] = [
  {
    why: "the use of a directive in a schema is no matter of clients, except for @deprecated and @oneOf",
    holds: ({ kind }) => kind.startsWith("DIRECTIVE_USAGE_"),
  },
  {
    why: "the parts of what is added are not listed apart",
    holds: ({ level, own }) => level === "safe" && own === undefined,
  },
  {
    why: "a default that is removed and leaves its argument or input field required is breaking",
    holds: ({ kind, own }) => kind.includes("_DEFAULT_") && own?.level === "breaking",
  },
  {
    why: "a directive that can no longer be repeated is breaking",
    holds: ({ kind, own }) => kind === "DIRECTIVE_REPEATABLE_REMOVED" && own?.level === "breaking",
  },
  {
    why: "objects of a new type appear where its interface is selected",
    holds: ({ kind, own }) => kind === "OBJECT_TYPE_INTERFACE_ADDED" && own?.level === "dangerous",
  },
];

/** Kinds that the inspector does not have. */
const OWN_KINDS = /^(INPUT_ONE_OF_|SCALAR_SPECIFIED_BY_|(INPUT_FIELD|FIELD_ARGUMENT)_DEPRECATION_)/;

test(`${EDITS} random edits: every difference from graphql-inspector has a rule`, async (t) => {
  const explanations = new Explanations(INSPECTOR);
  const added: string[] = [];
  let agreed = 0;
  for (const { what, from, to, ours } of edits) {
    const theirs = (await diff(from, to)).map((change) => ({
      kind: change.type as string,
      path: change.path ?? "schema",
      level: LEVELS[change.criticality.level],
      message: change.message,
    }));
    for (const inspected of theirs) {
      const own = ours.find(
        ({ kind, path, message }) =>
          kind === inspected.kind && path === inspected.path && message === inspected.message,
      );
      if (own?.level === inspected.level) agreed++;
      else {
        const text = `${what}: ${inspected.kind} ${inspected.path} is ${inspected.level}, not ${own?.level}`;
        explanations.explain({ ...inspected, own }, text);
      }
    }
    for (const { kind, path } of ours) {
      const isKnown = theirs.some((each) => each.kind === kind && each.path === path);
      if (!isKnown && !OWN_KINDS.test(kind)) added.push(`${what}: ${kind} ${path}`);
    }
  }
  t.diagnostic(JSON.stringify({ agreed, ...Object.fromEntries(explanations.used) }));
  assert.deepEqual(explanations.unexplained, []);
  assert.deepEqual(added, []);
  assert.ok(agreed >= EDITS / 2, `${agreed}`);
});
