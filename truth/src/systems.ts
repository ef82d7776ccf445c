// The running systems, asked in every way in which clients ask.

import { print } from "graphql";
import { type Client, createClient } from "graphql-ws";
import WebSocket from "ws";
import type { Operation } from "./operation.ts";
import type { Viewer, ViewerName } from "./permissions.ts";
import { addresses, PASSWORD } from "./viewers.ts";

export const TRANSPORTS = ["post", "get", "sse", "ws"] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** What came back, whatever it was. */
export interface Reply {
  data?: unknown;
  errors?: { message: string; path?: (string | number)[]; extensions?: { code?: string } }[];
}

/** Longer than the router gives anybody. */
const PATIENCE_MILLISECONDS = 30_000;
/** Beyond, an address is too long for a header. */
const LONGEST_ADDRESS = 12_000;
const EVENTS = "text/event-stream";
const LOGIN =
  "mutation ($input: LoginInput!) { login(input: $input) { session { accessToken } userErrors { code } } }";

/** One `lyceum up`. */
export class System {
  /** How its router calls the subgraphs. */
  readonly mode: string;
  readonly endpoint: string;
  readonly #tokens = new Map<ViewerName, string>();
  readonly #sockets = new Map<ViewerName, Client>();

  constructor(mode: string, router: string) {
    this.mode = mode;
    this.endpoint = `${router}/graphql`;
  }

  async signIn(): Promise<void> {
    for (const [name, email] of Object.entries(addresses)) {
      const body = { query: LOGIN, variables: { input: { email, password: PASSWORD } } };
      const reply = await this.#fetch("POST", this.endpoint, {}, JSON.stringify(body));
      const data = reply.data as { login?: { session?: { accessToken: string } } } | undefined;
      const token = data?.login?.session?.accessToken;
      if (!token) throw new Error(`${name} cannot sign in: ${JSON.stringify(reply)}`);
      this.#tokens.set(name as ViewerName, token);
    }
  }

  token(viewer: Viewer): string | undefined {
    return this.#tokens.get(viewer.name);
  }

  async ask(operation: Operation, transport: Transport): Promise<Reply> {
    const { variables, operationName, viewer } = operation;
    const query = print(operation.document);
    const body = { query, variables, ...(operationName && { operationName }) };
    const token = this.token(viewer);
    const authorization = token ? { authorization: `Bearer ${token}` } : undefined;
    switch (transport) {
      case "post":
        return this.#fetch("POST", this.endpoint, { ...authorization }, JSON.stringify(body));
      case "get": {
        const parameters = new URLSearchParams({ query, variables: JSON.stringify(variables) });
        if (operationName) parameters.set("operationName", operationName);
        const address = `${this.endpoint}?${parameters}`;
        if (address.length > LONGEST_ADDRESS) return this.ask(operation, "post");
        return this.#fetch("GET", address, { ...authorization, "x-lyceum-csrf": "1" });
      }
      // As clients of GraphQL over SSE send everything.
      case "sse": {
        const headers = { ...authorization, accept: EVENTS };
        return this.#fetch("POST", this.endpoint, headers, JSON.stringify(body));
      }
      case "ws":
        return this.#askSocket(viewer, body);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sockets.values()].map((socket) => socket.dispose()));
  }

  async #fetch(
    method: string,
    address: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<Reply> {
    const response = await fetch(address, {
      method,
      headers: {
        accept: "application/json",
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      signal: AbortSignal.timeout(PATIENCE_MILLISECONDS),
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    const isStream = response.headers.get("content-type")?.startsWith(EVENTS);
    if (headers.accept === EVENTS && !isStream)
      return { errors: [{ message: `no events: ${text.slice(0, 200)}` }] };
    return parse(isStream ? onlyEvent(text) : text);
  }

  #askSocket(viewer: Viewer, body: { query: string; variables: Record<string, unknown> }) {
    const socket = this.#sockets.get(viewer.name) ?? this.#connect(viewer);
    return new Promise<Reply>((resolve, reject) => {
      let reply: Reply | undefined;
      socket.subscribe(body, {
        next: (value) => {
          reply = value as Reply;
        },
        // Refused before it ran.
        error: (errors) =>
          Array.isArray(errors) ? resolve({ errors: errors as never }) : reject(errors),
        complete: () => (reply ? resolve(reply) : reject(new Error("no answer over a WebSocket"))),
      });
    });
  }

  #connect(viewer: Viewer): Client {
    const token = this.token(viewer);
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    class Authorized extends WebSocket {
      constructor(address: string, protocols: string | string[]) {
        super(address, protocols, { headers });
      }
    }
    const url = this.endpoint.replace(/^http/, "ws");
    const socket = createClient({
      url,
      webSocketImpl: Authorized,
      lazy: true,
      retryAttempts: 0,
      lazyCloseTimeout: 60_000,
    });
    this.#sockets.set(viewer.name, socket);
    return socket;
  }
}

/** The data of a stream's one event, if it is there, and its end. */
function onlyEvent(stream: string): string {
  const events = stream.split(/\r?\n\r?\n/).map((event) => event.split(/\r?\n/));
  const named = (name: string) => events.filter((lines) => lines.includes(`event: ${name}`));
  const [next, ...more] = named("next");
  if (!next || more.length > 0 || named("complete").length !== 1) return stream;
  const data = next.filter((line) => line.startsWith("data:"));
  return data.map((line) => line.replace(/^data: ?/, "")).join("\n");
}

function parse(text: string): Reply {
  try {
    return JSON.parse(text) as Reply;
  } catch {
    return { errors: [{ message: `no JSON: ${text.slice(0, 200)}` }] };
  }
}
