// Reads files as they were at a commit, without a checkout.

import { execFileSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, posix, relative, resolve, sep } from "node:path";
import { CouldNotRun } from "./problem.ts";

export interface Commit {
  /** As files of it are named: what the user wrote, such as `origin/main`, or the beginning of its id. */
  ref: string;
  /** As the report calls it. */
  name: string;
  /** The full name. */
  id: string;
  /** The folder that paths inside the repository begin at. */
  root: string;
}

/** The commit that `ref` names, if there is a repository around `folder` and it knows the name. */
export function findCommit(ref: string, folder: string): Commit | undefined {
  // A leading dash would be read as an option.
  if (ref.startsWith("-")) return undefined;
  const id = tryGit(folder, "rev-parse", "--verify", "--quiet", `${ref}^{commit}`);
  const root = tryGit(folder, "rev-parse", "--show-toplevel");
  if (!id || !root) return undefined;
  return { ref, name: `${ref} (${short(id)})`, id: id.trim(), root: root.trim() };
}

/**
 * Where the work in `folder` has begun: what the branch of `tip` got since then is no change of ours.
 * The tip itself, where nothing is checked out yet.
 */
export function whereItBranched(tip: Commit, folder: string): Commit {
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

/** What to do when a commit is missing in a clone that has not got all of them; nothing in other clones. */
export function shallowHint(folder: string): string | undefined {
  const isShallow = tryGit(folder, "rev-parse", "--is-shallow-repository")?.trim() === "true";
  return isShallow
    ? "; this clone is shallow, so that older commits are missing: `git fetch --unshallow`, or `fetch-depth: 0` for actions/checkout"
    : undefined;
}

/** Each text that the file has had up to the commit, as far as the clone knows. */
export function historyOf(commit: Commit, file: string): string[] {
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

/** The file's text at the commit, if it was there. */
export function readAt(commit: Commit, file: string): string | undefined {
  return readManyAt(commit, [file])[0];
}

/** One text for each file, by a single process. */
export function readManyAt(commit: Commit, files: readonly string[]): (string | undefined)[] {
  // Nothing is called "..", and git says that it is missing.
  const names = files.map((file) => `${commit.id}:${pathInside(commit.root, file) ?? ".."}`);
  return readBlobs(commit.root, names);
}

function readBlobs(root: string, names: readonly string[]): (string | undefined)[] {
  if (names.length === 0) return [];
  const answer = git(root, ["cat-file", "--batch"], names.map((name) => `${name}\n`).join(""));

  const texts: (string | undefined)[] = [];
  let at = 0;
  for (const _ of names) {
    const end = answer.indexOf("\n", at);
    const size = /^\S+ blob (\d+)$/.exec(answer.toString("utf8", at, end))?.[1];
    at = end + 1;
    if (size === undefined) texts.push(undefined);
    else {
      texts.push(answer.toString("utf8", at, at + Number(size)));
      at += Number(size) + 1;
    }
  }
  return texts;
}

/** The files of a folder at the commit, those of its folders included, as paths that begin like the folder's. */
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
 * What a change is to be compared with when nobody says: the commit of the main branch at which it began. On
 * that branch itself: the last commit, if the files have changed since, else the one before. If there is
 * none, the reason.
 */
export function mainBranchBefore(
  folder: string,
  files: readonly string[],
): Commit | { reason: string } {
  const trouble = troubleWith(folder);
  if (trouble !== undefined) return { reason: trouble };
  const head = findCommit("HEAD", folder);
  for (const name of ["origin/main", "main"]) {
    const tip = findCommit(name, folder);
    const start = tip && whereItBranched(tip, folder);
    if (start && start.id !== head?.id) return start;
  }
  if (head && haveChanged(files, head)) return head;
  return findCommit("HEAD~1", folder) ?? { reason: noOtherCommit(folder) };
}

/** Whoever clones too little is to be told: a check that has looked at no change must not look clean. */
function noOtherCommit(folder: string): string {
  const message = "this repository knows no other commit of the main branch";
  const hint = shallowHint(folder);
  if (hint) throw new CouldNotRun({ code: "NO_BASELINE", message: `${message}${hint}` });
  return message;
}

function haveChanged(files: readonly string[], { root }: Commit): boolean {
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

/** Why git cannot be asked, outside of a repository. In one, that is for whoever has set it up to mend. */
function troubleWith(folder: string): string | undefined {
  try {
    git(folder, ["rev-parse", "--show-toplevel"]);
    return undefined;
  } catch (cause) {
    if (!(cause instanceof CouldNotRun) || isInRepository(folder)) throw cause;
    return `git cannot be asked (${cause.problems[0]?.message})`;
  }
}

function isInRepository(folder: string): boolean {
  const parent = dirname(folder);
  return existsSync(join(folder, ".git")) || (parent !== folder && isInRepository(parent));
}

/** As git names it, which follows no links; nothing for a file that is elsewhere. */
function pathInside(root: string, file: string): string | undefined {
  const path = relative(realPath(root), realPath(resolve(file)));
  return path.startsWith("..") || isAbsolute(path) ? undefined : path.split(sep).join("/");
}

/** Also of what is not there, or no more. */
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
    const said = (cause as { stderr?: Buffer }).stderr?.toString("utf8").trim();
    const message = said || (cause instanceof Error ? cause.message : String(cause));
    throw new CouldNotRun({ code: "GIT_FAILED", message });
  }
}

/** The folder that git is asked in, for a file that need not be there. */
export function folderOf(file: string): string {
  return dirname(realPath(resolve(file)));
}
