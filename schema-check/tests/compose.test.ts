import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { buildSchema } from "graphql";
import { Copy, fixtures, run } from "./support.ts";

async function composed(copy: Copy): Promise<{ supergraph: string; api: string }> {
  const { code, stderr } = await run(
    ...["compose", "--config", copy.config],
    ...["--out", copy.path("out/supergraph"), "--api-out", copy.path("out/api")],
  );
  assert.equal(code, 0, stderr);
  return { supergraph: copy.read("out/supergraph"), api: copy.read("out/api") };
}

test("five subgraphs compose to a supergraph and an API schema", async () => {
  const { supergraph, api } = await composed(new Copy());

  assert.match(
    supergraph,
    /COURSE @join__graph\(name: "course", url: "http:\/\/127.0.0.1:8002\/graphql"\)/,
  );
  assert.match(supergraph, /@join__field\(graph: ENROLLMENT, requires: "teacher\{id\}"\)/);
  assert.doesNotMatch(api, /join__|@link|_entities|_service/);
  assert.ok(buildSchema(api).getType("Course"));
});

test("descriptions reach both", async () => {
  const { supergraph, api } = await composed(new Copy());

  assert.match(supergraph, /"""Null when that account is gone."""/);
  assert.match(api, /"""Null when that account is gone."""/);
});

test("the order of the subgraphs and of their definitions changes no byte", async () => {
  const shuffled = new Copy();
  const [head = "", ...entries] = shuffled.read("supergraph.yaml").split(/^(?= {2}\w)/m);
  shuffled.write("supergraph.yaml", [head, ...entries.reverse()].join(""));
  const [link = "", ...definitions] = shuffled.read("course.graphql").split(/\n\n+/);
  shuffled.write("course.graphql", [link, ...definitions.reverse()].join("\n\n"));

  assert.deepEqual(await composed(shuffled), await composed(new Copy()));
});

test("without a file to write, the supergraph is printed", async () => {
  const { code, stdout } = await run("compose", "--config", join(fixtures, "supergraph.yaml"));

  assert.equal(code, 0);
  assert.match(stdout, /enum join__Graph/);
});

test("--check passes fresh files, and says how to regenerate stale ones", async () => {
  const copy = new Copy();
  await composed(copy);
  const args = [
    "compose",
    "--config",
    copy.config,
    "--out",
    copy.path("out/supergraph"),
    "--check",
  ];
  assert.equal((await run(...args)).code, 0);

  copy.replace("course.graphql", "What a teacher offers.", "What a teacher sells.");
  const { code, stderr } = await run(...args);

  assert.equal(code, 1);
  assert.match(stderr, /cargo xtask generate/);
  assert.match(copy.read("out/supergraph"), /What a teacher offers/);
});

test("a graph that does not compose: subgraph, field, code, file and line", async () => {
  const copy = new Copy().replace(
    "enrollment.graphql",
    "teacher: User @external",
    "teacher: User @external\n  title: String!",
  );

  const { code, stderr } = await run("compose", "--config", copy.config);

  assert.equal(code, 1);
  assert.match(
    stderr,
    /\.graphql:\d+:\d+: error \[INVALID_FIELD_SHARING\] course, enrollment Course\.title: /,
  );
});

test("a broken @requires names its own line", async () => {
  const copy = new Copy().replace("enrollment.graphql", '"teacher { id }"', '"teacher { nmae }"');
  const lines = copy.read("enrollment.graphql").split("\n");
  const line = lines.findIndex((text) => text.includes("nmae")) + 1;

  const { code, stderr } = await run("compose", "--config", copy.config);

  assert.equal(code, 1);
  assert.match(
    stderr,
    new RegExp(`enrollment\\.graphql:${line}:\\d+: error \\[REQUIRES_INVALID_FIELDS\\] enrollment`),
  );
});

test("a missing type: the field that refers to it, and its line", async () => {
  const copy = new Copy().replace(
    "enrollment.graphql",
    "teacher: User @external",
    "teacher: Usr @external",
  );

  const { code, stderr } = await run("compose", "--config", copy.config);

  assert.equal(code, 1);
  assert.match(
    stderr,
    /enrollment\.graphql:\d+:\d+: error \[INVALID_GRAPHQL\] enrollment Course\.teacher: Unknown type Usr/,
  );
});

