// Fetches the SDL of a running subgraph, and sends GraphQL queries.

import { CouldNotRun, type Location } from "./problem.ts";

const TIMEOUT_MS = 10_000;

type Headers = Readonly<Record<string, string>>;

export async function fetchSdl(
  subgraph: string,
  url: string,
  headers: Headers,
  location: Location,
): Promise<string> {
  const fail = (message: string): CouldNotRun =>
    new CouldNotRun({
      code: "SUBGRAPH_UNREACHABLE",
      subgraph,
      message: `${url} ${message}`,
      location: location,
    });

  const body = await postQuery(url, "{ _service { sdl } }", headers, fail);
  const sdl = sdlIn(body);
  if (sdl === undefined) throw fail("returned no subgraph SDL");
  return sdl;
}

/** `Name: value`, as for curl. */
export function parseHeaders(headers: readonly string[]): Headers {
  return Object.fromEntries(
    headers.map((header) => {
      const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*(.*)$/.exec(header) ?? [];
      if (name !== undefined && value !== undefined) return [name, value];
      // The value may be a secret, and is not repeated.
      throw new CouldNotRun({ code: "USAGE", message: "--header takes 'Name: value'" });
    }),
  );
}

/** The response body; `fail` creates the error when the request fails. */
export async function postQuery(
  url: string,
  query: string,
  headers: Headers,
  fail: (message: string) => CouldNotRun,
): Promise<string> {
  let response: Response;
  let body: string;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json", ...headers },
      body: JSON.stringify({ query }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    body = await response.text();
  } catch (cause) {
    throw fail(`is unreachable (${reason(cause)})`);
  }
  if (!response.ok) throw fail(`responded with status ${response.status}`);
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
  if (cause.name === "TimeoutError") return `no response within ${TIMEOUT_MS / 1000} seconds`;
  const inner = cause.cause;
  return inner instanceof Error && "code" in inner ? String(inner.code) : cause.message;
}
