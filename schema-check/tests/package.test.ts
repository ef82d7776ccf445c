// The package, as a stranger gets it: from a tarball, in a folder of theirs, with one command.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { Repository } from "./repository.ts";
import { fixtures, run } from "./support.ts";

const PACKAGE = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "lyceum-package-"));
after(() => rmSync(folder, { recursive: true, force: true }));

let tarball: string;
let packed: string[];

before(() => {
  const words = ["pack", "--json", "--pack-destination", folder];
  const [{ filename, files }] = JSON.parse(
    execFileSync("npm", words, {
      cwd: PACKAGE,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }),
  );
  tarball = join(folder, filename);
  packed = files.map(({ path }: { path: string }) => path);
});

/** Runs the program of the tarball, without anything that is not in a fresh folder. */
function npx(cwd: string, ...args: string[]) {
  const words = ["--yes", "--prefer-offline", "--package", tarball, "lyceum-schema", ...args];
  const { PATH, HOME } = process.env;
  const { status, stdout, stderr } = spawnSync("npx", words, {
    ...{ cwd, encoding: "utf8" },
    env: { PATH, HOME },
  });
  return { code: status, stdout, stderr };
}

test("it has the program, its types and licences, and no tests", () => {
  for (const file of [
    ...["bin/lyceum-schema.js", "bin/second-composer.js", "dist/main.js", "dist/index.d.ts"],
    ...["action.yml", "ci/gitlab.yml", "ci/check.sh", "report.schema.json", "README.md"],
    ...["LICENSE-MIT", "LICENSE-APACHE", "package.json"],
  ]) {
    assert.ok(packed.includes(file), file);
  }
  assert.deepEqual(
    packed.filter((file) =>
      /^(tests|src|node_modules|contract)\/|\.test\.|tsconfig|lock/.test(file),
    ),
    [],
  );
});

test("one command in a clone of somebody else's graph, without any configuration", () => {
  const root = join(fixtures, "foreign", "kitchen");
  const origin = new Repository({ root, paths: ["."] });
  const theirs = mkdtempSync(join(folder, "theirs-"));
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=A", "-c", "user.email=a@example.com", ...args], {
      cwd: theirs,
    });
  git("clone", "--quiet", `file://${origin.folder}`, ".");
  git("switch", "--quiet", "--create", "change");
  const file = join(theirs, "subgraphs/recipes.graphql");
  writeFileSync(file, readFileSync(file, "utf8").replace("  frosting: String\n", ""));
  git("commit", "--quiet", "--all", "-m", "Without frosting");

  const { code, stdout, stderr } = npx(theirs, "check", "--against", "origin/main");

  assert.equal(code, 1, stderr);
  assert.match(stdout, /✗ breaking FIELD_REMOVED Cake\.frosting/);
  assert.match(stdout, /No operation was looked at/);
  assert.match(stdout, /not cross-checked: @apollo\/composition is not installed/);
  assert.match(stdout, /Query plans were not compared: no `lyceum` or `lyceum-planner`/);
});

test("in an empty folder it says what is missing", () => {
  const { code, stderr } = npx(
    mkdtempSync(join(folder, "empty-")),
    "check",
    "--against",
    "origin/main",
  );

  assert.equal(code, 2);
  assert.match(stderr, /NO_CONFIG.*supergraph\.yaml.*--config/);
});

test("its types are those of a package", () => {
  const consumer = mkdtempSync(join(folder, "consumer-"));
  const modules = join(consumer, "node_modules");
  mkdirSync(modules);
  execFileSync("tar", ["-xzf", tarball, "-C", modules]);
  renameSync(join(modules, "package"), join(modules, "lyceum-schema"));
  for (const name of ["graphql", "@types"]) {
    symlinkSync(join(PACKAGE, "node_modules", name), join(modules, name));
  }
  writeFileSync(
    join(consumer, "use.mts"),
    `import { exitCode, main, type Report } from "lyceum-schema";
const isFailed = ({ findings }: Report): boolean => findings.some(({ severity }) => severity === "error");
const code: 0 | 1 | 2 = await main(["--version"], { print: console.log, log: console.error });
console.log(code === exitCode.passed, isFailed.name);
`,
  );
  const options = [
    "--noEmit",
    "--strict",
    "--module",
    "nodenext",
    "--target",
    "es2023",
    "--types",
    "node",
  ];
  const tsc = join(PACKAGE, "node_modules/.bin/tsc");

  const { status, stdout } = spawnSync(tsc, [...options, "use.mts"], {
    cwd: consumer,
    encoding: "utf8",
  });

  assert.equal(status, 0, stdout);
});

