#!/usr/bin/env node
// In a clone the sources run as they are, so that it needs `npm ci` and no build, and what runs is never older than
// what one reads. The package has what was built of them.

import { existsSync } from "node:fs";

const source = new URL("../src/main.ts", import.meta.url);
const isClone = existsSync(source);
if (isClone) (await import("tsx/esm/api")).register();

// Whoever reads the output may stop early, as `head` does: the exit code still says how it went.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (cause) => {
    if (cause.code !== "EPIPE") throw cause;
  });
}
const { main } = await import(isClone ? source.href : "../dist/main.js");
process.exitCode = await main(process.argv.slice(2));
