// What a check of a large graph takes. Processor time and memory, since the elapsed time says how busy the machine is.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { writeLargeGraph } from "./large-graph.ts";

const PROGRAM = join(import.meta.dirname, "..", "bin", "lyceum-schema.js");
const SUBGRAPHS = 30;
/** Two cores for the 15 seconds of the goal. */
const SECONDS = 30;
const MEGABYTES = 1024;

const folder = mkdtempSync(join(tmpdir(), "lyceum-large-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What a process of the command has taken, by itself. */
function measured(...args: string[]) {
  const file = join(folder, "usage.json");
  const told = join(folder, "tell-usage.mjs");
  writeFileSync(
    told,
    `import { writeFileSync } from "node:fs";
process.on("exit", () => writeFileSync(${JSON.stringify(file)}, JSON.stringify(process.resourceUsage())));
`,
  );
  const words = ["--import", `file://${told}`, PROGRAM, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const { userCPUTime, systemCPUTime, maxRSS } = JSON.parse(readFileSync(file, "utf8"));
  return {
    ...{ status, stdout, stderr },
    seconds: (userCPUTime + systemCPUTime) / 1e6,
    megabytes: maxRSS / 1024,
  };
}

test("30 subgraphs, 3,000 types and 1,000 operations, all subgraphs changed, by two composers", (t) => {
  writeLargeGraph(folder, { subgraphs: SUBGRAPHS, types: 3000, operations: 1000 });
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=A", "-c", "user.email=a@example.com", ...args], {
      cwd: folder,
    });
  git("init", "--quiet", "--initial-branch", "main");
  git("add", "--all");
  git("commit", "--quiet", "-m", "The graph");
  for (let index = 0; index < SUBGRAPHS; index++) {
    const file = join(folder, `s${index}.graphql`);
    const added = `extend type Query {\n  "New."\n  new${index}: Int\n}\n`;
    writeFileSync(file, `${readFileSync(file, "utf8")}\n${added}`);
  }

  const { status, stdout, stderr, seconds, megabytes } = measured(
    ...["check", "--against", "HEAD", "--format", "json"],
  );

  t.diagnostic(`${seconds.toFixed(1)} s of processor time, ${megabytes.toFixed(0)} MB`);
  assert.equal(status, 0, stderr);
  const report = JSON.parse(stdout);
  assert.equal(report.operations, 1000);
  const added = report.findings.filter(({ kind }: { kind: string }) => kind === "FIELD_ADDED");
  assert.equal(added.length, SUBGRAPHS);
  assert.ok(
    !report.skippedChecks.some((note: string) => /cross-check/i.test(JSON.stringify(note))),
    "both composers",
  );
  assert.ok(seconds < SECONDS, `${seconds} s of processor time`);
  assert.ok(megabytes < MEGABYTES, `${megabytes} MB`);
});
