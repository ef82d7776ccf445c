import { changelogText, changesByCommit, changesByRelease } from "../changelog.ts";
import { type Command, parseOptions } from "../command.ts";
import { writeText } from "../files.ts";
import { type Commit, findCommit, folderOf, logOf, tagsOf } from "../git.ts";
import { findConfig } from "../places.ts";
import { CouldNotRun, exitCode } from "../problem.ts";
import { loadSubgraphs } from "../subgraphs.ts";

export const changelogCommand: Command = {
  async run(args, output) {
    const values = parseOptions(args, {
      config: { type: "string" },
      since: { type: "string" },
      until: { type: "string", default: "HEAD" },
      by: { type: "string", default: "commit" },
      out: { type: "string" },
    });
    if (values.by !== "commit" && values.by !== "release") {
      const message = `--by takes commit or release, not "${values.by}"`;
      throw new CouldNotRun({ code: "USAGE", message });
    }
    const config = findConfig(values.config);
    const folder = folderOf(config);
    const until = requireCommit(values.until, folder);
    const since = values.since === undefined ? undefined : requireCommit(values.since, folder);
    const entries =
      values.by === "release"
        ? await changesByRelease(releases(since, until), config)
        : await changesByCommit(logOf(await filesOf(config), since, until), config);

    const text = changelogText(entries);
    if (values.out === undefined) output.print(text);
    else output.log(writeText(values.out, text));
    return exitCode.passed;
  },
};

/** The list of subgraphs, and their schemas as they are listed now. */
async function filesOf(config: string): Promise<string[]> {
  return [config, ...(await loadSubgraphs(config)).map(({ origin }) => origin)];
}

function releases(since: Commit | undefined, until: Commit) {
  const tags = tagsOf(until);
  const first = since ? tags.findIndex(({ commit }) => commit.id === since.id) : -1;
  return first < 0 ? tags : tags.slice(0, first + 1);
}

function requireCommit(ref: string, folder: string): Commit {
  const commit = findCommit(ref, folder);
  if (commit) return commit;
  throw new CouldNotRun({ code: "UNKNOWN_COMMIT", message: `"${ref}" is not a commit` });
}