test("its version, and help by command", async () => {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
  assert.equal(npx(folder, "--version").stdout, `lyceum-schema ${version}\n`);

  const all = await run("--help");
  const names = [...all.stdout.matchAll(/^ {2}([\w-]+) {2,}/gm)].map(([, name = ""]) => name);
  assert.ok(names.length >= 7, all.stdout);
  for (const name of names) {
    const { code, stdout } = await run(name, "--help");
    assert.equal(code, 0);
    assert.ok(stdout.startsWith(`lyceum-schema ${name}`), stdout);
    assert.deepEqual(await run("help", name), { code, stdout, stderr: "" });
  }
});

// The action.

const action = parse(readFileSync(join(PACKAGE, "action.yml"), "utf8"));

/** The arguments with which the action runs the check. */
function arguments_(environment: Record<string, string>, repository: Repository): string[] {
  const { run: script } = action.runs.steps.find(({ name }: { name: string }) => name === "Check");
  repository.write("bin/lyceum-schema.js", "console.log(JSON.stringify(process.argv.slice(2)));");
  const names = ["AGAINST", "CONFIG", "OPERATIONS", "ARGUMENTS", "MERGE_GROUP_BASE", "PUSHED_FROM"];
  const output = execFileSync("bash", ["-euo", "pipefail", "-c", script], {
    ...{ cwd: repository.folder, encoding: "utf8" },
    env: {
      ...Object.fromEntries(names.map((name) => [name, ""])),
      ...{ PATH: process.env.PATH, REPORTS: "out", GITHUB_ACTION_PATH: repository.folder },
      ...environment,
    },
  });
  return JSON.parse(output);
}

test("the action compares with what the change is for", () => {
  const repository = new Repository();
  const id = repository.git("rev-parse", "HEAD").trim();
  const against = (environment: Record<string, string>) => {
    const found = arguments_(environment, repository);
    return found.includes("--against") ? found[found.indexOf("--against") + 1] : undefined;
  };
  const none = "0".repeat(40);

  assert.equal(
    against({ GITHUB_EVENT_NAME: "pull_request", GITHUB_BASE_REF: "master" }),
    "origin/master",
  );
  assert.equal(against({ GITHUB_EVENT_NAME: "merge_group", MERGE_GROUP_BASE: id }), id);
  assert.equal(against({ GITHUB_EVENT_NAME: "push", PUSHED_FROM: id }), id);
  assert.equal(against({ GITHUB_EVENT_NAME: "push", PUSHED_FROM: none }), undefined);
  assert.equal(against({ GITHUB_EVENT_NAME: "schedule" }), undefined);
  assert.equal(against({ GITHUB_EVENT_NAME: "push", PUSHED_FROM: id, AGAINST: "v1" }), "v1");
});

test("the action passes its inputs on", () => {
  const inputs = { CONFIG: "a b.yaml", OPERATIONS: "web app", ARGUMENTS: "--lint all" };
  const found = arguments_({ GITHUB_EVENT_NAME: "schedule", ...inputs }, new Repository());

  assert.deepEqual(found.slice(0, 9), [
    ...["check", "--config", "a b.yaml", "--operations", "web", "--operations", "app"],
    ...["--lint", "all"],
  ]);
  assert.equal(found.filter((word) => word === "--write").length, 4);
});

test("the recipes are valid, and run on pull requests and in merge queues", () => {
  const read = (file: string) => parse(readFileSync(join(PACKAGE, "ci", file), "utf8"));

  assert.deepEqual(Object.keys(read("github.yml").on), ["pull_request", "merge_group"]);
  assert.equal(read("gitlab.yml").schema.variables.GIT_DEPTH, "0");
  assert.equal(spawnSync("sh", ["-n", join(PACKAGE, "ci", "check.sh")]).status, 0);
});
