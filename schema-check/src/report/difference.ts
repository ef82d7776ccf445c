// The difference between two states of a graph, as text, Markdown, HTML and JSON.

import type { Change, Level } from "../changes.ts";
import { byLevel, countText, type Difference, LEVEL_TITLES } from "../difference.ts";
import { htmlText, markdownCode, markdownText } from "./escape.ts";

export const differenceFormats = { terminal, markdown, html, json } satisfies Record<
  string,
  (difference: Difference) => string
>;

export type DifferenceFormat = keyof typeof differenceFormats;

export function isDifferenceFormat(name: string): name is DifferenceFormat {
  return Object.hasOwn(differenceFormats, name);
}

const SIGNS: Record<Level, string> = { breaking: "✗", dangerous: "!", safe: "·" };

function terminal({ from, to, changes }: Difference): string {
  const blocks = byLevel(changes).map(([level, found]) =>
    [
      LEVEL_TITLES[level],
      ...found.map(({ kind, path, message }) => `  ${SIGNS[level]} ${kind} ${path}: ${message}`),
    ].join("\n"),
  );
  return `${[...blocks, `From ${from} to ${to}: ${countText(changes)}`].join("\n\n")}\n`;
}

function markdown({ from, to, changes }: Difference): string {
  const head = `## The graph from ${markdownText(from)} to ${markdownText(to)}\n\n${countText(changes)}.`;
  return `${[head, ...markdownLevels(changes, 3)].join("\n\n")}\n`;
}

/** A heading and a list for each level. */
export function markdownLevels(changes: readonly Change[], depth: number): string[] {
  return byLevel(changes).map(([level, found]) => {
    const items = found.map(
      ({ path, message }) => `- ${markdownCode(path)}: ${markdownMessage(message)}`,
    );
    return `${"#".repeat(depth)} ${LEVEL_TITLES[level]}\n\n${items.join("\n")}`;
  });
}

/** The same for reading along: of what is safe, only names, and changed descriptions without their text. */
export function foldedLevels(changes: readonly Change[]): string[] {
  return byLevel(changes).map(([level, found]) => {
    const lines =
      level === "safe"
        ? GROUPS.flatMap((group) => foldedLines(group, found))
        : found.map(({ message }) => `- ${markdownMessage(message)}`);
    return `**${LEVEL_TITLES[level]}:**\n\n${lines.join("\n")}`;
  });
}

/** In this order; a change is in the first that fits. Those without a title are told in full. */
const GROUPS: readonly { title?: string; kinds: RegExp; max?: number }[] = [
  { title: "New types", kinds: /^TYPE_ADDED$/ },
  { title: "New fields", kinds: /^FIELD_ADDED$/ },
  { title: "New input fields", kinds: /^INPUT_FIELD_ADDED$/ },
  { title: "New arguments", kinds: /^FIELD_ARGUMENT_ADDED$/ },
  { kinds: /^(?!.*_DESCRIPTION_)/ },
  // A commit that rewords all of them is not to hide what else there is.
  { title: "Descriptions", kinds: /_DESCRIPTION_/, max: 8 },
];

function foldedLines(group: (typeof GROUPS)[number], changes: readonly Change[]): string[] {
  const found = changes.filter(
    ({ kind }) => GROUPS.find(({ kinds }) => kinds.test(kind)) === group,
  );
  if (found.length === 0) return [];
  if (group.title === undefined) {
    return found.map(({ message }) => `- ${markdownMessage(message)}`);
  }
  const names = [...new Set(found.map(({ path }) => markdownCode(path)))];
  const shown = names.slice(0, group.max);
  const rest = names.length - shown.length;
  return [`- ${group.title}: ${shown.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`];
}

/** With names as code. */
function markdownMessage(message: string): string {
  return message
    .split(/'([\w@.:![\]]+)'/)
    .map((part, index) => (index % 2 === 1 ? markdownCode(part) : markdownText(part)))
    .join("");
}

const STYLE = `
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h2 { margin-top: 2rem; }
li { margin: 0.25rem 0; }
code { font-size: 0.9em; }
.breaking { border-left: 0.3rem solid #b3261e; padding-left: 1rem; }
.dangerous { border-left: 0.3rem solid #946200; padding-left: 1rem; }
.safe { border-left: 0.3rem solid #1e7b34; padding-left: 1rem; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee; } }
`;

function html({ from, to, changes }: Difference): string {
  const title = htmlText(`The graph from ${from} to ${to}`);
  const sections = byLevel(changes).map(([level, found]) => {
    const items = found.map(
      ({ kind, path, message }) =>
        `<li><code title="${htmlText(kind)}">${htmlText(path)}</code>: ${htmlText(message)}</li>`,
    );
    return `<section class="${level}">\n<h2>${LEVEL_TITLES[level]}</h2>\n<ul>\n${items.join("\n")}\n</ul>\n</section>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${title}</h1>
<p>${htmlText(countText(changes))}.</p>
${sections.join("\n")}
</body>
</html>
`;
}

function json({ from, to, changes }: Difference): string {
  const listed = changes.map(({ kind, path, level, message, reason }) => ({
    ...{ kind, path, level, message, reason },
  }));
  return `${JSON.stringify({ version: 1, from, to, changes: listed }, undefined, 2)}\n`;
}
