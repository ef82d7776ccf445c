// Reads files as they were at a commit, without a checkout.

import { execFileSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, posix, relative, resolve, sep } from "node:path";
import { withUnixLineEnds } from "./files.ts";
import { CouldNotRun } from "./problem.ts";

export interface Commit {
  /** What the user wrote, such as `origin/main`, or an abbreviated hash. */
  ref: string;
  /** Its name in the report. */
  name: string;
  /** The full hash. */
  id: string;
  /** The root folder of the repository. */
  root: string;
}

/** Undefined when `folder` is not in a repository, or the repository has no such commit. */
export function findCommit(ref: string, folder: string): Commit | undefined {
  // A leading dash would be read as an option.
  if (ref.startsWith("-")) return undefined;
  const id = tryGit(folder, "rev-parse", "--verify", "--quiet", `${ref}^{commit}`);
  const root = tryGit(folder, "rev-parse", "--show-toplevel");
  if (!id || !root) return undefined;
  return { ref, name: `${ref} (${short(id)})`, id: id.trim(), root: root.trim() };
}

/**
 * The merge base of HEAD and `tip`: later commits on the branch of `tip` are not changes of ours.
 * The tip itself when there is no HEAD yet.
 */
export function mergeBase(tip: Commit, folder: string): Commit {
  const head = findCommit("HEAD", folder);
  if (!head) return tip;
  const id = tryGit(folder, "merge-base", head.id, tip.id)?.trim();
  if (id === tip.id) return tip;
  if (id) return { ...tip, id, ref: short(id), name: `${tip.ref} (merge base ${short(id)})` };
  throw new CouldNotRun({
    code: "NO_MERGE_BASE",
    message: `HEAD and ${tip.ref} have no commit in common${shallowHint(folder) ?? ": compare with a file instead"}`,
  });
}

/** Undefined when the folder is in no repository, or git is not installed. */
export function repositoryRoot(folder: string): string | undefined {
  return tryGit(folder, "rev-parse", "--show-toplevel")?.trim();
}

export interface LogEntry {
  commit: Commit;
  /** Such as `2026-11-30`. */
  day: string;
  subject: string;
}

/** The commits of the branch of `until` that changed one of the files, the newest first; merges as one commit. */
export function logOf(
  files: readonly string[],
  since: Commit | undefined,
  until: Commit,
): LogEntry[] {
  const paths = files.flatMap((file) => pathInside(until.root, file) ?? []);
  const range = since ? `${since.id}..${until.id}` : until.id;
  const words = ["log", "--first-parent", "--format=%H%x00%cs%x00%s", range];
  return lines(git(until.root, [...words, "--", ...paths]).toString("utf8")).map((line) => {
    const [id = "", day = "", subject = ""] = line.split("\0");
    const commit = { ref: short(id), name: short(id), id, root: until.root };
    return { commit, day, subject: mergedSubject(commit, subject, paths) ?? subject };
  });
}

/** Subjects that git and its hosts write by themselves name branches and clones, not what was merged. */
const UNTITLED_MERGE =
  /^Merge (remote-tracking )?(branch|branches|commit|tag|pull request|request) /;

/** What the first of the merged commits says that changed one of the files: the later ones mend it. */
function mergedSubject(
  { id, root }: Commit,
  subject: string,
  paths: readonly string[],
): string | undefined {
  if (!UNTITLED_MERGE.test(subject)) return undefined;
  const words = ["log", "--no-merges", "--format=%s", `${id}~1..${id}`];
  return lines(tryGit(root, ...words, "--", ...paths)).at(-1);
}

/** The tagged commits in the history of a commit, the newest first. */
export function tagsOf(until: Commit): LogEntry[] {
  // By history rather than by date: several commits can have the same date.
  const tagged = ["--topo-order", "--simplify-by-decoration", "--decorate-refs=refs/tags/*"];
  const words = ["log", ...tagged, "--format=%H%x00%cs%x00%D", until.id];
  return lines(git(until.root, words).toString("utf8")).flatMap((line): LogEntry[] => {
    const [id = "", day = "", decoration = ""] = line.split("\0");
    const name = /tag: ([^,]+)/.exec(decoration)?.[1];
    const commit = { ref: name ?? id, name: name ?? id, id, root: until.root };
    return name === undefined ? [] : [{ commit, day, subject: name }];
  });
}

/** Its first parent; undefined for the first commit, and where a shallow clone ends. */
export function parentOf(commit: Commit): Commit | undefined {
  return findCommit(`${commit.id}~1`, commit.root);
}

