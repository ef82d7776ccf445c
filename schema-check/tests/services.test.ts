// The documents that services send: to subgraphs, without the router, and to the router.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { parse } from "graphql";
import { loadOperations, ROUTER } from "../src/operations.ts";
import { subgraphSchema } from "../src/receivers.ts";
import { loadSubgraphs } from "../src/subgraphs.ts";
import { Repository } from "./repository.ts";
import { run } from "./support.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const OPERATIONS = join(ROOT, "operations");

/** What each finding is about, with the affected operations. */
type Found = [severity: string, id: string, affected: string[]][];

async function found(repository: Repository, ...args: string[]): Promise<Found> {
  const { findings } = await repository.report("--against", "HEAD", ...args);
  return findings.map(({ severity, kind, path, affected }) => [
    severity,
    `${kind} ${path}`,
    affected.map(({ name }) => name).sort(),
  ]);
}

// Our own graph.

function ownGraph(): Repository {
  const schemas = readdirSync(join(ROOT, "subgraphs")).map((name) => `${name}/schema.graphql`);
  const paths = ["supergraph.yaml", "operations", "docs/permissions.json"];
  const all = [...paths, ...schemas.map((file) => `subgraphs/${file}`)];
  return new Repository({ root: ROOT, paths: all }).write("rules.yaml", "rules: {}\n");
}

test("a field that only services select: its removal breaks them", async () => {
  const repository = ownGraph();
  const field = / {2}"""The student who paid[^"]*"""\n {2}student: User\n/;
  const schema = "subgraphs/payment/schema.graphql";
  repository.replace(schema, field.exec(repository.read(schema))?.[0] ?? "?", "");
  const row = '    "Payment.student": { "subgraph": "payment", "who": "as the object" },\n';
  repository.replace("docs/permissions.json", row, "");

  const { code, stdout } = await repository.check("--against", "HEAD");

  assert.equal(code, 1);
  assert.match(stdout, /✗ breaking FIELD_REMOVED Payment\.student/);
  assert.match(
    stdout,
    /used by .*PaymentToEnroll \(sent by enrollment: .*operations\/services\/enrollment\/payment\/PaymentToEnroll\.graphql\)/,
  );
  assert.match(stdout, /INVALID_OPERATION PaymentToEnroll: Cannot query field "student"/);
  assert.match(stdout, /PaymentToEnroll\.graphql:6:5/);
});

test("every service's document is one operation, named as its file, for a receiver that there is", async () => {
  const receivers = [ROUTER, ...(await loadSubgraphs(join(ROOT, "supergraph.yaml"))).map(nameOf)];
  const documents = loadOperations(OPERATIONS).filter(({ service }) => service);

  assert.ok(documents.length >= 8);
  for (const { name, service, location } of documents) {
    assert.ok(location.file.endsWith(`/${name}.graphql`), location.file);
    assert.ok(receivers.includes(service?.receiver ?? ""), location.file);
  }
});

const nameOf = ({ name }: { name: string }): string => name;

