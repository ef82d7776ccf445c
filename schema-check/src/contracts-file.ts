// The list of contracts, beside the list of subgraphs.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { isMap, isScalar, isSeq, type YAMLMap } from "yaml";
import { readText } from "./files.ts";
import { CouldNotRun, type Location, type Problem } from "./problem.ts";
import type { ContractFilter } from "./tagged-graph.ts";
import { parseYaml } from "./yaml.ts";

export interface Contract extends ContractFilter {
  name: string;
  location: Location;
}

const FILE = "contracts.yaml";

/** Where the contracts of a list of subgraphs are. */
export const contractsFile = (config: string): string => join(dirname(config), FILE);

/** None, if there is no such file. */
export function loadContracts(config: string): Contract[] {
  const file = contractsFile(config);
  return existsSync(file) ? parseContracts(readText(file), file) : [];
}

export function findContract(name: string, config: string): Contract {
  const contracts = loadContracts(config);
  const found = contracts.find((each) => each.name === name);
  if (found) return found;
  const known = contracts.map((each) => each.name).join(", ") || "none";
  const message = `${contractsFile(config)} has no contract "${name}" (it has: ${known})`;
  throw new CouldNotRun({ code: "UNKNOWN_CONTRACT", message });
}

export function parseContracts(text: string, file: string): Contract[] {
  const { root, locationOf, fail } = parseYaml(text, file, "INVALID_CONTRACTS");
  if (root === null) return [];
  if (!isMap(root)) throw fail("expected names of contracts, each with `include`, `exclude`", root);
  return root.items.map(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : "";
    if (!NAME.test(name)) {
      const message = `"${name}" cannot name a contract: expected small letters, digits and hyphens`;
      throw fail(message, key);
    }
    if (!isMap(value)) throw fail(`contract "${name}" needs \`include\` or \`exclude\``, key);
    const contract = { name, location: locationOf(key), ...filterOf(name, value) };
    if (contract.include.length + contract.exclude.length > 0) return contract;
    throw fail(`contract "${name}" needs a tag in \`include\` or \`exclude\``, key);
  });

  function filterOf(name: string, map: YAMLMap): ContractFilter {
    for (const { key } of map.items) {
      const word = isScalar(key) ? String(key.value) : "";
      if (KEYS.includes(word)) continue;
      const message = `unknown key \`${word}\` in contract "${name}": expected \`include\`, \`exclude\``;
      throw fail(message, key);
    }
    return { include: tagsAt(map, "include"), exclude: tagsAt(map, "exclude") };
  }

  function tagsAt(map: YAMLMap, key: string): string[] {
    const node = map.get(key, true) as unknown;
    if (node === undefined) return [];
    if (!isSeq(node)) throw fail(`\`${key}\` must be a list of tags`, node);
    return node.items.map((item) => {
      if (isScalar(item) && typeof item.value === "string") return item.value;
      throw fail("a tag must be text", item);
    });
  }
}

const KEYS = ["include", "exclude"];

/** It is part of a file's name. */
const NAME = /^[a-z\d]+(-[a-z\d]+)*$/;

/** A problem of a contract, as it is to be read. */
export function contractProblem({ name, location }: Contract, problem: Problem): Problem {
  const message = `contract "${name}": ${problem.message}`;
  return { ...problem, message, location: problem.location ?? location };
}