/** The files of these names in the repository of the working directory, as paths from its root. */
export function trackedFiles(names: readonly string[]): { root: string; files: string[] } {
  const root = repositoryRoot(".");
  if (root === undefined) return { root: ".", files: [] };
  const patterns = names.flatMap((name) => [`:(glob)**/${name}`]);
  const found = git(root, [
    "ls-files",
    "-z",
    "--cached",
    "--others",
    "--exclude-standard",
    "--",
    ...patterns,
  ]);
  return { root, files: found.toString("utf8").split("\0").filter(Boolean) };
}

/** What to do when a commit is missing in a shallow clone; undefined in a full clone. */
export function shallowHint(folder: string): string | undefined {
  const isShallow = tryGit(folder, "rev-parse", "--is-shallow-repository")?.trim() === "true";
  return isShallow
    ? "; this clone is shallow, so older commits are missing: `git fetch --unshallow`, or `fetch-depth: 0` for actions/checkout"
    : undefined;
}

/** Every version of the file up to the commit, as far as the clone has the history. */
export function fileHistory(commit: Commit, file: string): string[] {
  const path = pathInside(commit.root, file);
  if (path === undefined) return [];
  const log = ["log", "--full-history", "--format=%H", commit.id, "--", path];
  const ids = git(commit.root, log).toString("utf8").split("\n").filter(Boolean);
  return readBlobs(
    commit.root,
    ids.map((id) => `${id}:${path}`),
  ).filter((text) => text !== undefined);
}

const short = (id: string): string => id.slice(0, 10);

/** Undefined when the commit does not have the file. */
export function readAt(commit: Commit, file: string): string | undefined {
  return readManyAt(commit, [file])[0];
}

/** Reads all files with a single git process. */
export function readManyAt(commit: Commit, files: readonly string[]): (string | undefined)[] {
  // No file is called "..", so git reports it as missing.
  const names = files.map((file) => `${commit.id}:${pathInside(commit.root, file) ?? ".."}`);
  return readBlobs(commit.root, names);
}

function readBlobs(root: string, names: readonly string[]): (string | undefined)[] {
  if (names.length === 0) return [];
  const output = git(root, ["cat-file", "--batch"], names.map((name) => `${name}\n`).join(""));

  const texts: (string | undefined)[] = [];
  let at = 0;
  for (const _ of names) {
    const end = output.indexOf("\n", at);
    const size = /^\S+ blob (\d+)$/.exec(output.toString("utf8", at, end))?.[1];
    at = end + 1;
    if (size === undefined) texts.push(undefined);
    else {
      texts.push(withUnixLineEnds(output.toString("utf8", at, at + Number(size))));
      at += Number(size) + 1;
    }
  }
  return texts;
}

/** The files in a folder and its subfolders at the commit, as paths that start with the folder's. */
export function listAt(commit: Commit, folder: string): string[] {
  const inside = pathInside(commit.root, folder);
  if (inside === undefined) return [];
  const path = inside === "" ? [] : [`${inside}/`];
  const names = git(commit.root, ["ls-tree", "-r", "-z", "--name-only", commit.id, ...path]);
  return names
    .toString("utf8")
    .split("\0")
    .filter((name) => name !== "")
    .map((name) => join(folder, posix.relative(inside, name)));
}

/**
 * The baseline without `--against`: the merge base with the main branch. On that branch itself: HEAD if the
 * files have uncommitted changes, otherwise the previous commit. A reason when there is none.
 */
export function defaultBaseline(
  folder: string,
  files: readonly string[],
): Commit | { reason: string } {
  const unavailable = gitUnavailableReason(folder);
  if (unavailable !== undefined) return { reason: unavailable };
  const head = findCommit("HEAD", folder);
  const tips = mainBranches(folder).flatMap((name) => findCommit(name, folder) ?? []);
  for (const tip of tips) {
    const start = mergeBase(tip, folder);
    if (start.id !== head?.id) return start;
  }
  if (head && tips.length === 0 && !isOnlyBranch(folder)) throw mainBranchUnknown(folder);
  if (head && haveUncommittedChanges(files, head)) return head;
  return findCommit("HEAD~1", folder) ?? { reason: noOtherCommitReason(folder) };
}

/** The names that the main branch may have, the most certain first. A name need not exist. */
function mainBranches(folder: string): string[] {
  const remotes = lines(tryGit(folder, "remote")).sort(originFirst);
  const locally = (names: readonly string[]) => [
    ...remotes.flatMap((remote) => names.map((name) => `${remote}/${name}`)),
    ...names,
  ];
  const targets = CI_TARGET_BRANCHES.flatMap((name) => process.env[name] || []);
  const recorded = remotes.flatMap((remote) => recordedDefault(remote, folder) ?? []);
  if (recorded.length > 0) return [...locally(targets), ...recorded];
  const configured = tryGit(folder, "config", "init.defaultBranch")?.trim();
  return locally([...new Set([...targets, "main", "master", ...(configured ? [configured] : [])])]);
}

