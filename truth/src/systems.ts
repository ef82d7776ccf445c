// Clients of the running systems, over every transport.

import { print } from "graphql";
import { type Client, createClient } from "graphql-ws";
import WebSocket from "ws";
import type { Operation } from "./operation.ts";
import type { Viewer, ViewerName } from "./permissions.ts";
import { emails, PASSWORD } from "./viewers.ts";

export const TRANSPORTS = ["post", "get", "sse", "ws"] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** A response, not validated. */
export interface GraphQLResponse {
  data?: unknown;
  errors?: { message: string; path?: (string | number)[]; extensions?: { code?: string } }[];
}

/** Longer than the timeout of the router. */
const TIMEOUT_MS = 30_000;
/** A longer URL exceeds the router's limits, so the operation is sent by POST. */
const MAX_URL_LENGTH = 12_000;
const EVENT_STREAM = "text/event-stream";
const LOGIN =
  "mutation ($input: LoginInput!) { login(input: $input) { session { accessToken } userErrors { code } } }";

/** One `lyceum up`. */
export class System {
  /** How its router calls the subgraphs: `in-process` or `http`. */
  readonly mode: string;
  readonly endpoint: string;
  readonly #tokens = new Map<ViewerName, string>();
  readonly #sockets = new Map<ViewerName, Client>();

  constructor(mode: string, router: string) {
    this.mode = mode;
    this.endpoint = `${router}/graphql`;
  }

  async signIn(): Promise<void> {
    for (const [name, email] of Object.entries(emails)) {
      const body = { query: LOGIN, variables: { input: { email, password: PASSWORD } } };
      const response = await this.#fetch("POST", this.endpoint, {}, JSON.stringify(body));
      const data = response.data as { login?: { session?: { accessToken: string } } } | undefined;
      const token = data?.login?.session?.accessToken;
      if (!token) throw new Error(`${name} cannot sign in: ${JSON.stringify(response)}`);
      this.#tokens.set(name as ViewerName, token);
    }
  }

  token(viewer: Viewer): string | undefined {
    return this.#tokens.get(viewer.name);
  }

  async send(operation: Operation, transport: Transport): Promise<GraphQLResponse> {
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
        const url = `${this.endpoint}?${parameters}`;
        if (url.length > MAX_URL_LENGTH) return this.send(operation, "post");
        return this.#fetch("GET", url, { ...authorization, "x-lyceum-csrf": "1" });
      }
      // Clients of GraphQL over SSE use it for every operation.
      case "sse": {
        const headers = { ...authorization, accept: EVENT_STREAM };
        return this.#fetch("POST", this.endpoint, headers, JSON.stringify(body));
      }
      case "ws":
        return this.#sendOverWebSocket(viewer, body);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sockets.values()].map((socket) => socket.dispose()));
  }

  async #fetch(
    method: string,
    url: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<GraphQLResponse> {
    const response = await fetch(url, {
      method,
      headers: {
        accept: "application/json",
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    const isStream = response.headers.get("content-type")?.startsWith(EVENT_STREAM);
    if (headers.accept === EVENT_STREAM && !isStream)
      return { errors: [{ message: `not an event stream: ${text.slice(0, 200)}` }] };
    return parse(isStream ? singleEvent(text) : text);
  }

  #sendOverWebSocket(viewer: Viewer, body: { query: string; variables: Record<string, unknown> }) {
    const socket = this.#sockets.get(viewer.name) ?? this.#connect(viewer);
    return new Promise<GraphQLResponse>((resolve, reject) => {
      let response: GraphQLResponse | undefined;
      socket.subscribe(body, {
        next: (value) => {
          response = value as GraphQLResponse;
        },
        // Rejected before execution.
        error: (errors) =>
          Array.isArray(errors) ? resolve({ errors: errors as never }) : reject(errors),
        complete: () =>
          response ? resolve(response) : reject(new Error("no response over the WebSocket")),
      });
    });
  }

  #connect(viewer: Viewer): Client {
    const token = this.token(viewer);
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    class Authorized extends WebSocket {
      constructor(url: string, protocols: string | string[]) {
        super(url, protocols, { headers });
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

/** The data of the only `next` event of a complete stream; otherwise the whole stream. */
function singleEvent(stream: string): string {
  const events = stream.split(/\r?\n\r?\n/).map((event) => event.split(/\r?\n/));
  const named = (name: string) => events.filter((lines) => lines.includes(`event: ${name}`));
  const [next, ...more] = named("next");
  if (!next || more.length > 0 || named("complete").length !== 1) return stream;
  const data = next.filter((line) => line.startsWith("data:"));
  return data.map((line) => line.replace(/^data: ?/, "")).join("\n");
}

function parse(text: string): GraphQLResponse {
  try {
    return JSON.parse(text) as GraphQLResponse;
  } catch {
    return { errors: [{ message: `not JSON: ${text.slice(0, 200)}` }] };
  }
}
