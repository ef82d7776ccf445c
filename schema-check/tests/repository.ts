// A git repository of a graph, with one commit as the baseline.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { type CommandResult, fixtures, run } from "./support.ts";

export interface JsonReport {
  verdict: "passed" | "failed" | "could-not-run";
  against: string | null;
  operations: number;
  findings: {
    section: string;
    severity: "error" | "warning" | "note";
    kind: string;
    level?: string;
    path?: string;
    subgraph?: string;
    message: string;
    hint?: string;
    location?: { file: string; line?: number; column?: number };
    affected: {
      name: string;
      sender?: string;
      receiver?: string;
      asOf?: string;
      requests?: number;
    }[];
    approval?: { reason: string; author: string };
  }[];
  plans: { operation: { name: string }; before: unknown; after: unknown }[];
  skippedChecks: string[];
}

export class Repository {
  readonly folder = mkdtempSync(join(tmpdir(), "lyceum-graph-"));

  /** The graph in fixtures/library, or copies of files elsewhere. */
  constructor(
    from: { root: string; paths: string[] } = { root: join(fixtures, "library"), paths: ["."] },
  ) {
    after(() => rmSync(this.folder, { recursive: true, force: true }));
    for (const path of from.paths) {
      mkdirSync(dirname(this.path(path)), { recursive: true });
      cpSync(join(from.root, path), this.path(path), { recursive: true });
    }
    this.git("init", "--quiet", "--initial-branch", "main");
    this.commit("The graph");
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  read(file: string): string {
    return readFileSync(this.path(file), "utf8");
  }

  write(file: string, text: string): this {
    mkdirSync(dirname(this.path(file)), { recursive: true });
    writeFileSync(this.path(file), text);
    return this;
  }

  /** Fails when there is nothing to replace, so that no test passes for having changed nothing. */
  replace(file: string, from: string, to: string): this {
    const text = this.read(file);
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    return this.write(
      file,
      text.replace(from, () => to),
    );
  }

  git(...args: string[]): string {
    const identity = ["-c", "user.name=Alice", "-c", "user.email=alice@example.com"];
    return execFileSync("git", [...identity, ...args], { cwd: this.folder, encoding: "utf8" });
  }

  commit(message: string): this {
    this.git("add", "--all");
    this.git("commit", "--quiet", "--allow-empty", "-m", message);
    return this;
  }

  /** Discards uncommitted changes. */
  restore(): void {
    this.git("reset", "--quiet", "--hard");
    this.git("clean", "--quiet", "-fd");
  }

  /** The options that name this repository's files. */
  get where(): string[] {
    return [
      ...["--config", this.path("supergraph.yaml")],
      ...["--operations", this.path("operations")],
      ...["--permissions", this.path("docs/permissions.json")],
      ...["--approvals", this.path("approvals.json")],
    ];
  }

  /** `--operations` can be given several times, so the default must not be there beside another one. */
  private whereUnless(args: readonly string[]): string[] {
    if (!args.includes("--operations")) return this.where;
    const at = this.where.indexOf("--operations");
    return this.where.filter((_, index) => index !== at && index !== at + 1);
  }

  /** A program that plans each operation as one fetch. */
  planner(): string {
    const plans = "process.argv.slice(5).map(() => ({ fetches: 1, steps: 1, micros: 1 }))";
    const program = `#!/usr/bin/env node\nconsole.log(JSON.stringify(${plans}));\n`;
    chmodSync(this.write("planner", program).path("planner"), 0o755);
    return this.path("planner");
  }

  check(...args: string[]): Promise<CommandResult> {
    const rules = args.includes("--rules") ? [] : ["--rules", this.path("rules.yaml")];
    return run("check", ...this.whereUnless(args), ...rules, ...args);
  }

  /** Runs the check like a user: in the folder, with the default file names. */
  inside(...args: string[]): Promise<CommandResult> {
    return this.below(".", ...args);
  }

  async below(folder: string, ...args: string[]): Promise<CommandResult> {
    const elsewhere = process.cwd();
    process.chdir(this.path(folder));
    try {
      return await run(...args);
    } finally {
      process.chdir(elsewhere);
    }
  }

  /** Approves a change since the last commit. */
  approve(change: string, reason: string, ...args: string[]): Promise<CommandResult> {
    const words = ["--change", change, "--reason", reason, "--author", "Ada"];
    return run("approve", ...this.where, "--against", "HEAD", ...words, ...args);
  }

  async report(...args: string[]): Promise<JsonReport & { code: number }> {
    const { code, stdout, stderr } = await this.check("--format", "json", ...args);
    if (stdout === "") throw new Error(stderr);
    return { code, ...JSON.parse(stdout) };
  }
}
