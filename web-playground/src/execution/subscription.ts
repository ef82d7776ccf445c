import type { DocumentNode } from 'graphql';
import { createClient } from 'graphql-sse';
import { errorCodes, type GraphQLRequest, type GraphQLResponse, send } from '../network/send';
import { renewToken, validToken } from '../session/session';
import { eventId, isResumable, LATEST_EVENT_QUERY, type LatestEvent, resumeAfter } from './resume';

export interface StreamEvent {
  /** From 1. */
  number: number;
  at: Date;
  response: GraphQLResponse<unknown>;
}

export interface Stream {
  state: 'connecting' | 'live' | 'reconnecting' | 'ended';
  /** Newest first, up to `MAX_EVENTS`. */
  events: StreamEvent[];
  count: number;
  /** How many times the connection was lost. */
  disconnects: number;
  /** Whether events may be missing, because the stream could not be resumed from a known event. */
  mayHaveMissedEvents: boolean;
  /** Why it ended, if neither the server completed it nor the user stopped it. */
  endReason?: string;
}

interface Sink {
  /** The state changed, or an event arrived. */
  update: (stream: Stream) => void;
  /** An event, or the error response that ended the stream. */
  next: (response: GraphQLResponse<unknown>) => void;
}

interface Subscription {
  request: GraphQLRequest;
  document: DocumentNode;
  headers: Record<string, string>;
}

/** Why a connection ended. */
type ConnectionEnd = 'completed' | 'unauthenticated' | 'disconnected';

const MAX_EVENTS = 200;
const MIN_RETRY_DELAY_MS = 500;
const MAX_RETRY_DELAY_MS = 5_000;
/** A connection that lasted longer was accepted with its token; a shorter one was rejected at once. */
const ACCEPTED_AFTER_MS = 1_000;
const NEW_STREAM: Stream = {
  state: 'connecting',
  events: [],
  count: 0,
  disconnects: 0,
  mayHaveMissedEvents: false,
};

/** Runs a subscription until it completes or is stopped, and reconnects when the connection is lost. */
export async function subscribe(subscription: Subscription, sink: Sink, stopped: AbortSignal): Promise<void> {
  const stream = new StreamState(sink);
  await runWithReconnect(subscription, stream, stopped);
  stream.set({ state: 'ended' });
}

class StreamState {
  #stream = NEW_STREAM;
  readonly #sink: Sink;

