import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import Draft4 from "ajv-draft-04";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { lint } from "markdownlint/promise";
import type { Log } from "sarif";
import { validateXML } from "xmllint-wasm";
import { markdown } from "../src/report/markdown.ts";
import type { Finding } from "../src/report/report.ts";
import { type JsonReport, Repository } from "./repository.ts";
import { fixtures } from "./support.ts";

const FORMATS = ["terminal", "markdown", "json", "junit", "github", "sarif"] as const;
const HOSTILE = "a|b `c` <img src=x> ::error::%0A &amp; @everyone \u0007";

let repository: Repository;
/** The log of the written files. */
let written: string;
let reports: Record<(typeof FORMATS)[number], string>;

/** One report with findings of each severity, and texts that look like markup. */
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
  const approved = await repository.approve("FIELD_TYPE_CHANGED Book.tags", HOSTILE);
  assert.equal(approved.code, 0, approved.stderr);
  // With a skipped check.
  repository.write("counts.json", JSON.stringify({ [HOSTILE]: 3 }));

  const files = FORMATS.flatMap((name) => ["--write", `${name}=${repository.path(`out/${name}`)}`]);
  const counts = ["--counts", repository.path("counts.json")];
  const { code, stderr } = await repository.check("--against", "HEAD", ...counts, ...files);
  assert.equal(code, 1);
  written = stderr;
  reports = Object.fromEntries(
    FORMATS.map((name) => [name, repository.read(`out/${name}`)]),
  ) as typeof reports;
});

function jsonSchema() {
  const file = join(import.meta.dirname, "..", "report.schema.json");
  const options = { strict: true, allErrors: true, allowUnionTypes: true };
  return new Ajv2020(options).compile(JSON.parse(readFileSync(file, "utf8")));
}

/** The official schema, which uses an older draft. */
function sarifSchema() {
  const file = createRequire(import.meta.url).resolve(
    "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json",
  );
  // It uses formats for URLs and times, which our report does not have.
  const ajv = new Draft4.default({
    ...{ strict: false, allErrors: true, validateFormats: false, unicodeRegExp: false },
  });
  return ajv.compile(JSON.parse(readFileSync(file, "utf8")));
}

/** Validates against the schema that Jenkins uses. */
async function junitErrors(xml: string): Promise<string[]> {
  const file = join(fixtures, "schemas", "jenkins-junit.xsd");
  const { errors } = await validateXML({
    xml: { fileName: "junit.xml", contents: xml },
    schema: { fileName: "junit.xsd", contents: readFileSync(file, "utf8") },
  });
  return errors.map(({ message }) => message);
}

test("JSON is valid against its schema", () => {
  const validate = jsonSchema();
  const report: JsonReport = JSON.parse(reports.json);

  assert.ok(validate(report), JSON.stringify(validate.errors));
  assert.equal(report.verdict, "failed");
  const severities = new Set(report.findings.map(({ severity }) => severity));
  assert.deepEqual([...severities].sort(), ["error", "note", "warning"]);
  assert.ok(!validate({ ...report, verdict: "fine" }), "the schema refuses other things");
});

test("JSON with plans, and with a document of a service, is valid against its schema", async () => {
  const repository = new Repository();
  const file = "operations/services/stock/catalog/FilmToOrder.graphql";
  const text = "query FilmToOrder($id: ID!) { item(id: $id) { ... on Film { minutes } } }";
  repository.write(file, text).commit("A service");
  repository.replace("catalog.graphql", '  "How long."\n  minutes: Int\n', "");
  const planner = ["--lyceum", repository.planner()];

  const { code: _, ...report } = await repository.report("--against", "HEAD", ...planner);

  const validate = jsonSchema();
  assert.ok(validate(report), JSON.stringify(validate.errors));
  assert.ok(report.plans.length > 0);
  assert.ok(report.findings[0]?.affected.some(({ sender }) => sender === "stock"));
});

