import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { outcome } from "../src/permissions.ts";
import { parsePermissions } from "../src/permissions-file.ts";
import { loadSubgraphs } from "../src/subgraphs.ts";
import { type CommandResult, run } from "./support.ts";

const root = join(import.meta.dirname, "..", "..");
const DATA = "docs/permissions.json";
const subgraphs = await loadSubgraphs(join(root, "supergraph.yaml"));

/** A copy of the repository's schemas and permissions, for tests to break. */
class Repository {
  readonly folder = mkdtempSync(join(tmpdir(), "lyceum-permissions-"));

  constructor() {
    after(() => rmSync(this.folder, { recursive: true, force: true }));
    const schemas = subgraphs.map(({ name }) => `subgraphs/${name}/schema.graphql`);
    for (const file of ["supergraph.yaml", "api.graphql", DATA, ...schemas]) {
      mkdirSync(join(this.folder, file, ".."), { recursive: true });
      cpSync(join(root, file), join(this.folder, file));
    }
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), "utf8");
  }

  replace(file: string, from: string, to: string): this {
    const text = this.read(file);
    assert.ok(text.includes(from), `${file} has no ${from}`);
    writeFileSync(join(this.folder, file), text.replace(from, to));
    return this;
  }

  async compose(): Promise<this> {
    const { code, stderr } = await run("compose", "--config", this.config, "--api-out", this.api);
    assert.equal(code, 0, stderr);
    return this;
  }

  permissions(): Promise<CommandResult> {
    const files = ["--data", join(this.folder, DATA), "--schema", this.api];
    return run("permissions", ...files, "--config", this.config);
  }

  private get config(): string {
    return join(this.folder, "supergraph.yaml");
  }

  private get api(): string {
    return join(this.folder, "api.graphql");
  }
}

test("every field has a row, and the page is generated from the rows", async () => {
  const { code, stdout, stderr } = await new Repository().permissions();

  assert.equal(code, 0, stderr);
  assert.equal(stdout, readFileSync(join(root, "docs/permissions.md"), "utf8"));
});

test("a field without a row is reported with the row to add", async () => {
  const repository = new Repository().replace(
    "subgraphs/payment/schema.graphql",
    "  status: PaymentStatus!",
    "  status: PaymentStatus!\n  fee: Decimal",
  );
  const { code, stderr } = await (await repository.compose()).permissions();

  assert.equal(code, 1);
  assert.match(
    stderr,
    /permissions.json:\d+:\d+: error \[NO_ROW\] Payment.fee: no row says who may see it\. .*"Payment.fee": \{ "subgraph": "payment", "who": "everyone" \}/,
  );
});

test("an inaccessible field needs no row", async () => {
  const repository = new Repository().replace(
    "subgraphs/payment/schema.graphql",
    "  status: PaymentStatus!",
    "  status: PaymentStatus!\n  fee: Decimal @inaccessible",
  );
  const { code, stderr } = await (await repository.compose()).permissions();

  assert.equal(code, 0, stderr);
});

test("a row without a field, and a row with the wrong subgraph, are reported", async () => {
  const { code, stderr } = await new Repository()
    .replace(
      DATA,
      '"User.email": { "subgraph": "identity"',
      '"User.mail": { "subgraph": "identity"',
    )
    .replace(
      DATA,
      '"Payment.amount": { "subgraph": "payment"',
      '"Payment.amount": { "subgraph": "course"',
    )
    .permissions();

  assert.equal(code, 1);
  assert.match(stderr, /\[NO_ROW\] User.email/);
  assert.match(stderr, /permissions.json:\d+:\d+: error \[NO_FIELD\] User.mail/);
  assert.match(
    stderr,
    /\[WRONG_SUBGRAPH\] Payment.amount: its subgraph is "payment", not "course"/,
  );
});

test("a key that a subgraph resolves needs a rule", async () => {
  const { code, stderr } = await new Repository()
    .replace(DATA, '"notification": "owner, else null"', '"course": "owner, else null"')
    .permissions();

  assert.equal(code, 1);
  assert.match(
    stderr,
    /\[NO_ROW\] notification Notification: no rule says who may resolve it by key/,
  );
  assert.match(stderr, /\[NO_ENTITY\] course Notification/);
});