  constructor(sink: Sink) {
    this.#sink = sink;
    sink.update(this.#stream);
  }

  get current(): Stream {
    return this.#stream;
  }

  set(changes: Partial<Stream>): void {
    this.#stream = { ...this.#stream, ...changes };
    this.#sink.update(this.#stream);
  }

  record(response: GraphQLResponse<unknown>): void {
    const { events, count } = this.#stream;
    const event = { number: count + 1, at: new Date(), response };
    this.set({ events: [event, ...events].slice(0, MAX_EVENTS), count: count + 1 });
    this.#sink.next(response);
  }

  end(response: GraphQLResponse<unknown>): void {
    this.#sink.next(response);
  }
}

async function runWithReconnect(
  subscription: Subscription,
  stream: StreamState,
  stopped: AbortSignal,
): Promise<void> {
  // The last received event, or the latest event before the stream started; undefined when unknown.
  let lastEventId: string | undefined;
  let hasStarted = false;
  let retryDelay = MIN_RETRY_DELAY_MS;
  let canRenewToken = true;

  while (!stopped.aborted) {
    const token = await validToken();
    const headers = withToken(subscription.headers, token);
    const request = hasStarted && lastEventId ? resumeAfter(lastEventId, subscription) : subscription.request;
    if (!hasStarted) lastEventId = await fetchLatestEventId(subscription.document, headers);
    if (stopped.aborted) return;
    const startedAt = performance.now();
    const { end, last } = await connect(request, headers, stopped, {
      onLive: () => stream.set({ state: 'live' }),
      onEvent: (response) => {
        lastEventId = response.data ? eventId(response) : lastEventId;
        retryDelay = MIN_RETRY_DELAY_MS;
        canRenewToken = true;
        stream.record(response);
      },
    });

    if (stopped.aborted) return;
    // A quiet stream may outlive many tokens without any event.
    canRenewToken ||= performance.now() - startedAt > ACCEPTED_AFTER_MS;
    const { state, disconnects, mayHaveMissedEvents } = stream.current;
    const wasLive = state === 'live';
    // If the token was rejected before any event, the position to resume from may be unknown.
    hasStarted ||= wasLive && (end !== 'unauthenticated' || lastEventId !== undefined);
    if (end === 'unauthenticated' && token && canRenewToken) {
      // The stream ended because its token expired: resume with a new one.
      canRenewToken = false;
      if (await renewToken(token)) continue;
    }
    if (end !== 'disconnected') {
      if (last) stream.end(last);
      return;
    }
    stream.set({
      state: 'reconnecting',
      disconnects: wasLive ? disconnects + 1 : disconnects,
      mayHaveMissedEvents: mayHaveMissedEvents || (hasStarted && !lastEventId),
    });
    await delay(retryDelay, stopped);
    retryDelay = Math.min(retryDelay * 2, MAX_RETRY_DELAY_MS);
  }
}

/** The latest event before the stream starts, to resume from if the connection is lost before the first event. */
async function fetchLatestEventId(
  document: DocumentNode,
  headers: Record<string, string>,
): Promise<string | undefined> {
  if (!isResumable(document)) return undefined;
  const response = await send<LatestEvent>({ query: LATEST_EVENT_QUERY }, headers).catch(() => null);
  return response?.data?.me?.notifications?.nodes[0]?.id;
}

/** Runs one connection until it ends; `last` is the error response that ended it, if any. */
function connect(
  request: GraphQLRequest,
  headers: Record<string, string>,
  stopped: AbortSignal,
  { onLive, onEvent }: { onLive: () => void; onEvent: (response: GraphQLResponse<unknown>) => void },
): Promise<{ end: ConnectionEnd; last?: GraphQLResponse<unknown> }> {
  const client = createClient({ url: '/graphql', singleConnection: false, retryAttempts: 0, headers });
  return new Promise((resolve) => {
    let ended: { end: ConnectionEnd; last?: GraphQLResponse<unknown> } | undefined;
    const finish = (how: NonNullable<typeof ended>) => {
      // The signal outlives the connection, and would keep its token and its events.
      stopped.removeEventListener('abort', stop);
      resolve(how);
    };
    const stop = () => {
      dispose();
      finish({ end: 'completed' });
    };
    const { query, variables = {}, operationName, extensions } = request;
    const dispose = client.subscribe(
      {
        query,
        variables,
        ...(operationName ? { operationName } : {}),
        ...(extensions ? { extensions } : {}),
      },
      {
        next(result) {
          const response = result as unknown as GraphQLResponse<unknown>;
          const codes = errorCodes(response);
          if (codes.has('UNAUTHENTICATED')) ended = { end: 'unauthenticated', last: response };
          else if (codes.has('SERVICE_UNAVAILABLE')) ended = { end: 'disconnected' };
          else onEvent(response);
        },
        error: () => finish(ended ?? { end: 'disconnected' }),
        complete: () => finish(ended ?? { end: 'completed' }),
      },
      { connected: onLive },
    );
    stopped.addEventListener('abort', stop);
  });
}

function withToken(headers: Record<string, string>, token: string | undefined): Record<string, string> {
  // A header from the headers tab wins, in any letter case.
  const hasCustomToken = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  return token && !hasCustomToken ? { authorization: `Bearer ${token}`, ...headers } : headers;
}

function delay(milliseconds: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      stopped.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, milliseconds);
    stopped.addEventListener('abort', finish);
  });
}
