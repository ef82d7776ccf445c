import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import type { Log } from "sarif";
import { type JsonReport, Repository } from "./repository.ts";

const FORMATS = ["terminal", "markdown", "json", "junit", "github", "sarif"] as const;
const HOSTILE = "a|b `c` <img src=x> ::error::%0A &amp; @everyone \u0007";

let repository: Repository;
let reports: Record<(typeof FORMATS)[number], string>;

/** One report with something of each severity, and words that want to be markup. */
before(async () => {
  repository = new Repository();
  repository.replace("catalog.graphql", '  "How long."\n  minutes: Int\n', "");
  repository.replace("catalog.graphql", "tags: [String!]!", "tags: [String]!");
  repository.replace(
    "catalog.graphql",
    "  subtitle: String\n",
    "  subtitle: Int\n  language: String\n",
  );
  repository.replace("stock.graphql", "  PUBLISHED\n", "  PUBLISHED\n  SOLD\n");
  const approved = await repository.check("--against", "HEAD", "--format", "json");
  const { message } = JSON.parse(approved.printed).findings.find(
    ({ path }: { path?: string }) => path === "Book.tags",
  );
  const approval = {
    change: "FIELD_TYPE_CHANGED Book.tags",
    message,
    reason: HOSTILE,
    author: "Ada",
    on: "2026-11-24",
  };
  repository.write("approvals.json", JSON.stringify([approval]));

  const files = FORMATS.flatMap((name) => ["--write", `${name}=${repository.path(`out/${name}`)}`]);
  const { code } = await repository.check("--against", "HEAD", ...files);
  assert.equal(code, 1);
  reports = Object.fromEntries(
    FORMATS.map((name) => [name, repository.read(`out/${name}`)]),
  ) as typeof reports;
});

test("JSON is what its schema says", () => {
  const schema = JSON.parse(
    readFileSync(join(import.meta.dirname, "..", "report.schema.json"), "utf8"),
  );
  const validate = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true }).compile(
    schema,
  );
  const report: JsonReport = JSON.parse(reports.json);

  assert.ok(validate(report), JSON.stringify(validate.errors));
  assert.equal(report.verdict, "broken");
  const severities = new Set(report.findings.map(({ severity }) => severity));
  assert.deepEqual([...severities].sort(), ["error", "note", "warning"]);
  assert.ok(!validate({ ...report, verdict: "fine" }), "the schema refuses other things");
});

test("JUnit is XML, with a case for each question and a failure for each that is broken", () => {
  assert.equal(XMLValidator.validate(reports.junit), true);
  const parsed = new XMLParser({ ignoreAttributes: false }).parse(reports.junit);
  const cases = parsed.testsuites.testsuite.testcase;
  const failed = cases.filter((each: object) => "failure" in each);

  assert.equal(cases.length, 7);
  assert.equal(parsed.testsuites["@_failures"], "2");
  assert.deepEqual(
    failed.map((each: Record<string, string>) => each["@_classname"]),
    ["lyceum-schema.changes", "lyceum-schema.operations"],
  );
  assert.match(failed[0].failure["#text"], /FIELD_REMOVED Film\.minutes/);
});

test("GitHub annotations are one line each, at file and line", () => {
  const lines = reports.github.trimEnd().split("\n");

  assert.ok(
    lines.every((line) => /^::(error|warning|notice) /.test(line)),
    reports.github,
  );
  assert.match(
    reports.github,
    /^::error file=.*catalog\.graphql,line=\d+,col=\d+,title=FIELD_REMOVED Film\.minutes::.*%0Aused by Search$/m,
  );
  assert.doesNotMatch(reports.github, /FIELD_ADDED/);
});

test("SARIF: rules, levels, places, and what was approved is suppressed", () => {
  const log: Log = JSON.parse(reports.sarif);
  const [run] = log.runs;
  const removed = run?.results?.find(({ ruleId }) => ruleId === "FIELD_REMOVED");
  const approved = run?.results?.find(({ suppressions }) => suppressions);

  assert.equal(log.version, "2.1.0");
  assert.equal(run?.tool.driver.rules?.[removed?.ruleIndex ?? -1]?.id, "FIELD_REMOVED");
  assert.equal(removed?.level, "error");
  const place = removed?.locations?.[0]?.physicalLocation;
  assert.match(place?.artifactLocation?.uri ?? "", /catalog\.graphql$/);
  assert.ok((place?.region?.startLine ?? 0) > 0);
  assert.equal(approved?.ruleId, "FIELD_TYPE_CHANGED");
  assert.equal(approved?.level, "note");
});

test("Markdown: nothing of a message is markup", () => {
  assert.match(reports.markdown, /^## Schema check: Broken$/m);
  assert.match(reports.markdown, /\*\*used by Search\*\*/);
  assert.match(reports.markdown, /<details><summary>Safe changes \(1\)<\/summary>/);
  assert.doesNotMatch(reports.markdown, /<img|@everyone/);
  const rows = reports.markdown.split("\n").filter((line) => line.startsWith("| "));
  for (const row of rows) {
    assert.equal(row.replaceAll("\\|", "").split("|").length, 5, row);
  }
});

test("the terminal says how to approve, and what was approved", () => {
  assert.match(reports.terminal, /approved by Ada on 2026-11-24/);
  assert.match(reports.terminal, /approve --change 'FIELD_REMOVED Film\.minutes'/);
  assert.match(reports.terminal, /^Broken: 2 errors, 2 warnings, 2 notes/m);
});
