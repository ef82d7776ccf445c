// lyceum-truth: sends random operations to the running system and compares the responses with a reference.

import { calibrate } from "./cost/calibrate.ts";
import { Databases } from "./databases.ts";
import { addEdgeCases } from "./edge-case-data.ts";
import { readCalibrationOptions, readOptions, USAGE } from "./options.ts";
import { runAll } from "./run.ts";

/** Returns the exit code. */
export async function main(args: string[]): Promise<number> {
  if (args.length === 0 || args.includes("--help") || args[0] === "help") {
    process.stdout.write(USAGE);
    return args.length === 0 ? 2 : 0;
  }
  const databases = new Databases(process.env);
  try {
    if (args[0] === "prepare") {
      await addEdgeCases(databases);
      return 0;
    }
    if (args[0] === "cost") {
      await calibrate(readCalibrationOptions(args.slice(1)), databases);
      return 0;
    }
    return (await runAll(readOptions(args), databases)) ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    return 2;
  } finally {
    await databases.close();
  }
}
