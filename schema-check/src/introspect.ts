// Asks a running subgraph for its SDL, and whatever answers GraphQL for what it says.

import { CouldNotRun, type Place } from "./problem.ts";

const TIMEOUT_MS = 10_000;

export async function fetchSdl(subgraph: string, url: string, namedAt: Place): Promise<string> {
  const fail = (message: string): CouldNotRun =>
    new CouldNotRun({
      code: "SUBGRAPH_UNREACHABLE",
      subgraph,
      message: `${url} ${message}`,
      place: namedAt,
    });

  const body = await ask(url, "{ _service { sdl } }", fail);
  const sdl = sdlIn(body);
  if (sdl === undefined) throw fail("answers, but not with the SDL of a subgraph");
  return sdl;
}

/** The body of the answer to a query; `fail` makes the error when there is none. */
export async function ask(
  url: string,
  query: string,
  fail: (message: string) => CouldNotRun,
): Promise<string> {
  let response: Response;
  let body: string;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ query }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    body = await response.text();
  } catch (cause) {
    throw fail(`does not answer (${reason(cause)})`);
  }
  if (!response.ok) throw fail(`answers with status ${response.status}`);
  return body;
}

function sdlIn(body: string): string | undefined {
  try {
    const sdl: unknown = JSON.parse(body)?.data?._service?.sdl;
    return typeof sdl === "string" ? sdl : undefined;
  } catch {
    return undefined;
  }
}

function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause.name === "TimeoutError") return `no answer within ${TIMEOUT_MS / 1000} seconds`;
  const inner = cause.cause;
  return inner instanceof Error && "code" in inner ? String(inner.code) : cause.message;
}
