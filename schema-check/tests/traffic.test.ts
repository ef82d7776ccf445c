// What clients really send, as the router has counted it: in checks, and in `usage`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { buildSchema } from "graphql";
import { idOf } from "../src/operations.ts";
import { schemaUsage } from "../src/schema-usage.ts";
import { mergeTraffic, parseTraffic, recentTraffic, type TrafficRecord } from "../src/traffic.ts";
import { type JsonReport, Repository } from "./repository.ts";
import { run } from "./support.ts";

const HEADER = '{"format":"graphql-usage","version":1}';
const TODAY = new Date().toISOString().slice(0, 10);

function record(of: Partial<TrafficRecord>): TrafficRecord {
  const usual = { day: TODAY, client: "web", version: "1.0", operation: "", id: "", requests: 1 };
  return { ...usual, last: `${of.day ?? TODAY}T12:00:00Z`, uses: [], ...of };
}

const text = (records: readonly TrafficRecord[]): string =>
  [HEADER, ...records.map((each) => JSON.stringify(each)), ""].join("\n");

const MINUTES: [string, string, string] = [
  "catalog.graphql",
  '  "How long."\n  minutes: Int\n',
  "",
];

/** The removal of a field, with this traffic. */
async function removal(
  records: readonly TrafficRecord[],
  ...args: string[]
): Promise<JsonReport["findings"][number] & { code: number; stdout: string }> {
  const repository = new Repository().replace(...MINUTES);
  repository.write("traffic.jsonl", text(records));
  const traffic = ["--traffic", repository.path("traffic.jsonl"), ...args];
  const { code, findings } = await repository.report("--against", "HEAD", ...traffic);
  const { stdout } = await repository.check("--against", "HEAD", ...traffic);
  const [finding] = findings.filter(({ kind }) => kind === "FIELD_REMOVED");
  assert.ok(finding);
  return { ...finding, code, stdout };
}

function searchId(): string {
  return idOf(new Repository().read("operations/Search.graphql"));
}

test("a break is one if a client has used it, and the report names the clients", async () => {
  const id = searchId();
  const { code, severity, stdout } = await removal([
    record({ id, operation: "Search", client: "ios", version: "3.1", requests: 40 }),
    record({ id, operation: "Search", requests: 1200 }),
    record({ id, operation: "Search", requests: 34, version: "0.9" }),
  ]);

  assert.deepEqual([code, severity], [1, "error"]);
  assert.match(
    stdout,
    /used by Search \(from web 1\.0 \(1,200 requests\), ios 3\.1 \(40 requests\), web 0\.9 \(34 requests\)\)/,
  );
});

test("a document that nobody has sent is not in use", async () => {
  const { code, severity, affected } = await removal([record({ operation: "BookPage" })]);

  assert.deepEqual([code, severity, affected], [0, "warning", []]);
});

test("a document counts by its name when its text has another id", async () => {
  const { severity } = await removal([record({ operation: "Search", id: "f".repeat(64) })]);

  assert.equal(severity, "error");
});

test("the number of days, of requests, and their share decide", async () => {
  const day = new Date(Date.now() - 40 * 86_400_000).toISOString().slice(0, 10);
  const old = [record({ id: searchId(), operation: "Search", day, requests: 10 })];
  const severity = async (records: TrafficRecord[], ...args: string[]) =>
    (await removal(records, ...args)).severity;

  assert.equal(await severity(old), "warning");
  assert.equal(await severity(old, "--traffic-days", "60"), "error");
  const now = [
    record({ id: searchId(), operation: "Search", requests: 10 }),
    record({ operation: "BookPage", requests: 990 }),
  ];
  assert.equal(await severity(now, "--traffic-min", "10"), "error");
  assert.equal(await severity(now, "--traffic-min", "11"), "warning");
  assert.equal(await severity(now, "--traffic-percent", "1"), "error");
  assert.equal(await severity(now, "--traffic-percent", "1.1"), "warning");
});

test("a document that is not stored is affected by what it uses", async () => {
  const { code, affected, stdout } = await removal([
    record({
      operation: "AdHoc",
      id: "a1",
      client: "partner",
      uses: ["Query.search", "Query.search(text:)", "Film.minutes"],
    }),
    record({ operation: "Other", id: "a2", client: "partner", uses: ["Query.today", "Book.id"] }),
  ]);

  assert.equal(code, 1);
  assert.deepEqual(
    affected.map(({ name }) => name),
    ["AdHoc"],
  );
  assert.match(stdout, /used by AdHoc \(from partner 1\.0 \(1 request\)\)/);
});

test("the counts of several routers are added up", async () => {
  const one = record({ id: "a", requests: 3, last: `${TODAY}T01:00:00Z`, uses: ["A.b"] });
  const other = record({ id: "a", requests: 4, last: `${TODAY}T02:00:00Z`, uses: ["A.c"] });

  assert.deepEqual(mergeTraffic([one, other, record({ id: "b" })]), [
    { ...one, requests: 7, last: other.last, uses: ["A.b", "A.c"] },
    record({ id: "b" }),
  ]);

  const repository = new Repository().write("traffic/one.jsonl", text([one]));
  repository.write("traffic/other.jsonl", text([other]));
  const { stdout } = await run(
    ...["usage", "--traffic", repository.path("traffic"), "--format", "json"],
    ...["--config", repository.path("supergraph.yaml")],
  );
  assert.equal(JSON.parse(stdout).requests, 7);
});

