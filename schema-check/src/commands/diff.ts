import { loadState } from "../baseline.ts";
import { type Command, parseWords } from "../command.ts";
import { difference } from "../difference.ts";
import { writeText } from "../files.ts";
import { parseHeaders } from "../introspect.ts";
import { findConfig } from "../places.ts";
import { CouldNotRun, exitCode } from "../problem.ts";
import { differenceFormats, isDifferenceFormat } from "../report/difference.ts";

export const diffCommand: Command = {
  async run(args, output) {
    const { values, words } = parseWords(args, spec, 2);
    const [from, to] = words;
    if (from === undefined) {
      throw new CouldNotRun({ code: "USAGE", message: "diff takes one or two states to compare" });
    }
    const { format, out } = values;
    if (!isDifferenceFormat(format)) {
      const known = Object.keys(differenceFormats).join(", ");
      const message = `unknown format "${format}": expected one of ${known}`;
      throw new CouldNotRun({ code: "USAGE", message });
    }
    const headers = parseHeaders(values.header);
    const config = values.config ?? (needsConfig(from, to) ? findConfig(undefined) : ".");
    const before = await loadState(from, config, headers);
    const after = await loadState(to, config, headers);
    const text = differenceFormats[format](await difference(before, after));
    if (out === undefined) output.print(text);
    else output.log(writeText(out, text));
    return exitCode.passed;
  },
};

const spec = {
  config: { type: "string" },
  header: { type: "string", multiple: true, default: [] as string[] },
  format: { type: "string", default: "terminal" },
  out: { type: "string" },
} as const;

/** Files and URLs are whole graphs; a commit and the working tree have one that has to be found. */
function needsConfig(from: string, to: string | undefined): boolean {
  const isWhole = (state: string) => /^https?:/.test(state) || /\.(graphqls?|json)$/.test(state);
  return to === undefined || !isWhole(from) || !isWhole(to);
}
