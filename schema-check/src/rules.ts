// The rules file: sets the severity of each rule and lists exceptions.

import { isMap, isScalar, isSeq, type YAMLMap } from "yaml";
import { lintRules } from "./lint.ts";
import type { Location } from "./problem.ts";
import { parseYaml } from "./yaml.ts";

export const severities = ["error", "warning", "off"] as const;
export type Setting = (typeof severities)[number];

/** Rules that are not lint rules. */
export const checkRules = [
  "unused-breaking-change",
  "dangerous-change",
  "access-change",
  "plan-change",
] as const;

export interface Exception {
  rule: string;
  /** The path of the type, field or argument. */
  at: string;
  reason: string;
  /** The last day on which it applies, such as `2027-01-31`. */
  until: string;
  location: Location;
}

/** The second composer is not asked, for a reason and until a day: it may be the one that is wrong. */
export interface SkippedCrossCheck {
  reason: string;
  until: string;
}

export interface Rules {
  settings: ReadonlyMap<string, Setting>;
  exceptions: readonly Exception[];
  skipCrossCheck?: SkippedCrossCheck;
  lint: LintScope;
  /** The command that generates the supergraph, as the files name it. */
  generatedBy?: string;
}

/** Whether lint looks at what a change adds, or at the whole graph. */
export const lintScopes = ["added", "all"] as const;
export type LintScope = (typeof lintScopes)[number];

export const isLintScope = (text: string | undefined): text is LintScope =>
  (lintScopes as readonly (string | undefined)[]).includes(text);

const KEYS = ["rules", "exceptions", "lint", "skip-cross-check", "generated-by"];

export const ruleNames: readonly string[] = [...checkRules, ...Object.keys(lintRules)];

export function defaultRules(): Rules {
  const isCheckRule = (name: string) => (checkRules as readonly string[]).includes(name);
  return {
    settings: new Map(ruleNames.map((name) => [name, isCheckRule(name) ? "warning" : "error"])),
    exceptions: [],
    lint: "added",
  };
}

/** Rules that the file does not name keep their defaults. */
export function parseRules(text: string, file: string): Rules {
  const { root, locationOf, fail } = parseYaml(text, file, "INVALID_RULES");
  const expected = KEYS.map((key) => `\`${key}\``).join(", ");
  if (!isMap(root)) throw fail(`expected ${expected}`, root);
  for (const { key } of root.items) {
    if (!KEYS.includes(textOf(key) ?? "")) {
      throw fail(`unknown key "${textOf(key)}": expected one of ${expected}`, key);
    }
  }
  return {
    settings: settings(root.get("rules")),
    exceptions: exceptions(root.get("exceptions")),
    skipCrossCheck: skippedCrossCheck(root.get("skip-cross-check")),
    lint: lintScope(root.get("lint", true)),
    generatedBy: commandText(root.get("generated-by", true)),
  };

  function commandText(node: unknown): string | undefined {
    if (node === undefined) return undefined;
    const command = textOf(node);
    if (command !== undefined && /^[^\n`]+$/.test(command)) return command;
    throw fail("`generated-by` must be a command", node);
  }

  function lintScope(node: unknown): LintScope {
    if (node === undefined) return "added";
    const scope = textOf(node);
    if (isLintScope(scope)) return scope;
    throw fail(`\`lint\` must be one of ${lintScopes.join(", ")}`, node);
  }

  function skippedCrossCheck(node: unknown): SkippedCrossCheck | undefined {
    if (node === undefined || node === null) return undefined;
    if (!isMap(node)) throw fail("`skip-cross-check` must have `reason` and `until`", node);
    return { reason: field(node, "reason"), until: day(node) };
  }

  function settings(node: unknown): Map<string, Setting> {
    const all = new Map(defaultRules().settings);
    if (node === undefined || node === null) return all;
    if (!isMap(node)) throw fail("`rules` must map names to error, warning or off", node);
    for (const { key, value } of node.items) {
      const [name = "", setting] = [textOf(key), isScalar(value) ? value.value : undefined];
      if (!ruleNames.includes(name)) {
        throw fail(`unknown rule "${name}": expected one of ${ruleNames.join(", ")}`, key);
      }
      // YAML 1.1 reads a bare `off` as a boolean.
      const known = severities.find(
        (severity) => severity === (setting === false ? "off" : setting),
      );
      if (!known) throw fail(`"${name}" must be one of ${severities.join(", ")}`, value);
      all.set(name, known);
    }
    return all;
  }

  function exceptions(node: unknown): Exception[] {
    if (node === undefined || node === null) return [];
    if (!isSeq(node)) throw fail("`exceptions` must be a list", node);
    return node.items.map((item) => {
      if (!isMap(item))
        throw fail("an exception must have `rule`, `at`, `reason` and `until`", item);
      return exception(item);
    });
  }

  function field(item: YAMLMap, name: string): string {
    const text = textOf(item.get(name, true));
    if (!text?.trim()) throw fail(`an exception needs \`${name}\``, item);
    return text;
  }

  function day(item: YAMLMap): string {
    const until = field(item, "until");
    if (isDay(until)) return until;
    throw fail(`\`until\` must be a date such as 2027-01-31, not "${until}"`, item);
  }

  function exception(item: YAMLMap): Exception {
    const found = {
      rule: field(item, "rule"),
      at: field(item, "at"),
      reason: field(item, "reason"),
    };
    const until = day(item);
    if (!ruleNames.includes(found.rule)) throw fail(`unknown rule "${found.rule}"`, item);
    if (!Object.hasOwn(lintRules, found.rule)) {
      const message = `"${found.rule}" is not a lint rule and takes no exceptions (lint rules: ${Object.keys(lintRules).join(", ")}); approve a breaking change instead`;
      throw fail(message, item);
    }
    return { ...found, until, location: locationOf(item) };
  }
}

/** Whether it is an existing calendar date. */
function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.valueOf()) && date.toISOString().startsWith(`${text}T`);
}

function textOf(node: unknown): string | undefined {
  return isScalar(node) ? String(node.value ?? "") : undefined;
}
