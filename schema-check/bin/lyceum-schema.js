#!/usr/bin/env node
// The sources run as they are, so that a fresh clone needs `npm ci` and no build,
// and what runs is never older than what one reads.
import { register } from "tsx/esm/api";

// Whoever reads the output may stop early, as `head` does: the exit code still says how it went.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (cause) => {
    if (cause.code !== "EPIPE") throw cause;
  });
}
register();
const { main } = await import("../src/main.ts");
process.exitCode = await main(process.argv.slice(2));
