import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { test } from "node:test";
import { graphqlSync, parse } from "graphql";
import { apiSchema, compose } from "../src/composition.ts";
import { loadSubgraphs } from "../src/subgraphs.ts";
import { Repository } from "./repository.ts";

const REMOVED: [string, string, string] = [
  "catalog.graphql",
  '  "How long."\n  minutes: Int\n',
  "",
];

test("a breaking change: what, which operations, where, and exit code 1", async () => {
  const repository = new Repository().replace(...REMOVED);

  const { code, stdout } = await repository.check("--against", "HEAD");

  assert.equal(code, 1);
  assert.match(
    stdout,
    /✗ breaking FIELD_REMOVED Film\.minutes: .*\n.*catalog\.graphql:\d+:\d+\n +used by Search/,
  );
  assert.match(stdout, /INVALID_OPERATION Search: .*\n.*Search\.graphql:10:7/);
  assert.match(stdout, /Failed: 2 errors/);
});

test("a removal is located in the subgraph that had it, not in another one with the same type", async () => {
  const removed = "FIELD_REMOVED Author.born";
  const repository = new Repository().replace("people.graphql", '  "When."\n  born: Int\n', "");

  assert.match(await locationOf(removed, repository), /people\.graphql:13$/);

  // The type was removed there, too, and only another subgraph refers to it.
  repository.write("people.graphql", repository.read("people.graphql").replace(AUTHOR, ""));
  repository.replace(
    "people.graphql",
    '  "An author."\n  author("Which one." id: ID!): Author\n',
    "  a: Int\n",
  );
  repository.replace(
    "catalog.graphql",
    ', resolvable: false) {\n  "Names them."',
    ') {\n  "Names them."',
  );
  repository.replace("catalog.graphql", "name: String! @external", "name: String!");
  repository.replace("catalog.graphql", ' @provides(fields: "name")', "");

  assert.match(await locationOf(removed, repository), /people\.graphql:undefined$/);
});

const AUTHOR = /"Who writes\."\ntype Author[^}]*\}\n/;

async function locationOf(change: string, repository: Repository): Promise<string> {
  const { findings } = await repository.report("--against", "HEAD");
  const location = findings.find(({ kind, path }) => `${kind} ${path}` === change)?.location;
  return `${location?.file}:${location?.line}`;
}

// The baseline.

test("without a ref, on the main branch: the previous commit", async () => {
  const repository = new Repository().replace(...REMOVED).commit("Films have no length");

  const { code, against } = await repository.report();

  assert.equal(code, 1);
  assert.match(against ?? "", /^HEAD~1 /);
});

test("without a ref, on another branch: the main branch", async () => {
  const repository = new Repository();
  repository.git("switch", "--quiet", "--create", "shorter");
  repository
    .replace(...REMOVED)
    .commit("Films have no length")
    .commit("And more");

  const { code, against } = await repository.report();

  assert.equal(code, 1);
  assert.match(against ?? "", /^main /);
});

test("later commits on the main branch are not changes of the branch", async () => {
  const repository = new Repository();
  repository.git("switch", "--quiet", "--create", "shorter");
  repository.replace(...REMOVED).commit("Films have no length");
  repository.git("switch", "--quiet", "main");
  const [start] = repository.git("rev-parse", "HEAD").split("\n");
  // The branch does not have this field: compared with the tip it would be removed.
  repository.replace(
    "catalog.graphql",
    "  subtitle: String\n",
    "  subtitle: String\n  isbn: Int\n",
  );
  repository.commit("Books have a number");
  repository.git("switch", "--quiet", "shorter");

  for (const args of [[], ["--against", "main"]]) {
    const { against, findings } = await repository.report(...args);

    assert.equal(against, `main (merge base ${start?.slice(0, 10)})`);
    assert.deepEqual(
      findings.filter(({ section }) => section === "changes").map(({ path }) => path),
      ["Film.minutes"],
    );
  }
});

test("a branch without a common ancestor", async () => {
  const repository = new Repository();
  repository.git("switch", "--quiet", "--orphan", "other");
  repository.git("commit", "--quiet", "--allow-empty", "-m", "Another beginning");
  repository.git("checkout", "--quiet", "main");

  assert.match(await fails(repository, "--against", "other"), /NO_MERGE_BASE.*with a file/);
});