/** The Rust files of each service, without their unit tests, by its name. */
function sources(): Map<string, Map<string, string>> {
  const folders = readdirSync(join(ROOT, "subgraphs")).map((name) => [name, `subgraphs/${name}`]);
  return new Map(
    [...folders, ["lyceum", "lyceum"]].map(([name = "", folder = ""]) => {
      const source = join(ROOT, folder, "src");
      const files = readdirSync(source, { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".rs"))
        .map((file): [string, string] => {
          const text = readFileSync(join(source, file), "utf8");
          return [`${folder}/src/${file}`, text.split(/^#\[cfg\(test\)\]\nmod /m)[0] ?? ""];
        });
      return [name, new Map(files)];
    }),
  );
}

/** Whether a string in the code begins an operation. */
function hasDocument(code: string): boolean {
  return [...code.matchAll(TOKEN)].some(([token]) => OPERATION.test(token));
}

/** A string, or what may contain a quote that begins none: a comment, a character. */
const TOKEN = /r(#*)"[\s\S]*?"\1|"(?:\\[\s\S]|[^"\\])*"|\/\/.*|'(?:\\.|[^'\\])'/g;
const OPERATION = /^r?#*"[\s\\]*((query|mutation|subscription)\b[^"{]*\{|\{+\s*\w+[^"{}]*\{)/;

test("services have no documents in strings, so that this check knows all of them", () => {
  for (const text of [
    '"query ($id: ID!) { course(id: $id) { title } }"',
    'r#"\n    mutation A { publish { id } }"#',
    'format!("query {{ {field} }}")',
    '"{ courses { title } }"',
    'format!("{{ payments(first: 1) {{ nodes }} }}")',
  ]) {
    assert.ok(hasDocument(text), text);
  }
  for (const text of [
    '"{rows} of {name}"',
    '"query failed"',
    '"the mutation of {name}"',
    'if name == "requests" { match other { _ => {} } }',
    "if letter == '\"' { query { } }",
  ]) {
    assert.ok(!hasDocument(text), text);
  }
  const found = [...sources().values()].flatMap((files) =>
    [...files].filter(([, text]) => hasDocument(text)).map(([file]) => file),
  );
  assert.deepEqual(found, []);
});

test("each service includes the documents in its folder, and no other's", () => {
  const included = [...sources()].flatMap(([service, files]) =>
    [...files.values()].flatMap((text) =>
      [...text.matchAll(/include_str!\(\s*"[./]*operations\/([^"]+)"/g)].map(
        ([, file]) => `${service}: ${file}`,
      ),
    ),
  );
  const written = loadOperations(OPERATIONS).flatMap(({ service, location: { file } }) =>
    service ? `${service.sender}: ${relative(OPERATIONS, file)}` : [],
  );

  assert.deepEqual(included.sort(), written.sort());
});

// A small graph, in which orders ask the catalog.

const FILE = "operations/services/stock/catalog/BookToOrder.graphql";
const BOOK = "query BookToOrder($id: ID!) { item(id: $id) { ... on Book { oldPrice } } }";
const OLD_PRICE = '  "Its former price."\n  oldPrice: Int @deprecated(reason: "Use `price`.")\n';

const withService = (text = BOOK, file = FILE) =>
  new Repository().write(file, text).commit("A service");

test("clients do not send them: they are in no manifest, and nobody plans them", async () => {
  const repository = withService();

  const { stdout } = await run("manifest", "--operations", repository.path("operations"));
  const planner = ["--lyceum", repository.planner()];
  const { plans, operations } = await repository.report("--against", "HEAD", ...planner);

  assert.equal(JSON.parse(stdout).operations.length, 9);
  assert.equal(operations, 10);
  assert.equal(plans.length, 9);
});

test("the report says who sends it", async () => {
  const repository = withService().replace("catalog.graphql", OLD_PRICE, "");

  const { findings } = await repository.report("--against", "HEAD");

  const [operation] = findings[0]?.affected ?? [];
  assert.deepEqual([operation?.sender, operation?.receiver], ["stock", "catalog"]);
});

test("its approved removal leaves a warning, and can be merged", async () => {
  const repository = withService().replace("catalog.graphql", OLD_PRICE, "");
  assert.equal((await repository.approve("FIELD_REMOVED Book.oldPrice", "Gone.")).code, 0);

  assert.deepEqual(await found(repository), [
    ["note", "FIELD_REMOVED Book.oldPrice", ["BookToOrder"]],
    ["warning", "INVALID_OPERATION BookToOrder", ["BookToOrder"]],
  ]);
});

test("a field that moves to another subgraph: the router finds it, a service does not", async () => {
  const repository = withService().replace("catalog.graphql", OLD_PRICE, "");
  repository.replace("stock.graphql", '  "What it costs."\n', `${OLD_PRICE}  "What it costs."\n`);

  const { code, findings } = await repository.report("--against", "HEAD");

  assert.equal(code, 1);
  assert.deepEqual(
    findings.map(({ severity, kind, path, subgraph }) => [severity, kind, path, subgraph]),
    [
      ["error", "FIELD_REMOVED", "Book.oldPrice", "catalog"],
      ["error", "INVALID_OPERATION", "BookToOrder", undefined],
    ],
  );
  assert.match(findings[0]?.location?.file ?? "", /catalog\.graphql$/);

  await repository.approve("FIELD_REMOVED Book.oldPrice", "Orders ask the stock.");
  assert.equal((await repository.report("--against", "HEAD")).code, 0);
});

test("a field that clients can no longer see: a service still can", async () => {
  const repository = withService();
  repository.replace("catalog.graphql", "oldPrice: Int @d", "oldPrice: Int @inaccessible @d");

  assert.deepEqual(await found(repository), [["warning", "FIELD_REMOVED Book.oldPrice", []]]);

  repository.commit("Hidden").replace("catalog.graphql", "oldPrice: Int", "oldPrice: String");
  assert.deepEqual(await found(repository), [
    ["error", "FIELD_TYPE_CHANGED Book.oldPrice", ["BookToOrder"]],
  ]);
});

test("a service may ask for entities, as the router does", async () => {
  const text = `query BooksToOrder($keys: [_Any!]!) {
    _entities(representations: $keys) { ... on Book { shelf } }
  }`;
  const repository = withService(text);
  assert.deepEqual(await found(repository), []);

  repository.replace("catalog.graphql", '  "Where it stands."\n  shelf: String\n', "");
  assert.deepEqual(
    (await found(repository)).map(([severity, id]) => `${severity} ${id}`),
    [
      "error FIELD_REMOVED Book.shelf",
      "error INVALID_OPERATION AuthorPage",
      "error INVALID_OPERATION BooksToOrder",
    ],
  );
});

test("less access for the viewer on whose behalf a service asks", async () => {
  const repository = withService(`# Viewer: reader\n${BOOK.replace("oldPrice", "remark")}`);
  const remark = '"Book.remark": { "subgraph": "catalog", "who": "librarian" }';
  const everyone = remark.replace("librarian", "everyone");
  repository.replace("docs/permissions.json", remark, everyone).commit("For everyone");
  repository.replace("docs/permissions.json", everyone, remark);

  assert.deepEqual(await found(repository), [
    ["error", "ACCESS_NARROWED Book.remark", ["BookToOrder"]],
  ]);
});

test("a document that was removed: services that are deployed still send it", async () => {
  const repository = withService().replace("catalog.graphql", OLD_PRICE, "");
  rmSync(repository.path(FILE));

  const { findings } = await repository.report("--against", "HEAD");

  assert.deepEqual(
    findings.map(({ severity, affected }) => [severity, affected[0]?.asOf]),
    [
      ["error", "HEAD"],
      ["error", "HEAD"],
    ],
  );
});

test("a service may ask the router, and is checked like a client", async () => {
  const file = "operations/services/stock/router/BookToOrder.graphql";
  const repository = withService(BOOK.replace("oldPrice", "price"), file);
  assert.deepEqual(await found(repository), []);

  repository.replace("stock.graphql", '  "What it costs."\n  price: Int\n', "");
  const [[, id, affected = []] = []] = await found(repository);
  assert.equal(id, "FIELD_REMOVED Book.price");
  assert.ok(affected.includes("BookToOrder"));
});

test("a receiver that there is not", async () => {
  const file = "operations/services/stock/catalogue/BookToOrder.graphql";

  const [finding] = (await withService(BOOK, file).report("--against", "HEAD")).findings;

  assert.equal(finding?.severity, "error");
  assert.equal(finding?.message, 'There is no subgraph "catalogue".');
});

test("a file in the wrong place: cannot run", async () => {
  for (const file of ["services/BookToOrder.graphql", "services/stock/BookToOrder.graphql"]) {
    const { code, stderr } = await withService(BOOK, `operations/${file}`).check();

    assert.equal(code, 2);
    assert.match(stderr, /BookToOrder\.graphql:1: error \[MISPLACED_OPERATION\].*SENDER\/RECEIVER/);
  }
});

test("against a file without subgraphs, what changes for clients counts for services", async () => {
  const repository = withService();
  const { stdout } = await run("compose", "--config", repository.path("supergraph.yaml"));
  repository.write("former.graphql", stdout).replace("catalog.graphql", OLD_PRICE, "");

  const { findings } = await repository.report("--against", repository.path("former.graphql"));

  assert.deepEqual(
    findings.map(({ severity, kind }) => `${severity} ${kind}`),
    ["error FIELD_REMOVED", "error INVALID_OPERATION"],
  );
});

// Schemas of subgraphs.

const schemaOf = (sdl: string) => subgraphSchema(parse(sdl));

test("a subgraph that only extends others' types, in the form of the first federation", () => {
  const schema = schemaOf(`
    extend type Query { "Books." books: [Book] }
    extend type Book @key(fields: "id") { id: ID @external }
    extend type Book { price: Int }
  `);

  const fields = Object.keys(schema.getQueryType()?.getFields() ?? {});
  assert.deepEqual(fields.sort(), ["_entities", "_service", "books"]);
  assert.deepEqual(Object.keys(fieldsOf(schema, "Book")), ["id", "price"]);
});

test("a subgraph without a query, with directives whose types federation knows", () => {
  const schema = schemaOf(`
    directive @key(fields: federation__FieldSet!) on OBJECT
    directive @upper on FIELD
    type Book @key(fields: "id", resolvable: false) { id: ID }
  `);

  assert.deepEqual(Object.keys(schema.getQueryType()?.getFields() ?? {}), ["_service"]);
  assert.ok(schema.getDirective("upper"));
});

test("a query type of another name", () => {
  const schema = schemaOf("schema { query: Root } type Root { a: Int }");

  assert.deepEqual(Object.keys(fieldsOf(schema, "Root")), ["a", "_service"]);
});

function fieldsOf(schema: ReturnType<typeof schemaOf>, name: string): object {
  const type = schema.getType(name);
  return type && "getFields" in type ? type.getFields() : {};
}
