import { type Command, options, required } from "../command.ts";
import { readText, writeText } from "../files.ts";
import { locateJson } from "../json.ts";
import { checkRows } from "../permissions.ts";
import { parsePermissions } from "../permissions-file.ts";
import { permissionsPage } from "../permissions-page.ts";
import { exitCode, formatProblem } from "../problem.ts";
import { readSchema } from "../schema-file.ts";
import { loadSubgraphs } from "../subgraphs.ts";

export const permissionsCommand: Command = {
  summary: "hold the rows on who may see what against the schema, and make a page of them",
  usage: "permissions --data FILE --schema FILE [--config supergraph.yaml] [--out FILE]",

  async run(args, output) {
    const values = options(args, {
      data: { type: "string" },
      schema: { type: "string" },
      config: { type: "string", default: "supergraph.yaml" },
      out: { type: "string" },
    });
    const file = required(values.data, "--data");
    const text = readText(file);
    const permissions = parsePermissions(text, file);
    const api = readSchema(required(values.schema, "--schema"));

    const subgraphs = await loadSubgraphs(values.config);
    const problems = checkRows(permissions, api, subgraphs, locateJson(text, file));
    for (const problem of problems) output.say(formatProblem(problem));
    if (problems.length > 0) return exitCode.broken;

    const page = permissionsPage(permissions, api);
    if (values.out) output.say(writeText(values.out, page));
    else output.print(page);
    return exitCode.clean;
  },
};
