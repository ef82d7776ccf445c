// What of a graph is used, as text, Markdown and JSON.

import type { SchemaUsage } from "../schema-usage.ts";
import { markdownCode, markdownText } from "./escape.ts";
import { clientsText, plural } from "./text.ts";

export const usageFormats = { terminal, markdown, json } satisfies Record<
  string,
  (usage: SchemaUsage) => string
>;

export type UsageFormat = keyof typeof usageFormats;

export function isUsageFormat(name: string): name is UsageFormat {
  return Object.hasOwn(usageFormats, name);
}

function terminal(usage: SchemaUsage): string {
  const deprecated = usage.deprecated.map(
    ({ coordinate, reason, requests, clients }) =>
      `  ${coordinate}: ${plural(requests, "request")} from ${clientsText(clients)}\n      ${reason}`,
  );
  const blocks = [
    ...(deprecated.length > 0 ? [["Deprecated and still used", ...deprecated].join("\n")] : []),
    ...(usage.unused.length > 0
      ? [["Not used", ...usage.unused.map((coordinate) => `  ${coordinate}`)].join("\n")]
      : []),
    summary(usage),
  ];
  return `${blocks.join("\n\n")}\n`;
}

function markdown(usage: SchemaUsage): string {
  const rows = usage.deprecated.map(
    ({ coordinate, reason, requests, clients }) =>
      `| ${markdownCode(coordinate)} | ${requests.toLocaleString("en")} | ${markdownText(clientsText(clients))} | ${markdownText(reason)} |`,
  );
  const table = ["| deprecated | requests | clients | |", "| --- | --- | --- | --- |", ...rows];
  const unused = usage.unused.map((coordinate) => `- ${markdownCode(coordinate)}`);
  const blocks = [
    "## Usage of the graph",
    `${summary(usage)}.`,
    ...(rows.length > 0 ? ["### Deprecated and still used", table.join("\n")] : []),
    ...(unused.length > 0 ? ["### Not used", unused.join("\n")] : []),
  ];
  return `${blocks.join("\n\n")}\n`;
}

function json(usage: SchemaUsage): string {
  return `${JSON.stringify({ version: 1, ...usage }, undefined, 2)}\n`;
}

function summary({ days, requests, unused, deprecated }: SchemaUsage): string {
  const found = `${plural(deprecated.length, "deprecated element")} still used, ${unused.length.toLocaleString("en")} not used`;
  return `${plural(requests, "request")} in ${plural(days, "day")}: ${found}`;
}