test("all unknown rules, viewers and keys are reported together", async () => {
  const { code, stderr } = await new Repository()
    .replace(DATA, '"who": "signed in, else null"', '"who": "somebody"')
    .replace(
      DATA,
      '"allowed": ["admin"], "otherwise": "FORBIDDEN"',
      '"allowed": ["root"], "otherwise": "FORBIDDEN"',
    )
    .replace(DATA, '"leadsTo": "unverifiedTeacher"', '"leadTo": "unverifiedTeacher"')
    .permissions();

  assert.equal(code, 2);
  assert.match(stderr, /Query.me: "somebody" is not one of everyone, /);
  assert.match(stderr, /admin, else error: "root" is not one of anonymous, /);
  assert.match(stderr, /Query.unverifiedTeachers: unknown key "leadTo"/);
});

for (const [what, from, to, expected] of [
  ["a word that is none", '"allowed": ["everyone"]', '"allowed": [everyone]', /INVALID_JSON/],
  ["rows that are a list", '"fields": {', '"fields": [], "rows": {', /"fields" must be an object/],
  [
    "a rule that is text",
    '"everyone": {',
    '"new": "x", "everyone": {',
    /new: "new" must be an object/,
  ],
  ["a rule for nobody", ', "allowed": ["everyone"] }', " }", /everyone: "allowed" is missing/],
  [
    "a rule for one",
    '"allowed": ["everyone"]',
    '"allowed": "everyone"',
    /"allowed" must be a list/,
  ],
  ["a type without keys", '"entities": {', '"entity": {', /"entities" is missing/],
  [
    "a row that is null",
    '"Query.me": {',
    '"Query.me": null, "Query.it": {',
    /Query\.me: "Query\.me" must/,
  ],
  [
    "access paths that are text",
    '"through": {',
    '"through": "everyone", "thru": {',
    /"through" must be an object/,
  ],
] as const) {
  test(`an invalid file is reported with the line: ${what}`, async () => {
    const repository = new Repository();
    const line = repository.read(DATA).split(from)[0]?.split("\n").length;

    const { code, stderr } = await repository.replace(DATA, from, to).permissions();

    assert.equal(code, 2, stderr);
    assert.match(stderr, expected);
    assert.match(stderr, new RegExp(`^\\S+permissions\\.json:${line}:\\d+: error`, "m"));
    assert.doesNotMatch(stderr, /UNEXPECTED/);
  });
}

for (const text of ["null", "[]", "3", '{"viewers": {}}', ""]) {
  test(`not a permissions file: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parsePermissions(text, DATA),
      /^Error: docs\/permissions\.json:1.*: error \[INVALID_(FORM|JSON)\]/,
    );
  });
}

test("a rule distinguishes the owner, other users and anonymous viewers", () => {
  const permissions = parsePermissions(readFileSync(join(root, DATA), "utf8"), DATA);
  const of = (rule: string, owner: string) =>
    Object.keys(permissions.viewers).map((viewer) => outcome(permissions, rule, owner, viewer));
  const [no, yes] = ["FORBIDDEN", "allowed"];

  assert.deepEqual(of("owner or admin, else FORBIDDEN", "student"), [no, yes, no, no, no, no, yes]);
  assert.deepEqual(of("owner, else error", "owningTeacher"), [
    "UNAUTHENTICATED",
    no,
    no,
    yes,
    no,
    no,
    no,
  ]);
  assert.deepEqual(of("signed in, else null", ""), ["null", yes, yes, yes, yes, yes, yes]);
});

test("a row that allows more viewers shows on the page", async () => {
  const { stdout } = await new Repository()
    .replace(
      DATA,
      '"User.email": { "subgraph": "identity", "who": "owner or admin, else null"',
      '"User.email": { "subgraph": "identity", "who": "everyone"',
    )
    .permissions();

  assert.match(stdout, /\| `email` \| identity \| everyone;/);
  assert.doesNotMatch(stdout, /\| `identity` \| `_entities` \| `email` \|/);
});
