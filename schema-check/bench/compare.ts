// This command beside the offline commands of others, on the same graphs, in one run: processor time and memory.
// `npm run bench`; it needs GNU time, and installs the others from the registry into a folder of its own.

import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { writeLargeGraph } from "../tests/large-graph.ts";

const PACKAGE = join(import.meta.dirname, "..");
const ROOT = join(PACKAGE, "..");
const OWN = [process.execPath, join(PACKAGE, "bin", "lyceum-schema.js")];

/** Each in a folder of its own: they do not bear each other's `graphql`. */
const TOOLS = {
  "graphql-inspector": ["@graphql-inspector/cli@7.0.0", "graphql@16.15.0"],
  hive: ["@graphql-hive/cli@0.66.0"],
  wgc: ["wgc@0.112.7"],
} as const;
type Tool = keyof typeof TOOLS;

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    tools: { type: "string", default: join(PACKAGE, "node_modules/.cache/bench") },
    graph: { type: "string", multiple: true, default: ["this", "large"] },
  },
});

function program(tool: Tool): string {
  const folder = join(options.tools, tool);
  const path = join(folder, "node_modules/.bin", tool);
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    const words = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder];
    execFileSync("npm", [...words, ...TOOLS[tool]], { stdio: ["ignore", "ignore", "inherit"] });
  }
  return path;
}

interface Graph {
  name: string;
  folder: string;
  /** API schemas before and after the change. */
  before: string;
  after: string;
}

const scratch = mkdtempSync(join(tmpdir(), "lyceum-bench-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

/** A graph in a repository, committed, and then changed in every subgraph. */
function graph(name: string, write: (folder: string) => void): Graph {
  const folder = join(scratch, name);
  mkdirSync(folder);
  write(folder);
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=A", "-c", "user.email=a@example.com", ...args], {
      cwd: folder,
    });
  const api = (file: string) => {
    const [node = "", ...words] = [...OWN, "compose", "--api-out", file];
    execFileSync(node, words, { cwd: folder, stdio: "ignore" });
    return join(folder, file);
  };
  git("init", "--quiet", "--initial-branch", "main");
  git("add", "--all");
  git("commit", "--quiet", "-m", "The graph");
  const before = api("before.graphql");
  for (const [index, { file }] of subgraphs(folder).entries()) {
    const sdl = readFileSync(file, "utf8");
    writeFileSync(file, `${sdl}\nextend type Query {\n  "New."\n  new${index}: Int\n}\n`);
  }
  return { name, folder, before, after: api("after.graphql") };
}

function subgraphs(folder: string): { name: string; file: string }[] {
  const { subgraphs } = parse(readFileSync(join(folder, "supergraph.yaml"), "utf8"));
  return Object.entries<{ schema: { file: string } }>(subgraphs).map(([name, { schema }]) => ({
    ...{ name, file: join(folder, schema.file) },
  }));
}

function thisGraph(folder: string): void {
  cpSync(join(ROOT, "supergraph.yaml"), join(folder, "supergraph.yaml"));
  for (const { file } of subgraphs(ROOT)) {
    cpSync(file, join(folder, file.slice(ROOT.length + 1)), { recursive: true });
  }
  // The others know no documents that services send, and no manifest.
  mkdirSync(join(folder, "operations"));
  const documents = readdirSync(join(ROOT, "operations")).filter((name) => /\.graphql$/.test(name));
  for (const name of documents) {
    cpSync(join(ROOT, "operations", name), join(folder, "operations", name));
  }
}

/** What each command does, and the exit codes with which it has done it. */
interface Task {
  tool: "lyceum-schema" | Tool;
  does: string;
  command: string[];
}

function tasks({ folder, before, after }: Graph): Task[] {
  const listed = subgraphs(folder);
  const composition = join(folder, "wgc.yaml");
  writeFileSync(
    composition,
    `version: 1\nsubgraphs:\n${listed.map(({ name, file }) => `  - name: ${name}\n    routing_url: http://${name}\n    schema:\n      file: ${file}\n`).join("")}`,
  );
  const services = listed.flatMap(({ name, file }) => [
    ...["--service", name, "--url", `http://${name}`, "--schema", file],
  ]);
  const documents = join(folder, "operations", "*.graphql");
  const check = ["check", "--against", "HEAD", "--lint", "added"];
  const [inspector, hive, wgc] = [program("graphql-inspector"), program("hive"), program("wgc")];
  return [
    {
      tool: "lyceum-schema",
      does: "compose",
      command: [...OWN, "compose", "--out", "own.graphql"],
    },
    {
      tool: "hive",
      does: "compose",
      command: [hive, "dev", ...services, "--write", "hive.graphql"],
    },
    {
      tool: "wgc",
      does: "compose",
      command: [wgc, "router", "compose", "-i", composition, "-o", "wgc.json"],
    },
    {
      tool: "lyceum-schema",
      does: "compare two API schemas",
      command: [...OWN, "diff", before, after],
    },
    {
      tool: "graphql-inspector",
      does: "compare two API schemas",
      command: [inspector, "diff", before, after],
    },
    {
      tool: "graphql-inspector",
      does: "validate the operations",
      command: [inspector, "validate", documents, after],
    },
    { tool: "lyceum-schema", does: "check", command: [...OWN, ...check] },
  ];
}

interface Measure {
  processor: number;
  elapsed: number;
  megabytes: number;
}

function measure({ tool, does, command }: Task, cwd: string): Measure {
  const file = join(scratch, "time");
  const words = ["-o", file, "-f", "%U %S %e %M", ...command];
  const env = { ...process.env, NO_COLOR: "1", CI: "1" };
  const { status, stdout, stderr } = spawnSync("time", words, { cwd, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${tool}, ${does}: exit code ${status}\n${stdout}${stderr}`);
  const last = readFileSync(file, "utf8").trim().split("\n").at(-1) ?? "";
  const [user = 0, system = 0, elapsed = 0, kilobytes = 0] = last.split(" ").map(Number);
  return { processor: user + system, elapsed, megabytes: kilobytes / 1024 };
}

const median = (values: number[]): number =>
  values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const GRAPHS: Record<string, (folder: string) => void> = {
  this: thisGraph,
  large: (folder) => writeLargeGraph(folder, { subgraphs: 30, types: 3000, operations: 1000 }),
};

console.log(
  `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, Node.js ${process.versions.node}; medians of ${options.runs} runs`,
);
console.log("\n| graph | task | command | processor time | elapsed | memory |");
console.log("| --- | --- | --- | ---: | ---: | ---: |");
for (const name of options.graph) {
  const write = GRAPHS[name];
  if (!write) throw new Error(`no graph is called ${name}`);
  const one = graph(name, write);
  for (const task of tasks(one)) {
    const runs = Array.from({ length: Number(options.runs) }, () => measure(task, one.folder));
    const [processor, elapsed, megabytes] = (["processor", "elapsed", "megabytes"] as const).map(
      (what) => median(runs.map((run) => run[what])),
    );
    console.log(
      `| ${name} | ${task.does} | ${task.tool} | ${processor?.toFixed(1)} s | ${elapsed?.toFixed(1)} s | ${megabytes?.toFixed(0)} MB |`,
    );
  }
}