/** Where a CI server says into which branch the work is to be merged: GitHub, GitLab. */
const CI_TARGET_BRANCHES = ["GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"];

/** What `git clone` has recorded as the default branch. A clone of one branch records that one, whichever it is. */
function recordedDefault(remote: string, folder: string): string[] | undefined {
  const isWhole = tryGit(folder, "config", "--get-all", `remote.${remote}.fetch`)?.includes("*");
  if (!isWhole) return undefined;
  const head = `refs/remotes/${remote}/HEAD`;
  const ref = tryGit(folder, "symbolic-ref", "--short", "--quiet", head)?.trim();
  return ref ? [ref, ref.slice(remote.length + 1)] : undefined;
}

const originFirst = (a: string, b: string): number =>
  Number(b === "origin") - Number(a === "origin");

/** A repository of its own with a single branch: that is the main branch, whatever its name. */
function isOnlyBranch(folder: string): boolean {
  const branches = lines(tryGit(folder, "for-each-ref", "--format=%(refname)", "refs/heads"));
  return branches.length === 1 && lines(tryGit(folder, "remote")).length === 0;
}

function mainBranchUnknown(folder: string): CouldNotRun {
  const [remote] = lines(tryGit(folder, "remote")).sort(originFirst);
  const fetch = remote
    ? `, or fetch it first: \`git fetch ${remote} +refs/heads/main:refs/remotes/${remote}/main\` (\`fetch-depth: 0\` for actions/checkout)`
    : "";
  return new CouldNotRun({
    code: "NO_BASELINE",
    message: `the main branch is not in this clone${shallowHint(folder) ?? ""}: name the commit, branch or file to compare with by \`--against\`${fetch}`,
  });
}

const lines = (text: string | undefined): string[] => (text ?? "").split("\n").filter(Boolean);

/** In a shallow clone this is an error: a check that compared nothing must not pass. */
function noOtherCommitReason(folder: string): string {
  const message = "the repository has no other commit of the main branch";
  const hint = shallowHint(folder);
  if (hint) throw new CouldNotRun({ code: "NO_BASELINE", message: `${message}${hint}` });
  return message;
}

function haveUncommittedChanges(files: readonly string[], { root }: Commit): boolean {
  const paths = files.map((file) => pathInside(root, file)).filter((path) => path !== undefined);
  const status = [
    "--literal-pathspecs",
    "status",
    "--porcelain",
    "--",
    ...paths.map((path) => path || "."),
  ];
  return git(root, status).length > 0;
}

/** Why git cannot be used outside of a repository. Inside one, a failure of git is an error. */
function gitUnavailableReason(folder: string): string | undefined {
  try {
    git(folder, ["rev-parse", "--show-toplevel"]);
    return undefined;
  } catch (cause) {
    if (!(cause instanceof CouldNotRun) || isInRepository(folder)) throw cause;
    return `git failed (${cause.problems[0]?.message})`;
  }
}

function isInRepository(folder: string): boolean {
  const parent = dirname(folder);
  return existsSync(join(folder, ".git")) || (parent !== folder && isInRepository(parent));
}

/** Relative to the root, with symbolic links resolved; undefined for a file outside of it. */
export function pathInside(root: string, file: string): string | undefined {
  const path = relative(realPath(root), realPath(resolve(file)));
  return path.startsWith("..") || isAbsolute(path) ? undefined : path.split(sep).join("/");
}

/** Also works for paths that do not exist. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}

function tryGit(folder: string, ...args: string[]): string | undefined {
  try {
    return git(folder, args).toString("utf8");
  } catch {
    return undefined;
  }
}

function git(folder: string, args: string[], input?: string): Buffer {
  try {
    return execFileSync("git", args, {
      cwd: folder,
      input,
      maxBuffer: 256 * 1024 * 1024,
      stdio: ["pipe", "pipe", "pipe"],
    });
  } catch (cause) {
    const stderr = (cause as { stderr?: Buffer }).stderr?.toString("utf8").trim();
    const message = stderr || (cause instanceof Error ? cause.message : String(cause));
    throw new CouldNotRun({ code: "GIT_FAILED", message });
  }
}

/** The working directory for git commands about a file, which need not exist. */
export function folderOf(file: string): string {
  return dirname(realPath(resolve(file)));
}
