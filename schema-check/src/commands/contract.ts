import type { GraphQLSchema } from "graphql";
import { type Command, options, required } from "../command.ts";
import { checkContract, exists } from "../contract.ts";
import { readText } from "../files.ts";
import { CouldNotRun, exitCode } from "../problem.ts";
import { readSchema } from "../schema-file.ts";

export const contractCommand: Command = {
  summary: "hold a schema against the contract that clients were given",
  usage: "contract --contract FILE --schema FILE [--missing-allowed FILE]",

  async run(args, output) {
    const values = options(args, {
      contract: { type: "string" },
      schema: { type: "string" },
      "missing-allowed": { type: "string" },
    });
    const contract = readSchema(required(values.contract, "--contract"));
    const schema = readSchema(required(values.schema, "--schema"));
    const allowFile = values["missing-allowed"];
    const mayBeMissing = allowFile ? readNames(allowFile, contract) : new Set<string>();

    const report = checkContract(contract, schema, mayBeMissing);
    // What stays on the list could be lost again unseen.
    const faults = [
      ...report.noLongerMissing.map((name) => `${name} is there by now: take it off ${allowFile}`),
      ...report.violations,
    ];
    for (const fault of faults) output.say(`violation: ${fault}`);
    if (faults.length > 0) return exitCode.broken;
    output.say("the schema keeps the contract");
    return exitCode.clean;
  },
};

/** One name a line; `#` begins a comment. A name that the contract lacks is a slip of the pen. */
function readNames(file: string, contract: GraphQLSchema): Set<string> {
  const names = new Set<string>();
  for (const [index, line] of readText(file).split(/\r?\n/).entries()) {
    const name = line.replace(/#.*/, "").trim();
    if (name === "") continue;
    if (!exists(contract, name)) {
      throw new CouldNotRun({
        code: "UNKNOWN_NAME",
        message: `the contract has no ${name}`,
        place: { file, line: index + 1 },
      });
    }
    names.add(name);
  }
  return names;
}
