// Runs a command as the shell would, on the fixtures or on a changed copy of them.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { main } from "../src/main.ts";

export const fixtures = join(import.meta.dirname, "fixtures");
export const contractFolder = join(import.meta.dirname, "..", "contract");

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export async function run(...args: string[]): Promise<CommandResult> {
  const outcome: CommandResult = { code: -1, stdout: "", stderr: "" };
  outcome.code = await main(args, {
    print: (text) => {
      outcome.stdout += text;
    },
    log: (line) => {
      outcome.stderr += `${line}\n`;
    },
  });
  return outcome;
}

/** A copy of the five fixtures that a test may break. */
export class Copy {
  readonly folder = mkdtempSync(join(tmpdir(), "lyceum-schema-"));

  constructor() {
    cpSync(fixtures, this.folder, { recursive: true });
    after(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  get config(): string {
    return this.path("supergraph.yaml");
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  read(file: string): string {
    return readFileSync(this.path(file), "utf8");
  }

  write(file: string, text: string): this {
    writeFileSync(this.path(file), text);
    return this;
  }

  /** Fails when there is nothing to replace, so that no test passes for having changed nothing. */
  replace(file: string, from: string, to: string): this {
    const text = this.read(file);
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    return this.write(file, text.replace(from, to));
  }
}
