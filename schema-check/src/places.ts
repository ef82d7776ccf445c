// Finds the list of subgraphs where no option names it.

import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { trackedFiles } from "./git.ts";
import { CouldNotRun } from "./problem.ts";

const NAMES = [
  "supergraph.yaml",
  "supergraph.yml",
  "supergraph-config.yaml",
  "supergraph-config.yml",
];

/** In this folder, or else the only one in the repository, such as `graph/supergraph.yaml` in a monorepo. */
export function findConfig(named: string | undefined): string {
  if (named !== undefined) return named;
  const here = NAMES.find((name) => existsSync(name));
  if (here !== undefined) return here;
  const { root, files } = trackedFiles(NAMES);
  const found = files.map((file) => relative(process.cwd(), join(root, file)));
  if (found.length === 1) return found[0] as string;
  const message =
    found.length === 0
      ? `no list of subgraphs was found (${NAMES.join(", ")}): name it by --config, in the format of Rover's supergraph configuration`
      : `there are several lists of subgraphs, ${found.join(", ")}: name one by --config`;
  throw new CouldNotRun({ code: "NO_CONFIG", message });
}

/** A file with the usual name, here or beside the list of subgraphs. */
export function findUsual(name: string, config: string): string {
  const beside = join(dirname(config), name);
  return !existsSync(name) && existsSync(beside) ? beside : name;
}
