// Composes with a second composer, whose package may be missing. It runs in a thread of its own, beside the first one.

import { createRequire } from "node:module";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { withoutOneOf } from "./federation-version.ts";
import { type ComposerError, toProblem } from "./locate.ts";
import { CouldNotRun, type Problem } from "./problem.ts";
import type { Subgraph } from "./subgraphs.ts";

export type CrossComposition =
  | { composes: true; supergraph: string }
  | { composes: false; problems: Problem[] };

/** What the thread answers; see bin/second-composer.js. */
interface Answer {
  id: number;
  supergraph?: string;
  errors?: ComposerError[];
  /** The composer threw. */
  crash?: string;
}

export async function composeWithApollo(subgraphs: readonly Subgraph[]): Promise<CrossComposition> {
  const { supergraph, errors, crash } = await ask(
    subgraphs.map(({ name, url, origin, document }) => ({
      ...{ name, url: url ?? "", origin },
      sdl: withoutOneOf(document),
    })),
  );
  if (supergraph !== undefined) return { composes: true, supergraph };
  const problems = (errors ?? []).map((error) => toProblem(error, subgraphs));
  if (crash !== undefined) problems.push({ code: "COMPOSER_CRASHED", message: crash });
  return { composes: false, problems };
}

export function isApolloInstalled(): boolean {
  return packageFile() !== undefined;
}

/** Beside this program, or in the project that it checks. */
function packageFile(): string | undefined {
  for (const from of [import.meta.url, join(process.cwd(), "package.json")]) {
    try {
      return createRequire(from).resolve("@apollo/composition");
    } catch {}
  }
  return undefined;
}

/** One thread for all compositions: to load the composer takes a third of a second. */
let thread: Worker | undefined;
let lastId = 0;

function ask(subgraphs: object[]): Promise<Answer> {
  const worker = started();
  lastId += 1;
  const id = lastId;
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off("message", onMessage).off("error", onError);
      // An idle thread must not keep the process alive.
      if (worker.listenerCount("message") === 0) worker.unref();
    };
    const onMessage = (answer: Answer): void => {
      if (answer.id !== id) return;
      settle();
      resolve(answer);
    };
    const onError = (cause: unknown): void => {
      thread = undefined;
      settle();
      reject(cause);
    };
    worker.on("message", onMessage).on("error", onError).ref();
    worker.postMessage({ id, subgraphs });
  });
}

function started(): Worker {
  if (thread) return thread;
  const file = packageFile();
  if (file === undefined) {
    throw new CouldNotRun({
      code: "SECOND_COMPOSER_MISSING",
      message: "@apollo/composition is not installed: `npm install --save-dev @apollo/composition`",
    });
  }
  thread = new Worker(new URL("../bin/second-composer.js", import.meta.url), {
    workerData: { file },
    // Options of this process, such as a loader, are not for the thread.
    execArgv: [],
    // Composition makes much that is soon of no use.
    resourceLimits: { maxYoungGenerationSizeMb: 64 },
  });
  return thread;
}