test("a directive with two different definitions: its line", async () => {
  const copy = new Copy();
  for (const name of ["identity", "course", "enrollment", "payment", "notification"]) {
    const type = name === "course" ? "String" : "Int";
    const file = `${name}.graphql`;
    copy.write(
      file,
      `${copy.read(file)}
directive @skip(if: ${type}!) on FIELD
`,
    );
  }

  const { code, stderr } = await run("compose", "--config", copy.config);

  assert.equal(code, 1);
  assert.match(stderr, /\.graphql:\d+:\d+: error \[FIELD_ARGUMENT_TYPE_MISMATCH\].*@skip/);
});

test("a syntax error, with file, line and column", async () => {
  const copy = new Copy().write("payment.graphql", "type Query {\n  payment(id ID!): Int\n}\n");

  const { code, stderr } = await run("compose", "--config", copy.config);

  assert.equal(code, 2);
  assert.match(stderr, /payment\.graphql:2:14: error \[SYNTAX_ERROR\] payment: /);
});

test("every missing file is reported, with the line that refers to it", async () => {
  const copy = new Copy();
  for (const file of ["course.graphql", "payment.graphql"]) rmSync(copy.path(file));

  const { code, stderr } = await run("compose", "--config", copy.config);

  assert.equal(code, 2);
  assert.match(stderr, /supergraph\.yaml:10:7: error \[FILE_UNREADABLE\].*course\.graphql.*ENOENT/);
  assert.match(stderr, /supergraph\.yaml:18:7: error \[FILE_UNREADABLE\].*payment\.graphql/);
});

test("two subgraphs with the same name", async () => {
  const copy = new Copy().replace("supergraph.yaml", "  payment:", "  course:");

  const { code, stderr } = await run("compose", "--config", copy.config);

  assert.equal(code, 2);
  assert.match(stderr, /supergraph\.yaml:15:3: error \[DUPLICATE_NAME\]/);
});

for (const [what, text] of [
  ["is empty", ""],
  ["is no mapping", "- identity\n"],
  ["is broken YAML", "subgraphs: {identity: [\n"],
  ["has an entry without schema", "subgraphs:\n  identity:\n    routing_url: http://localhost\n"],
  ["has an entry without settings", "subgraphs:\n  identity:\n"],
  ["has a schema of no known kind", "subgraphs:\n  identity:\n    schema:\n      graphref: a@b\n"],
  [
    "has a version of federation that is no longer supported",
    "federation_version: 1\nsubgraphs: {}\n",
  ],
  ["has a file that is no text", "subgraphs:\n  identity:\n    schema:\n      file: [1]\n"],
] as const) {
  test(`a configuration that ${what}`, async () => {
    const copy = new Copy().write("supergraph.yaml", text);

    const { code, stderr } = await run("compose", "--config", copy.config);

    assert.equal(code, 2);
    assert.match(stderr, /supergraph\.yaml:\d+:\d+: error \[INVALID_(CONFIG|YAML)\]/);
  });
}

test("a missing configuration", async () => {
  const { code, stderr } = await run("compose", "--config", "no/such.yaml");

  assert.equal(code, 2);
  assert.match(stderr, /no\/such\.yaml: error \[FILE_UNREADABLE\]/);
});

test("an unknown command or option is a usage error", async () => {
  assert.equal((await run("comopse")).code, 2);
  assert.equal((await run("toString")).code, 2);
  assert.equal((await run("compose", "--frobnicate")).code, 2);
  assert.equal((await run("compose", "--check")).code, 2);
});

/** Starts a server that responds with `answer`, and passes its URL to the test. */
async function withSubgraph(answer: string, use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((_, response) => response.end(answer));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function askingAt(url: string): Copy {
  return new Copy().replace("supergraph.yaml", "file: course.graphql", `subgraph_url: ${url}`);
}

test("the schema is fetched from a running subgraph", async () => {
  const sdl = new Copy().read("course.graphql");
  await withSubgraph(JSON.stringify({ data: { _service: { sdl } } }), async (url) => {
    assert.deepEqual(await composed(askingAt(url)), await composed(new Copy()));
  });
});

test("a URL that responds with something else, or not at all", async () => {
  let gone = "";
  await withSubgraph("<html>", async (url) => {
    gone = url;
    const { code, stderr } = await run("compose", "--config", askingAt(url).config);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /supergraph\.yaml:\d+:\d+: error \[SUBGRAPH_UNREACHABLE\] course: .*no subgraph SDL/,
    );
  });

  const { code, stderr } = await run("compose", "--config", askingAt(gone).config);
  assert.equal(code, 2);
  assert.match(stderr, /is unreachable \(ECONNREFUSED\)/);
});