test("JUnit has a test case for each section, and a failure for each section with errors", async () => {
  assert.equal(XMLValidator.validate(reports.junit), true);
  assert.deepEqual(await junitErrors(reports.junit), []);
  assert.ok((await junitErrors(reports.junit.replaceAll("testcase", "case"))).length > 0);
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

/** The skipped test cases of a JUnit report, with their reasons. */
async function skipped(xml: string): Promise<Record<string, string>> {
  assert.deepEqual(await junitErrors(xml), []);
  const { testsuites } = new XMLParser({ ignoreAttributes: false }).parse(xml);
  const cases: Record<string, string>[] = testsuites.testsuite.testcase;
  const found = cases.filter((each) => "skipped" in each);
  assert.equal(testsuites.testsuite["@_skipped"], `${found.length}`);
  return Object.fromEntries(found.map((each) => [each["@_classname"] ?? "", each.skipped ?? ""]));
}

test("JUnit: a section that was not checked is skipped, with the reason", async () => {
  const junit = async (repository: Repository, ...args: string[]) =>
    skipped((await repository.check("--format", "junit", ...args)).stdout);

  const usual = await junit(new Repository(), "--against", "HEAD");
  assert.deepEqual(Object.keys(usual), ["lyceum-schema.plans"]);
  assert.match(usual["lyceum-schema.plans"] ?? "", /no `lyceum` or `lyceum-planner` was found/);

  const first = await junit(new Repository());
  const compared = ["changes", "permissions", "plans", "approvals"];
  assert.deepEqual(
    Object.keys(first),
    compared.map((section) => `lyceum-schema.${section}`),
  );
  assert.match(first["lyceum-schema.changes"] ?? "", /There is no baseline/);

  const repository = new Repository();
  const graph = await junit(repository, "--against", repository.path("supergraph.yaml"));
  assert.match(graph["lyceum-schema.permissions"] ?? "", /Permissions were not compared/);

  const failing = await junit(new Repository().replace("stock.graphql", "Int", "Nowhere"));
  assert.equal(Object.keys(failing).length, 6);
  assert.ok(!("lyceum-schema.composition" in failing));
});

test("GitHub annotations: the summary comes first", () => {
  assert.match(reports.github, /^::error title=Schema check::Failed: 2 errors/);
});

test("errors of composition with the same cause are folded, except in formats for programs", async () => {
  const repository = new Repository();
  const fields = Array.from({ length: 12 }, (_, index) => `  b${index}: Nowhere\n`).join("");
  repository.replace(
    "people.graphql",
    "type Author @key",
    `type More {
${fields}}
type Author @key`,
  );
  const files = FORMATS.flatMap((name) => ["--write", `${name}=${repository.path(`out/${name}`)}`]);

  await repository.check("--against", "HEAD", ...files);

  const all: JsonReport = JSON.parse(repository.read("out/json"));
  const count = all.findings.filter(({ section }) => section === "composition").length;
  assert.ok(count >= 10, `${count}`);
  const folded = /and (\d+) more of this kind, probably with the same cause: /;
  for (const name of ["terminal", "markdown", "github"]) {
    assert.match(repository.read(`out/${name}`), folded, name);
  }
  const errors = repository.read("out/github").match(/^::error /gm) ?? [];
  assert.ok(errors.length <= 10, `${errors.length}`);
  for (const name of ["sarif", "junit"])
    assert.doesNotMatch(repository.read(`out/${name}`), folded);
});

test("paths are from the root of the repository, wherever the command runs", async () => {
  const monorepo = new Repository();
  monorepo.write("README.md", "Much else.");
  monorepo.git("mv", "-k", ...["catalog", "people", "stock"].map((n) => `${n}.graphql`), "docs");
  for (const name of ["catalog", "people", "stock"]) {
    monorepo.write(
      "supergraph.yaml",
      monorepo.read("supergraph.yaml").replace(`file: ${name}`, `file: docs/${name}`),
    );
  }
  monorepo.git("mv", "operations/Search.graphql", "docs/Search.graphql");
  monorepo.write("graph/a/README.md", "A folder.").commit("A monorepo");
  monorepo.replace("docs/catalog.graphql", '  "How long."\n  minutes: Int\n', "");
  const files = FORMATS.flatMap((name) => ["--write", `${name}=${monorepo.path(`out/${name}`)}`]);

  const { stdout } = await monorepo.below(
    ...["graph/a", "check", "--against", "HEAD", "--config", "../../supergraph.yaml"],
    ...["--operations", "../../docs", ...files],
  );

  for (const name of ["json", "markdown", "junit", "github", "sarif"] as const) {
    const text = monorepo.read(`out/${name}`);
    assert.match(text, /docs\/catalog\.graphql/, name);
    assert.match(text, /docs\/Search\.graphql/, name);
    assert.doesNotMatch(text, /\.\.\//, name);
  }
  assert.match(stdout, /\.\.\/\.\.\/docs\/catalog\.graphql/);
});

// The process.

const BIN = join(import.meta.dirname, "..", "bin", "lyceum-schema.js");

test("a reader that stops early: quiet, and the exit code of the check", () => {
  const repository = new Repository();
  const check = `node ${BIN} check --rules rules.yaml --against HEAD --format json`;
  const script = `${check} | true; echo "codes \${PIPESTATUS[0]}"`;
  const outcome = spawnSync("bash", ["-c", script], { cwd: repository.folder, encoding: "utf8" });

  assert.equal(outcome.stderr, "");
  assert.equal(outcome.stdout, "codes 0\n");
});

test("colours where they are wanted", async () => {
  const repository = new Repository().replace(
    "catalog.graphql",
    '  "How long."\n  minutes: Int\n',
    "",
  );
  const run = (env: Record<string, string>) =>
    spawnSync(process.execPath, [BIN, "check", "--against", "HEAD", "--lint", "added"], {
      ...{ cwd: repository.folder, encoding: "utf8" },
      env: { PATH: process.env.PATH, ...env },
    }).stdout;

  const start = "\u001b[";
  assert.ok(!run({}).includes(start), "not a terminal");
  const red = `${start}31m✗ breaking${start}0m FIELD_REMOVED`;
  assert.ok(run({ FORCE_COLOR: "1" }).includes(red));
  assert.ok(!run({ FORCE_COLOR: "1", NO_COLOR: "1" }).includes(start));
});

test("GitHub annotations are one line each, at file and line", () => {
  const lines = reports.github.trimEnd().split("\n");

  assert.ok(
    lines.every((line) => /^::(error|warning|notice) /.test(line)),
    reports.github,
  );
  assert.match(
    reports.github,
    /^::error file=.*catalog\.graphql,line=\d+,col=\d+,title=FIELD_REMOVED Film\.minutes::.*%0Aused by Search%0Aif intended: .*$/m,
  );
  assert.doesNotMatch(reports.github, /FIELD_ADDED/);
});

test("SARIF is valid against its official schema", () => {
  const validate = sarifSchema();

  assert.ok(validate(JSON.parse(reports.sarif)), JSON.stringify(validate.errors));
  assert.ok(
    !validate({ ...JSON.parse(reports.sarif), runs: 3 }),
    "the schema refuses other things",
  );
});

test("SARIF passes the validator of its authors, with what GitHub demands", () => {
  const file = join(mkdtempSync(join(tmpdir(), "lyceum-sarif-")), "report.sarif");
  const validate = (text: string): { code: number; output: string } => {
    writeFileSync(file, text);
    const { status, stdout, stderr } = spawnSync(
      ...["npx", ["sarif-multitool", "validate", file, ...RULE_KINDS]],
      { encoding: "utf8", cwd: join(import.meta.dirname, "..") },
    );
    return { code: status ?? -1, output: `${stdout}${stderr}` };
  };

  const { code, output } = validate(reports.sarif);
  assert.equal(code, 0, output);
  assert.doesNotMatch(output, /: error /);

  const log: Log = JSON.parse(reports.sarif);
  for (const result of log.runs[0]?.results ?? []) result.locations = [];
  assert.match(validate(JSON.stringify(log)).output, /: error GH/);
  rmSync(dirname(file), { recursive: true });
});

const RULE_KINDS = ["--rule-kind", '"Sarif;Ghas"', "--level", "Error"];

test("SARIF: every result has a location and every rule a description", async () => {
  const repository = new Repository();
  // Without a location: a violation of the whole graph, and an option that does not exist.
  const failed = await repository.check("--format", "sarif", "--bogus");
  for (const text of [reports.sarif, failed.stdout]) {
    const [run] = (JSON.parse(text) as Log).runs;
    assert.ok((run?.results ?? []).length > 0);
    for (const { locations } of run?.results ?? []) {
      const { artifactLocation, region } = locations?.[0]?.physicalLocation ?? {};
      assert.ok(artifactLocation?.uri);
      assert.ok((region?.startLine ?? 0) > 0);
    }
    for (const { fullDescription, help } of run?.tool.driver.rules ?? []) {
      assert.match(fullDescription?.text ?? "", /^[A-Z].*\.$/);
      assert.match(help?.text ?? "", /^[A-Z].*\.$/);
    }
  }
});

test("SARIF: rules, levels, locations, and suppressions for approved changes", () => {
  const log: Log = JSON.parse(reports.sarif);
  const [run] = log.runs;
  const removed = run?.results?.find(({ ruleId }) => ruleId === "FIELD_REMOVED");
  const approved = run?.results?.find(({ suppressions }) => suppressions);

  assert.equal(log.version, "2.1.0");
  assert.equal(run?.tool.driver.rules?.[removed?.ruleIndex ?? -1]?.id, "FIELD_REMOVED");
  assert.equal(removed?.level, "error");
  const location = removed?.locations?.[0]?.physicalLocation;
  assert.match(location?.artifactLocation?.uri ?? "", /catalog\.graphql$/);
  assert.ok((location?.region?.startLine ?? 0) > 0);
  assert.equal(approved?.ruleId, "FIELD_TYPE_CHANGED");
  assert.equal(approved?.level, "note");
});

test("Markdown: messages are escaped", () => {
  assert.match(reports.markdown, /^## Schema check: Failed$/m);
  assert.match(reports.markdown, /\*\*used by Search\*\*/);
  assert.match(reports.markdown, /<details><summary>Safe changes \(1\)<\/summary>/);
  assert.doesNotMatch(reports.markdown, /<img|@everyone/);
  const rows = reports.markdown.split("\n").filter((line) => line.startsWith("| "));
  for (const row of rows) {
    assert.equal(row.replaceAll("\\|", "").split("|").length, 5, row);
  }
});

/** What markdownlint says, which reads Markdown as GitHub does. */
async function markdownProblems(text: string): Promise<string[]> {
  const config = {
    // Lines are as long as messages, remarks follow each other, and the report begins with the mark of its comment.
    ...{ MD013: false, MD028: false, MD022: { lines_above: 0 }, MD041: false },
    MD033: { allowed_elements: ["br", "details", "summary"] },
  };
  const { text: found = [] } = await lint({ strings: { text }, config });
  return found.map(({ ruleNames, lineNumber, errorDetail, errorContext }) =>
    [lineNumber, ruleNames[0], errorDetail, errorContext].join(" "),
  );
}

test("Markdown has no fault for markdownlint: nothing of a message is markup", async () => {
  assert.deepEqual(await markdownProblems(reports.markdown), []);
  const other = new Repository().replace("stock.graphql", "  PUBLISHED\n", "  SOLD\n");
  const difference = await other.inside("diff", "HEAD", "--format", "markdown");
  assert.match(difference.stdout, /SOLD/);
  assert.deepEqual(await markdownProblems(difference.stdout), []);
  const failed = await other.check("--format", "markdown", "--bogus");
  assert.deepEqual(await markdownProblems(failed.stdout), []);

  const unescaped = reports.markdown.replace("&lt;img", "<img");
  assert.match((await markdownProblems(unescaped)).join("\n"), /MD033 Element: img/);
  const wider = reports.markdown.replace("\\|b", "|b");
  assert.match((await markdownProblems(wider)).join("\n"), /MD056/);
});

test("the changelog of this graph has no fault for markdownlint", async () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/graph-changelog.md"), "utf8");
  assert.deepEqual(await markdownProblems(page), []);
});

for (const [what, level, end] of [
  ["in a table", "dangerous", /^\| .* \|\n\n> The report is truncated here/m],
  ["in what is folded", "safe", /^- .*\n\n<\/details>\n\n> The report is truncated here/m],
] as const) {
  test(`Markdown is truncated to the maximum length of a comment, with a note: ${what}`, () => {
    const finding = { section: "changes", severity: "note", kind: "FIELD_ADDED" } as const;
    const findings = Array.from({ length: 3000 }, (_, index): Finding => {
      const message = `Field 'f${index}' was added to object type 'Book'`;
      return { ...finding, level, path: `Book.f${index}`, message, affected: [] };
    });

    const text = markdown({ findings, skippedChecks: [], operations: 9, plans: [] });

    assert.ok(text.length <= 65_536 && text.length > 65_000, `${text.length}`);
    assert.match(text, end);
    assert.equal(text.split("<details>").length, text.split("</details>").length);
    assert.ok(text.startsWith("<!-- lyceum-schema check -->\n## Schema check: Passed\n"));
  });
}

test("the terminal says how to approve a change, and what was approved", () => {
  assert.match(reports.terminal, /approved by Ada on \d{4}-\d\d-\d\d: a\|b/);
  assert.match(reports.terminal, /approve --change 'FIELD_REMOVED Film\.minutes'/);
  assert.match(reports.terminal, /^Failed: 2 errors, 2 warnings, 2 notes/m);
});

test("Markdown starts with the marker that identifies the comment of an earlier run", () => {
  assert.ok(reports.markdown.startsWith("<!-- lyceum-schema check -->\n"), reports.markdown);
});

test("written files are logged, with created folders", () => {
  for (const name of FORMATS) {
    assert.ok(written.includes(`${name}: wrote ${repository.path(`out/${name}`)}`), written);
  }
  assert.equal(written.split("(created folder ").length, 2, written);
});

test("skipped checks are in every format", () => {
  for (const name of FORMATS) assert.match(reports[name], /has unknown operations/, name);
});

// A check that could not run.

for (const [what, break_, location, code] of [
  [
    "an SDL with a syntax error",
    (broken: Repository) => broken.write("stock.graphql", "type Query {\n  a(: Int\n}\n"),
    /stock\.graphql$/,
    "SYNTAX_ERROR",
  ],
  [
    "a missing SDL, at the line that names it",
    (broken: Repository) => broken.replace("supergraph.yaml", "stock.graphql", "none.graphql"),
    /supergraph\.yaml$/,
    "FILE_UNREADABLE",
  ],
] as const) {
  test(`every format is a valid document when the check cannot run: ${what}`, async () => {
    const broken = break_(new Repository());
    const files = FORMATS.flatMap((name) => ["--write", `${name}=${broken.path(`out/${name}`)}`]);

    const outcome = await broken.check("--format", "json", ...files);

    assert.equal(outcome.code, 2);
    assert.match(outcome.stderr, new RegExp(`error \\[${code}\\]`));
    const report: JsonReport = JSON.parse(outcome.stdout);
    const validate = jsonSchema();
    assert.ok(validate(report), JSON.stringify(validate.errors));
    assert.equal(report.verdict, "could-not-run");
    const [finding] = report.findings;
    assert.deepEqual([finding?.section, finding?.kind], ["run", code]);
    assert.match(finding?.location?.file ?? "", location);
    assert.ok((finding?.location?.line ?? 0) > 0);

    const { line } = finding?.location ?? {};
    const sarif: Log = JSON.parse(broken.read("out/sarif"));
    assert.ok(sarifSchema()(sarif));
    assert.equal(sarif.runs[0]?.invocations?.[0]?.executionSuccessful, false);
    const region = sarif.runs[0]?.results?.[0]?.locations?.[0]?.physicalLocation?.region;
    assert.equal(region?.startLine, line);
    const junit = broken.read("out/junit");
    assert.deepEqual(await junitErrors(junit), []);
    assert.match(junit, new RegExp(`errors="1"[^]*<error message=[^]*:${line}:`));
    assert.match(
      broken.read("out/github"),
      new RegExp(`^::error file=.*,line=${line},col=\\d+,title=${code}`, "m"),
    );
    assert.match(
      broken.read("out/markdown"),
      new RegExp(`## Schema check: Could not run[^]*:${line}:`),
    );
    assert.match(
      broken.read("out/terminal"),
      new RegExp(`✗ ${code}[^]*:${line}:[^]*Could not run: 1 error`),
    );
  });
}

test("invalid options: still a valid document", async () => {
  for (const args of [["--bogus"], ["extra"], ["--write", "json"]]) {
    const { code, stdout } = await new Repository().check("--format", "json", ...args);

    assert.equal(code, 2);
    const [finding] = JSON.parse(stdout).findings;
    assert.equal(finding.kind, "USAGE");
  }
});

test("a file that cannot be written: one document, with the error", async () => {
  const broken = new Repository().write("file", "");

  const { code, stdout } = await broken.check(
    ...["--format", "json", "--write", `sarif=${broken.path("file/below")}`],
  );

  assert.equal(code, 2);
  assert.equal(JSON.parse(stdout).findings[0].kind, "FILE_UNWRITABLE");
});