test("a clone that is too shallow: says how much history it needs", async () => {
  const origin = new Repository();
  origin.git("switch", "--quiet", "--create", "work");
  origin.commit("One").commit("Two");
  const clone = new Repository();
  const shallow = ["--quiet", "--depth", "1", "--no-single-branch", `file://${origin.folder}`];
  clone.git("clone", ...shallow, "clone");
  const config = ["--config", clone.path("clone/supergraph.yaml")];

  const apart = await clone.check(...config, "--against", "origin/main");
  const unknown = await clone.check(...config, "--against", "HEAD~2");
  const nothing = await clone.check(...config.with(1, clone.path("clone/supergraph.yaml")));

  assert.equal(apart.code, 2);
  assert.match(apart.stderr, /NO_MERGE_BASE.*fetch --unshallow.*fetch-depth: 0/);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /UNKNOWN_BASELINE.*fetch-depth: 0/);
  assert.equal(nothing.code, 2);
});

test("without a ref, in a repository of one commit: passes, and says that there is no baseline", async () => {
  const { code, against, skippedChecks } = await new Repository().report();

  assert.equal(code, 0);
  assert.equal(against, null);
  assert.match(skippedChecks.join(" "), /There is no baseline/);
});

test("without a ref, outside of a repository: passes, with git's error", async () => {
  const repository = new Repository();
  rmSync(repository.path(".git"), { recursive: true });

  const { code, skippedChecks } = await repository.report();

  assert.equal(code, 0);
  assert.match(skippedChecks.join(" "), /git failed \(.*not a git repository/);
});

test("without a ref, in a repository that git cannot read: cannot run, with git's error", async () => {
  const repository = new Repository();
  repository.write(".git/config", "no configuration");

  assert.match(await fails(repository), /GIT_FAILED.*bad config line 1/);
});

test("against HEAD without changes: passes", async () => {
  const { code, findings } = await new Repository().report("--against", "HEAD");

  assert.equal(code, 0);
  assert.deepEqual(findings, []);
});

for (const [what, text] of [
  ["the API schema", (api: string) => api],
  ["the supergraph", (_: string, supergraph: string) => supergraph],
] as const) {
  test(`against a file: ${what}`, async () => {
    const repository = new Repository();
    const result = compose(await loadSubgraphs(repository.path("supergraph.yaml")));
    assert.ok(result.composes);
    repository.write("former.graphql", text(result.api, result.supergraph)).replace(...REMOVED);

    const { code, findings } = await repository.report(
      "--against",
      repository.path("former.graphql"),
    );

    assert.equal(code, 1);
    assert.deepEqual(
      findings.map(({ kind, path }) => `${kind} ${path}`),
      ["FIELD_REMOVED Film.minutes", "INVALID_OPERATION Search"],
    );
  });
}

test("against another supergraph configuration", async () => {
  const former = new Repository();
  const repository = new Repository().replace(...REMOVED);

  const { code } = await repository.report("--against", former.path("supergraph.yaml"));

  assert.equal(code, 1);
});

test("against a running graph", async () => {
  const repository = new Repository();
  const result = compose(await loadSubgraphs(repository.path("supergraph.yaml")));
  assert.ok(result.composes);
  const schema = apiSchema(parse(result.supergraph));
  const server = createServer(async (request, response) => {
    const { query } = (await json(request)) as { query: string };
    response.end(JSON.stringify(graphqlSync({ schema, source: query })));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  try {
    assert.deepEqual((await repository.report("--against", url)).findings, []);
    const { findings } = await repository.replace(...REMOVED).report("--against", url);
    assert.equal(findings[0]?.kind, "FIELD_REMOVED");
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

for (const [what, file, text, expected] of [
  [
    "an unknown type",
    "a.graphql",
    "type Query {\n  a: No\n}",
    /a\.graphql:2:6: error \[INVALID_SCHEMA\]/,
  ],
  [
    "a syntax error",
    "a.graphql",
    "type Query {\n  a:\n}",
    /a\.graphql:3:1: error \[SYNTAX_ERROR\]/,
  ],
  ["nothing", "a.graphql", "", /a\.graphql:1:1: error \[SYNTAX_ERROR\]/],
  ["no JSON", "a.json", '{"data":\n', /a\.json:2:1: error \[INVALID_JSON\]/],
  [
    "other JSON",
    "a.json",
    '{"data": {}}',
    /a\.json:1: error \[INVALID_SCHEMA\].*not a response to the intro/,
  ],
  ["no list", "a.yaml", "subgraphs: [\n", /a\.yaml:2:1: error \[INVALID_YAML\]/],
] as const) {
  test(`against a file of ${what}`, async () => {
    const repository = new Repository().write(file, text);

    assert.match(await fails(repository, "--against", repository.path(file)), expected);
  });
}

for (const [what, answer, expected] of [
  ["a page", "<html>", /INVALID_JSON/],
  ["a refusal", '{"errors":[{"message":"no"}]}', /GRAPH_UNREACHABLE.*is introspection enabled/],
  ["no schema", '{"data":{}}', /^error \[GRAPH_UNREACHABLE\].*is introspection enabled\?\n$/],
  ["an empty schema", '{"data":{"__schema":{"types":[]}}}', /^error \[GRAPH_UNREACHABLE\]/],
  [
    "a part of a schema",
    '{"data":{"__schema":{"queryType":{"name":"Query"},"types":[]}}}',
    /^error \[GRAPH_UNREACHABLE\]/,
  ],
] as const) {
  test(`against a URL that responds with ${what}`, async () => {
    const server = createServer((_, response) => response.end(answer));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
    try {
      assert.match(await fails(new Repository(), "--against", url), expected);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
}

for (const [what, unknown] of [
  ["isOneOf", /isOneOf/],
  ["isOneOf and deprecated inputs", /isOneOf|args\(includeDeprecated/],
] as const) {
  test(`against a URL of a server that does not know ${what}, and wants a header`, async () => {
    const repository = new Repository();
    const { api } = await libraryApi(repository);
    const server = createServer(async (request, response) => {
      const { query } = (await json(request)) as { query: string };
      const isOld = unknown.test(query);
      if (isOld) response.writeHead(400).end('{"errors":[{"message":"unknown"}]}');
      else if (request.headers["x-key"] !== "a: b") response.writeHead(401).end();
      else response.end(JSON.stringify(graphqlSync({ schema: api, source: query })));
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
    repository.replace(...REMOVED);
    try {
      const { code, findings } = await repository.report(
        ...["--against", url, "--header", "x-key: a: b"],
      );
      assert.equal(code, 1);
      assert.equal(findings[0]?.kind, "FIELD_REMOVED");
      assert.match(await fails(repository, "--against", url), /GRAPH_UNREACHABLE.*40[01]/);
      const misread = await fails(repository, "--against", url, "--header", "secret");
      assert.match(misread, /USAGE.*--header/);
      assert.doesNotMatch(misread, /secret/);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
}

async function libraryApi(repository: Repository) {
  const result = compose(await loadSubgraphs(repository.path("supergraph.yaml")));
  assert.ok(result.composes);
  return { api: apiSchema(parse(result.supergraph)) };
}

// Affected operations.

test("a document that the same change removes is still sent by clients", async () => {
  const repository = new Repository().replace(...REMOVED);
  repository.replace("operations/Search.graphql", "      minutes\n", "");

  const { code, findings } = await repository.report("--against", "HEAD");

  assert.equal(code, 1);
  assert.deepEqual(
    findings[0]?.affected.map(({ name, asOf }) => [name, asOf]),
    [["Search", "HEAD"]],
  );
});

test("a document that was changed before that commit is not", async () => {
  const repository = new Repository();
  repository.replace("operations/Search.graphql", "      minutes\n", "").commit("No length");
  repository.replace(...REMOVED);

  const { code, findings } = await repository.report("--against", "HEAD");

  assert.equal(code, 0);
  assert.deepEqual(
    findings.map(({ kind, severity }) => [kind, severity]),
    [["FIELD_REMOVED", "warning"]],
  );
});

test("counts: an operation with 0 requests is not in use", async () => {
  const repository = new Repository().replace(
    "catalog.graphql",
    "tags: [String!]!",
    "tags: [String]!",
  );
  const counts = repository.path("counts.json");

  repository.write("counts.json", JSON.stringify({ BookList: 1200, Gone: 7 }));
  const used = await repository.report("--against", "HEAD", "--counts", counts);
  const tags = used.findings.find(({ path }) => path === "Book.tags");
  assert.equal(used.code, 1);
  assert.equal(tags?.affected[0]?.requests, 1200);
  assert.match(used.skippedChecks.join(" "), /Gone/);

  repository.write("counts.json", JSON.stringify({ BookList: 0 }));
  const idle = await repository.report("--against", "HEAD", "--counts", counts);
  assert.equal(idle.code, 0);
  assert.deepEqual(idle.findings.find(({ path }) => path === "Book.tags")?.affected, []);
});

test("counts: an operation with 0 requests may become invalid, with a hint", async () => {
  const repository = new Repository().replace(...REMOVED);
  repository.write("counts.json", JSON.stringify({ Search: 0 }));
  const args = ["--against", "HEAD", "--counts", repository.path("counts.json")];

  const idle = await repository.report(...args);

  assert.equal(idle.code, 0);
  assert.deepEqual(
    idle.findings.map(({ kind, severity }) => [kind, severity]),
    [
      ["FIELD_REMOVED", "warning"],
      ["INVALID_OPERATION", "warning"],
    ],
  );
  assert.match(idle.findings[1]?.hint ?? "", /no client has sent it/);

  const rules = repository.read("rules.yaml");
  for (const setting of ["error", "off"]) {
    const text = rules.replace("rules:", `rules:\n  unused-breaking-change: ${setting}`);
    repository.write("rules.yaml", text);
    const { findings } = await repository.report(...args);
    assert.deepEqual(
      findings.map(({ severity }) => severity),
      setting === "off" ? [] : ["error", "error"],
    );
  }
});

test("an error says how to approve an intended change", async () => {
  const { findings } = await new Repository().replace(...REMOVED).report("--against", "HEAD");

  const [removed, invalid] = findings;
  assert.match(removed?.hint ?? "", /approve --change 'FIELD_REMOVED Film\.minutes'/);
  assert.match(
    invalid?.hint ?? "",
    /change the document, or approve .*FIELD_REMOVED Film\.minutes/,
  );
});

for (const [form, write] of [
  ["of ids and documents", (id: string, body: string) => ({ [id]: body })],
  ["as `manifest` writes it", (id: string, body: string) => ({ operations: [{ id, body }] })],
] as const) {
  test(`operations from a manifest ${form}`, async () => {
    const repository = new Repository().replace(...REMOVED);
    const manifest = write("a1", '{ search(text: "a") { ... on Film { minutes } } }');
    repository.write("manifest.json", JSON.stringify(manifest));

    const { code, findings, operations } = await repository.report(
      ...["--against", "HEAD", "--operations", repository.path("manifest.json")],
    );

    assert.equal(code, 1);
    assert.equal(operations, 1);
    assert.deepEqual(
      findings[0]?.affected.map(({ name }) => name),
      ["a1"],
    );
  });
}

test("operations and permissions from files that are not in the commit", async () => {
  const elsewhere = new Repository();
  const repository = new Repository().replace(...REMOVED);
  const where = [
    "--operations",
    elsewhere.path("operations"),
    "--permissions",
    elsewhere.path("docs/permissions.json"),
  ];

  const { code, skippedChecks, operations } = await repository.report(
    "--against",
    "HEAD",
    ...where,
  );

  assert.equal(code, 1);
  assert.equal(operations, 9);
  assert.match(skippedChecks.join(" "), /Permissions were not compared/);
  assert.match(skippedChecks.join(" "), /Only current operations were checked: HEAD/);
});

test("the severity of an unused breaking change is set by the rules", async () => {
  const repository = new Repository().replace(
    "catalog.graphql",
    '  "Below the title."\n  subtitle: String\n',
    "",
  );
  const rules = repository.read("rules.yaml");

  repository.write(
    "rules.yaml",
    rules.replace("rules:", "rules:\n  unused-breaking-change: error"),
  );
  assert.equal((await repository.report("--against", "HEAD")).code, 1);

  repository.write("rules.yaml", rules.replace("rules:", "rules:\n  unused-breaking-change: off"));
  const { code, findings } = await repository.report("--against", "HEAD");
  assert.equal(code, 0);
  assert.deepEqual(findings, []);
});

// Errors with exit code 2, and their locations.

async function fails(repository: Repository, ...args: string[]): Promise<string> {
  const { code, stderr, stdout } = await repository.check(...args);
  assert.equal(code, 2, stdout);
  return stderr;
}

test("an SDL with a syntax error", async () => {
  const repository = new Repository().write("stock.graphql", "type Query {\n  a(: Int\n}\n");

  assert.match(await fails(repository), /stock\.graphql:2:5: error \[SYNTAX_ERROR\] stock/);
});

test("a missing SDL", async () => {
  const repository = new Repository().replace(
    "supergraph.yaml",
    "file: stock.graphql",
    "file: none.graphql",
  );

  assert.match(
    await fails(repository),
    /supergraph\.yaml:15:7: error \[FILE_UNREADABLE\].*none\.graphql/,
  );
});

test("in a subfolder of the repository: a check finds everything, other commands say where to run them", async () => {
  const repository = new Repository().write("schema-check/deep/file", "");
  const rules = repository.read("rules.yaml");
  repository
    .write("schema-check/rules.yaml", rules)
    .commit("The usual places")
    .replace(...REMOVED);
  const words = ["check", "--against", "HEAD", "--format", "json"];

  const { code, stdout } = await repository.inside(...words);
  assert.equal(code, 1);
  assert.deepEqual(await repository.below("schema-check/deep", ...words), {
    code,
    stdout,
    stderr: "",
  });

  for (const command of ["compose", "cross-check"]) {
    const { code, stderr } = await repository.below("schema-check", command);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /supergraph\.yaml: error \[FILE_UNREADABLE\].* it exists in \.\.: run the command there/,
    );
  }
  const manifest = await repository.below("schema-check/deep", "manifest");
  assert.match(
    manifest.stderr,
    /operations: error .* it exists in \.\.\/\.\.: run the command there/,
  );
  const none = await repository.inside("check", "--config", "none.yaml");
  assert.doesNotMatch(none.stderr, /run the command there/);
});

test("two subgraphs with the same name", async () => {
  const repository = new Repository().replace("supergraph.yaml", "  stock:", "  people:");

  assert.match(await fails(repository), /supergraph\.yaml:12:3: error \[DUPLICATE_NAME\]/);
});

test("a subgraph at an unreachable URL", async () => {
  const repository = new Repository();
  repository.replace("supergraph.yaml", "file: stock.graphql", "subgraph_url: http://127.0.0.1:1/");

  assert.match(
    await fails(repository),
    /supergraph\.yaml:15:7: error \[SUBGRAPH_UNREACHABLE\] stock/,
  );
});

test("a graph at an unreachable URL", async () => {
  const stderr = await fails(new Repository(), "--against", "http://127.0.0.1:1/graphql");

  assert.match(stderr, /GRAPH_UNREACHABLE.*127\.0\.0\.1:1\/graphql is unreachable/);
});

test("a missing folder of operations that was named", async () => {
  const repository = new Repository();

  assert.match(
    await fails(repository, "--operations", repository.path("none")),
    /none: error \[FILE_UNREADABLE\]/,
  );
});

test("an operation with a syntax error", async () => {
  const repository = new Repository().write(
    "operations/Search.graphql",
    "query Search {\n  search(\n}\n",
  );

  assert.match(await fails(repository), /Search\.graphql:3:1: error \[SYNTAX_ERROR\]/);
});

for (const [what, text, expected] of [
  ["no JSON", '{\n  "a": "{ a }",\n  b\n}', /manifest\.json:3:\d+: error \[INVALID_JSON\]/],
  [
    "cut off",
    '{\n  "a":',
    /manifest\.json:\d: error \[INVALID_JSON\]|manifest\.json:\d:\d+: error \[INVALID_JSON\]/,
  ],
  ["a page", "<html>\n", /manifest\.json:1.*: error \[INVALID_JSON\]/],
  ["a list", "[1]", /manifest\.json:1: error \[INVALID_MANIFEST\]/],
  ["of other things", '{"a": 1}', /manifest\.json:1: error \[INVALID_MANIFEST\]/],
  ["empty", "{}", /manifest\.json:1: error \[NO_OPERATIONS\]/],
  [
    "of broken documents",
    '{\n  "a": "{ a }",\n  "b": "{"\n}',
    /manifest\.json:3: error \[SYNTAX_ERROR\]/,
  ],
  ["of fragments", '{"a": "fragment A on B { c }"}', /manifest\.json:1: error \[NO_OPERATION\]/],
] as const) {
  test(`a manifest that is ${what}`, async () => {
    const repository = new Repository().write("manifest.json", text);

    assert.match(
      await fails(repository, "--operations", repository.path("manifest.json")),
      expected,
    );
  });
}

for (const [text, line] of [
  ["{", 1],
  ["[]", 1],
  ['{"BookList": -1}', 1],
  ['{\n  "Search": 1,\n  "BookList": "many"\n}', 3],
  ["null", 1],
] as const) {
  test(`invalid counts: ${text}`, async () => {
    const repository = new Repository().write("counts.json", text);
    const { code, stderr } = await repository.check("--counts", repository.path("counts.json"));

    assert.equal(code, 2, stderr);
    assert.match(stderr, new RegExp(`counts\\.json:${line}.*: error \\[INVALID_`));
  });
}

for (const text of [
  "",
  "- a\n",
  "rules: [\n",
  "rules:\n  nmaing: error\n",
  "rules:\n  naming: loud\n",
  "exceptions: 3\n",
  "other: 1\n",
]) {
  test(`invalid rules: ${JSON.stringify(text)}`, async () => {
    const repository = new Repository().write("rules.yaml", text);

    assert.match(await fails(repository), /rules\.yaml:\d+:\d+: error \[INVALID_/);
  });
}

test("a missing commit, file or format", async () => {
  const repository = new Repository();

  assert.match(
    await fails(repository, "--against", "no-such-branch"),
    /UNKNOWN_BASELINE.*no-such-branch/,
  );
  assert.match(await fails(repository, "--against", "--output=/tmp/x"), /USAGE|UNKNOWN_BASELINE/);
  assert.match(await fails(repository, "--format", "yaml"), /USAGE.*unknown format "yaml"/);
  assert.match(await fails(repository, "--write", "json"), /USAGE.*NAME=FILE/);
  assert.match(
    await fails(repository, "--rules", repository.path("none.yaml")),
    /none\.yaml: error \[FILE_UNREADABLE\]/,
  );
});

test("a commit without the graph", async () => {
  const repository = new Repository();
  repository.git("rm", "--quiet", "--cached", "supergraph.yaml");
  repository.git("commit", "--quiet", "-m", "No list");

  assert.match(
    await fails(repository, "--against", "HEAD"),
    /HEAD:.*supergraph\.yaml: error \[FILE_UNREADABLE\]/,
  );
});

// An invalid baseline must not block its own fix.

for (const [what, file, broken, expected] of [
  [
    "with a syntax error",
    "stock.graphql",
    "type Query {",
    /SYNTAX_ERROR.*HEAD:.*stock\.graphql:1:13/,
  ],
  ["that does not compose", "stock.graphql", "type Query { novels: Nowhere }\n", /HEAD \(\w{10}\)/],
  ["with a list that is none", "supergraph.yaml", "subgraphs: [\n", /HEAD:.*supergraph\.yaml/],
  ["with a document that is none", "operations/Search.graphql", "query {", /SYNTAX_ERROR/],
  ["with rows that are none", "docs/permissions.json", "{", /INVALID_JSON/],
] as const) {
  test(`a commit ${what}: reported, and the current graph is checked`, async () => {
    const repository = new Repository();
    const sound = repository.read(file);
    repository.write(file, broken).commit("Broken").write(file, sound);

    const { code, findings } = await repository.report("--against", "HEAD");

    assert.equal(code, 0);
    assert.ok(findings.length > 0);
    assert.deepEqual([...new Set(findings.map(({ kind }) => kind))], ["INVALID_BASELINE"]);
    assert.ok(findings.every(({ severity }) => severity === "warning"));
    assert.match(findings.map(({ message }) => message).join("\n"), expected);

    repository.replace("operations/Cancel.graphql", "mutation", "mutation Broken { no }\nmutation");
    const { code: broke, findings: brokenFindings } = await repository.report("--against", "HEAD");
    assert.equal(broke, 1);
    assert.ok(brokenFindings.some(({ kind }) => kind === "INVALID_OPERATION"));
  });
}

test("an invalid baseline and a graph that is still invalid", async () => {
  const repository = new Repository().write("stock.graphql", "type Query { a: Nowhere }\n");
  repository.commit("Broken");

  const { code, findings, against } = await repository.report("--against", "HEAD");

  assert.equal(code, 1);
  assert.equal(against, null);
  assert.ok(
    findings.some(({ kind, severity }) => kind !== "INVALID_BASELINE" && severity === "error"),
  );
});

test("a missing planner, or another program", async () => {
  const repository = new Repository();

  assert.match(await fails(repository, "--lyceum", "/no/such/lyceum"), /PLANNER_FAILED/);
  assert.match(await fails(repository, "--lyceum", process.execPath), /PLANNER_FAILED/);
});