test("plain node runs it from any folder", () => {
  const bin = join(import.meta.dirname, "..", "bin", "lyceum-schema.js");
  const config = join(fixtures, "supergraph.yaml");

  const stdout = execFileSync(process.execPath, [bin, "compose", "--config", config], {
    cwd: tmpdir(),
    encoding: "utf8",
  });

  assert.match(stdout, /enum join__Graph/);
});

// Rover's other forms.

test("a schema in the configuration itself composes, and errors have its lines", async () => {
  const copy = new Copy();
  const schema = (type: string) => `type Query {\n          a: ${type}\n        }\n`;
  const config = (type: string) =>
    `subgraphs:\n  one:\n    routing_url: http://one\n    schema:\n      sdl: |\n        ${schema(type)}`;
  const compose = () => run("compose", "--config", copy.config);

  copy.write("supergraph.yaml", config("Int"));
  assert.match((await compose()).stdout, /a: Int/);

  copy.write("supergraph.yaml", config("Nowhere"));
  assert.match((await compose()).stderr, /supergraph\.yaml:7:\d+: error/);

  copy.write("supergraph.yaml", config("("));
  assert.match((await compose()).stderr, /supergraph\.yaml:7:\d+: error \[SYNTAX_ERROR\]/);
});

const variable = (name: string) => `$\{env.${name}}`;

test("variables of the environment", async () => {
  const copy = new Copy();
  copy.replace("supergraph.yaml", "course.graphql", `${variable("LYCEUM_TEST_NAME")}.graphql`);
  copy.replace(
    "supergraph.yaml",
    "payment.graphql",
    `${variable("LYCEUM_TEST_NONE:-payment")}.graphql`,
  );

  const { code, stderr } = await run("compose", "--config", copy.config);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /supergraph\.yaml:\d+:\d+: error \[INVALID_CONFIG\].*LYCEUM_TEST_NAME is not set/,
  );

  process.env.LYCEUM_TEST_NAME = "course";
  try {
    assert.deepEqual(await composed(copy), await composed(new Copy()));
  } finally {
    delete process.env.LYCEUM_TEST_NAME;
  }
});

for (const [what, schema, expected] of [
  [
    "graphref",
    "graphref: mine@current",
    /:6:\d+:.*`graphref` is not supported.*rover subgraph fetch mine@current/,
  ],
  ["a key that nobody knows", "flie: a.graphql", /:6:\d+:.*unknown key `flie`.*expected `file`/],
  ["two sources", "file: a.graphql\n      sdl: a", /:6:\d+:.*needs one of/],
  [
    "headers without a URL",
    "file: a.graphql\n      introspection_headers: { a: b }",
    /:7:\d+:.*belong to/,
  ],
] as const) {
  test(`a schema with ${what} is refused at its line`, async () => {
    const config = `federation_version: 2\nsubgraphs:\n  one:\n    routing_url: http://one\n    schema:\n      ${schema}\n`;
    const copy = new Copy().write("supergraph.yaml", config);

    const { code, stderr } = await run("compose", "--config", copy.config);

    assert.equal(code, 2);
    assert.match(stderr, expected);
  });
}

test("introspection_headers are sent", async () => {
  const sdl = new Copy().read("course.graphql");
  const server = createServer((request, response) => {
    const isKnown = request.headers.authorization === "Bearer secret";
    response.end(JSON.stringify({ data: isKnown ? { _service: { sdl } } : null }));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    const copy = askingAt(url);
    const headers = `${url}\n      introspection_headers:\n        Authorization: Bearer secret`;
    copy.replace("supergraph.yaml", url, headers);

    assert.deepEqual(await composed(copy), await composed(new Copy()));
    assert.equal((await run("compose", "--config", askingAt(url).config)).code, 2);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
