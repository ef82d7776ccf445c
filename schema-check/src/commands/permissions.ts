import { type Command, parseOptions, requireOption } from "../command.ts";
import { readText, writeText } from "../files.ts";
import { locateJson } from "../json.ts";
import { checkPermissions } from "../permissions.ts";
import { parsePermissions } from "../permissions-file.ts";
import { permissionsPage } from "../permissions-page.ts";
import { exitCode, formatProblem } from "../problem.ts";
import { readSchema } from "../schema-file.ts";
import { loadSubgraphs } from "../subgraphs.ts";

export const permissionsCommand: Command = {
  async run(args, output) {
    const values = parseOptions(args, {
      data: { type: "string" },
      schema: { type: "string" },
      config: { type: "string", default: "supergraph.yaml" },
      out: { type: "string" },
    });
    const file = requireOption(values.data, "--data");
    const text = readText(file);
    const permissions = parsePermissions(text, file);
    const api = readSchema(requireOption(values.schema, "--schema"));

    const subgraphs = await loadSubgraphs(values.config);
    const problems = checkPermissions(permissions, api, subgraphs, locateJson(text, file));
    for (const problem of problems) output.log(formatProblem(problem));
    if (problems.length > 0) return exitCode.failed;

    const page = permissionsPage(permissions, api);
    if (values.out) output.log(writeText(values.out, page));
    else output.print(page);
    return exitCode.passed;
  },
};
