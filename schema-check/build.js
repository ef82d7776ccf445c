// Builds what the package has: the sources as JavaScript with their types, and the licences.

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, rmSync } from "node:fs";

process.chdir(import.meta.dirname ?? new URL(".", import.meta.url).pathname);
rmSync("dist", { recursive: true, force: true });
execFileSync("npx", ["tsc", "--project", "tsconfig.build.json"], { stdio: "inherit" });
for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) {
  if (existsSync(`../${name}`)) copyFileSync(`../${name}`, name);
}