test("the days are counted from today", () => {
  const days = ["2026-11-01", "2026-11-02", "2026-11-30", "2026-12-01"];
  const records = days.map((day) => record({ day }));

  const recent = recentTraffic(records, "2026-11-30", 29).map(({ day }) => day);

  assert.deepEqual(recent, ["2026-11-02", "2026-11-30"]);
});

for (const [what, lines, expected] of [
  ["no header", ["{}"], /traffic\.jsonl:1: .*INVALID_TRAFFIC.*first line/],
  ["another version", ['{"format":"graphql-usage","version":2}'], /traffic\.jsonl:1: /],
  ["a record that is none", [HEADER, "", "[]"], /traffic\.jsonl:3: .*INVALID_TRAFFIC/],
  ["a negative count", [HEADER, JSON.stringify(record({ requests: -1 }))], /traffic\.jsonl:2: /],
  ["no JSON", [HEADER, "{"], /traffic\.jsonl:2: /],
] as const) {
  test(`a file with ${what} is refused at its line`, async () => {
    const repository = new Repository().write("traffic.jsonl", lines.join("\n"));
    const traffic = ["--traffic", repository.path("traffic.jsonl")];

    const { code, stderr } = await repository.check("--against", "HEAD", ...traffic);

    assert.equal(code, 2);
    assert.match(stderr, expected);
    assert.throws(() => parseTraffic(lines.join("\n"), "a"));
  });
}

// What is used of the graph.

const SCHEMA = buildSchema(`
  type Query { a(x: Int, y: Int): A b: Int @deprecated(reason: "Use \`a\`.") node: Node }
  interface Node { id: ID }
  type A implements Node { id: ID name: String old: Int @deprecated(reason: "Nobody counts.") }
  type Unused { z(w: Int): Int }
  input In { used: Int unused: Int }
  enum E { ONE TWO }
`);

test("what nobody has used, and what is deprecated and still used, by whom", () => {
  const uses = ["Query.a", "Query.a(x:)", "Query.b", "Query.node", "Node.id", "In.used", "E.ONE"];
  const usage = schemaUsage(
    SCHEMA,
    [
      record({ uses, requests: 5 }),
      record({ uses: ["Query.b"], client: "ios", version: "2", requests: 7 }),
    ],
    30,
  );

  assert.deepEqual(usage.unused, [
    "A.name",
    "A.old",
    "E.TWO",
    "In.unused",
    "Query.a(y:)",
    "Unused",
  ]);
  assert.deepEqual(
    usage.deprecated.map(({ coordinate, requests, clients }) => [
      coordinate,
      requests,
      clients.map(({ client }) => client),
    ]),
    [["Query.b", 12, ["ios", "web"]]],
  );
  assert.equal(usage.requests, 12);
});

test("as text, Markdown and JSON", async () => {
  const repository = new Repository();
  const records = [record({ uses: ["Query.today", "Book.oldPrice"], client: "a|b <c>" })];
  repository.write("traffic.jsonl", text(records));
  const usage = async (format: string) => {
    const { code, stdout, stderr } = await run(
      ...["usage", "--traffic", repository.path("traffic.jsonl"), "--format", format],
      ...["--config", repository.path("supergraph.yaml")],
    );
    assert.equal(code, 0, stderr);
    return stdout;
  };

  assert.match(await usage("terminal"), /Book\.oldPrice: 1 request from a\|b <c> 1\.0/);
  assert.match(await usage("markdown"), /\| `Book\.oldPrice` \| 1 \| a\\\|b &lt;c> 1\.0/);
  const { unused } = JSON.parse(await usage("json"));
  assert.ok(
    unused.includes("Film") && unused.includes("Query.author") && !unused.includes("Query.today"),
  );
  assert.equal((await run("usage")).code, 2);
});

test("a recorded day of two routers and three clients", async () => {
  const repository = new Repository();
  const { stdout, code } = await run(
    ...[
      "usage",
      "--traffic",
      repository.path("usage"),
      "--today",
      "2026-11-30",
      "--format",
      "json",
    ],
    ...["--config", repository.path("supergraph.yaml")],
  );
  const { requests, deprecated, unused } = JSON.parse(stdout);

  assert.equal(code, 0);
  assert.equal(requests, 8120 + 5310 + 902 + 17 + 214 + 1980 + 66 + 7901 + 2043 + 3 + 480 + 12);
  assert.deepEqual(deprecated, [
    {
      coordinate: "Book.oldPrice",
      reason: "Use `price`.",
      requests: 480,
      clients: [{ client: "partner", version: "", requests: 480, last: "2026-11-29T23:00:00Z" }],
    },
  ]);
  for (const coordinate of ["Gift", "Book.subtitle", "Query.books(genres:)", "Wrap.BOX"]) {
    assert.ok(unused.includes(coordinate), coordinate);
  }
  for (const coordinate of [
    "Film.minutes",
    "Book.title",
    "Film.id",
    "Book.isbn",
    "Receipt.total",
  ]) {
    assert.ok(!unused.includes(coordinate), coordinate);
  }
  const days = ["--days", "1", "--today", "2026-11-30"];
  const none = await run(
    "usage",
    "--traffic",
    repository.path("usage"),
    ...days,
    "--config",
    repository.path("supergraph.yaml"),
  );
  assert.match(none.stdout, /0 requests in 1 day/);
});
