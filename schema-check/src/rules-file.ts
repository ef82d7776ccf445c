// Finds and reads the rules.

import { existsSync } from "node:fs";
import { readText } from "./files.ts";
import { findUsual } from "./places.ts";
import { defaultRules, parseRules, type Rules } from "./rules.ts";

const RULES = "schema-check/rules.yaml";

/** A file that is named must exist; without the usual one, the default rules apply. */
export function loadRules(named: string | undefined, config: string): Rules {
  const file = named ?? findUsual(RULES, config);
  return named === undefined && !existsSync(file)
    ? defaultRules()
    : parseRules(readText(file), file);
}
