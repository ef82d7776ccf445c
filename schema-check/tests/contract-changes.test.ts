// What the check says of contracts: what is a break for their clients alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type JsonReport, Repository } from "./repository.ts";

type Report = JsonReport & { code: number };

/** The library, whose remarks are for the staff. */
function library(): Repository {
  return new Repository()
    .replace("catalog.graphql", "  remark: String", '  remark: String @tag(name: "staff")')
    .write("contracts.yaml", "public: { exclude: [staff] }\n")
    .commit("A contract");
}

function hide(repository: Repository, field: string): Repository {
  return repository.replace("catalog.graphql", field, `${field} @tag(name: "staff")`);
}

const report = (repository: Repository, against = "HEAD"): Promise<Report> =>
  repository.report("--against", against) as Promise<Report>;

const told = ({ findings }: Report) =>
  findings.map((finding) => {
    const { severity, kind, path, contract } = finding as typeof finding & { contract?: string };
    return [severity, kind, path, contract].filter(Boolean).join(" ");
  });

test("an unchanged graph with a contract passes without a finding", async () => {
  const { code, findings } = await report(library());

  assert.deepEqual(findings, []);
  assert.equal(code, 0);
});

test("what is hidden in a contract is a break for it, if one of its operations uses it", async () => {
  const result = await report(hide(library(), "  tags: [String!]!"));
  const [finding] = result.findings;

  assert.deepEqual(told(result), ["error FIELD_REMOVED Book.tags public"]);
  assert.match(finding?.message ?? "", /^in the contract "public": Field 'tags' was removed/);
  assert.match(finding?.location?.file ?? "", /catalog.graphql$/);
  assert.ok((finding?.location?.line ?? 0) > 1);
  assert.ok(finding?.affected.some(({ name }) => name === "BookList"));
  assert.equal(result.code, 1);

  const unused = await report(hide(library(), "  subtitle: String"));
  assert.deepEqual(told(unused), ["warning FIELD_REMOVED Book.subtitle public"]);
  assert.equal(unused.code, 0);
});

test("what becomes visible in a contract is noted, and what changes for all is told once", async () => {
  const opened = library();
  opened.replace("catalog.graphql", '  remark: String @tag(name: "staff")', "  remark: String");
  hide(opened, "  shelf: String");
  const result = await report(opened);
  assert.ok(told(result).includes("note FIELD_ADDED Book.remark public"), told(result).join("\n"));

  const changed = await report(
    library().replace("catalog.graphql", "tags: [String!]!", "tags: [String]!"),
  );
  assert.deepEqual(told(changed), ["error FIELD_TYPE_CHANGED Book.tags"]);
});

test("what only the whole graph has is no break of a contract", async () => {
  const hidden = hide(library(), "  subtitle: String").commit("Another field for the staff");
  const subtitle = '  "Below the title."\n  subtitle: String @tag(name: "staff")\n';
  const removed = await report(hidden.replace("catalog.graphql", subtitle, ""));

  assert.deepEqual(told(removed), ["warning FIELD_REMOVED Book.subtitle"]);
});

test("a contract that is no valid graph fails the check, at the line of the subgraph", async () => {
  const repository = library().replace(
    "catalog.graphql",
    "type Film implements Item ",
    'type Film implements Item @tag(name: "staff") ',
  );
  hide(repository, "  first: Int = 10");
  repository.replace(
    "catalog.graphql",
    'item("Which one." id: ID!): Item',
    'item("Which one." id: ID! @tag(name: "staff")): Item',
  );
  const { code, findings } = await report(repository);
  const problem = findings.find(({ section }) => section === "composition");

  assert.equal(code, 1);
  assert.equal(problem?.kind, "REQUIRED_INACCESSIBLE");
  assert.equal(problem?.path, "Query.item(id:)");
  assert.match(problem?.message ?? "", /^contract "public": /);
  assert.ok((problem?.location?.line ?? 0) > 1);
});

test("a contract that is removed takes the graph from its clients; a new one takes nothing", async () => {
  const repository = library();
  repository.git("rm", "--quiet", "contracts.yaml");
  assert.deepEqual(told(await report(repository)), ["error CONTRACT_REMOVED public public"]);
  repository.restore();

  repository.write(
    "contracts.yaml",
    "public: { exclude: [staff] }\npartner: { exclude: [staff] }\n",
  );
  assert.deepEqual(told(await report(repository)), []);
});

test("an approval for a contract is none for the whole graph", async () => {
  const repository = hide(library(), "  tags: [String!]!");
  const { code, stderr } = await repository.approve("FIELD_REMOVED Book.tags", "For the staff.");
  assert.equal(code, 0, stderr);

  const approved = await report(repository);
  assert.deepEqual(told(approved), ["note FIELD_REMOVED Book.tags public"]);
  assert.equal(approved.code, 0);

  const tags = '  "Words on it."\n  tags: [String!]! @tag(name: "staff")\n';
  repository.replace("catalog.graphql", tags, "");
  const removed = await report(repository);
  assert.equal(removed.code, 1);
  assert.ok(told(removed).includes("error FIELD_REMOVED Book.tags"), told(removed).join("\n"));
});

test("against an API schema, contracts are not compared, and the report says so", async () => {
  const repository = library();
  await repository.inside("compose", "--api-out", repository.path("api.graphql"));
  const { skippedChecks } = await report(repository, repository.path("api.graphql"));

  assert.match(skippedChecks.join("\n"), /Contracts were not compared: .* is not a supergraph/);
});
