import type { GraphQLSchema } from "graphql";
import { type Command, parseOptions, requireOption } from "../command.ts";
import { checkContract, exists } from "../contract.ts";
import { readText } from "../files.ts";
import { CouldNotRun, exitCode } from "../problem.ts";
import { readSchema } from "../schema-file.ts";

export const contractCommand: Command = {
  async run(args, output) {
    const values = parseOptions(args, {
      contract: { type: "string" },
      schema: { type: "string" },
      "missing-allowed": { type: "string" },
    });
    const contract = readSchema(requireOption(values.contract, "--contract"));
    const schema = readSchema(requireOption(values.schema, "--schema"));
    const allowFile = values["missing-allowed"];
    const mayBeMissing = allowFile ? readNames(allowFile, contract) : new Set<string>();

    const report = checkContract(contract, schema, mayBeMissing);
    // A name left on the list could be removed from the schema again without a violation.
    const violations = [
      ...report.noLongerMissing.map((name) => `${name} exists now: remove it from ${allowFile}`),
      ...report.violations,
    ];
    for (const violation of violations) output.log(`violation: ${violation}`);
    if (violations.length > 0) return exitCode.failed;
    output.log("the schema satisfies the contract");
    return exitCode.passed;
  },
};

/** One name per line; `#` starts a comment. A name that is not in the contract is an error. */
function readNames(file: string, contract: GraphQLSchema): Set<string> {
  const names = new Set<string>();
  for (const [index, line] of readText(file).split(/\r?\n/).entries()) {
    const name = line.replace(/#.*/, "").trim();
    if (name === "") continue;
    if (!exists(contract, name)) {
      throw new CouldNotRun({
        code: "UNKNOWN_NAME",
        message: `the contract has no ${name}`,
        location: { file, line: index + 1 },
      });
    }
    names.add(name);
  }
  return names;
}
