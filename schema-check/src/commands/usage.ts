import type { GraphQLSchema } from "graphql";
import { type Command, parseOptions } from "../command.ts";
import { apiSchema, compose } from "../composition.ts";
import { writeText } from "../files.ts";
import { findConfig } from "../places.ts";
import { CouldNotRun, exitCode } from "../problem.ts";
import { isUsageFormat, usageFormats } from "../report/schema-usage.ts";
import { readSchema } from "../schema-file.ts";
import { schemaUsage } from "../schema-usage.ts";
import { loadSubgraphs } from "../subgraphs.ts";
import { readTraffic, recentTraffic } from "../traffic.ts";
import { parseDay, parseDays } from "../traffic-options.ts";

export const usageCommand: Command = {
  async run(args, output) {
    const values = parseOptions(args, {
      traffic: { type: "string", multiple: true, default: [] as string[] },
      days: { type: "string" },
      today: { type: "string" },
      schema: { type: "string" },
      config: { type: "string" },
      format: { type: "string", default: "terminal" },
      out: { type: "string" },
    });
    const { traffic, format, out } = values;
    if (traffic.length === 0) {
      throw new CouldNotRun({ code: "USAGE", message: "--traffic is required" });
    }
    if (!isUsageFormat(format)) {
      const known = Object.keys(usageFormats).join(", ");
      const message = `unknown format "${format}": expected one of ${known}`;
      throw new CouldNotRun({ code: "USAGE", message });
    }
    const days = parseDays(values.days);
    const records = recentTraffic(readTraffic(traffic), parseDay(values.today), days);
    const schema = values.schema ? readSchema(values.schema) : await composed(values.config);
    const text = usageFormats[format](schemaUsage(schema, records, days));
    if (out === undefined) output.print(text);
    else output.log(writeText(out, text));
    return exitCode.passed;
  },
};

async function composed(config: string | undefined): Promise<GraphQLSchema> {
  const result = compose(await loadSubgraphs(findConfig(config)));
  if (!result.composes) throw new CouldNotRun(...result.problems);
  return apiSchema(result.document);
}
