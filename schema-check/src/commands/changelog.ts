import { changelogText, changesByCommit, changesByRelease, newestCommit } from "../changelog.ts";
import { type Command, type Output, parseOptions } from "../command.ts";
import { readText, writeText } from "../files.ts";
import { type Commit, findCommit, folderOf, logOf, mergeBase, tagsOf } from "../git.ts";
import { findConfig } from "../places.ts";
import { CouldNotRun, type ExitCode, exitCode } from "../problem.ts";
import { loadSubgraphs } from "../subgraphs.ts";

export const changelogCommand: Command = {
  async run(args, output) {
    const values = parseOptions(args, {
      config: { type: "string" },
      since: { type: "string" },
      until: { type: "string", default: "HEAD" },
      by: { type: "string", default: "commit" },
      out: { type: "string" },
      check: { type: "boolean", default: false },
    });
    if (values.by !== "commit" && values.by !== "release") {
      const message = `--by takes commit or release, not "${values.by}"`;
      throw new CouldNotRun({ code: "USAGE", message });
    }
    const config = findConfig(values.config);
    const folder = folderOf(config);
    if (values.check)
      return checkFile(values.out, { config, by: values.by, since: values.since }, output);
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

/**
 * Whether the file is what the command writes up to the newest commit in it. It cannot have the commit that it is part
 * of, so what came later is only counted.
 */
async function checkFile(
  file: string | undefined,
  { config, by, since }: { config: string; by: string; since: string | undefined },
  output: Output,
): Promise<ExitCode> {
  if (file === undefined || by !== "commit") {
    const message = "--check needs --out FILE, a changelog by commit";
    throw new CouldNotRun({ code: "USAGE", message });
  }
  const folder = folderOf(config);
  const text = readText(file);
  const stale = (why: string) => {
    output.log(`${file}: error [STALE]: ${why}; write it again, without --check`);
    return exitCode.failed;
  };
  const newest = newestCommit(text);
  if (newest === undefined) return stale("it has no entry");
  const until = findCommit(newest, folder);
  const head = requireCommit("HEAD", folder);
  if (!until || mergeBase(until, folder).id !== until.id) {
    return stale(`${newest} is not in this history`);
  }
  const from = since === undefined ? undefined : requireCommit(since, folder);
  const files = await filesOf(config);
  const entries = await changesByCommit(logOf(files, from, until), config);
  if (changelogText(entries) !== text)
    return stale(`it is not what the history up to ${newest} says`);
  const later = logOf(files, until, head).length;
  output.log(
    later === 0
      ? `${file} is up to date`
      : `${file} is correct; ${later} later commits are not in it`,
  );
  return exitCode.passed;
}

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
