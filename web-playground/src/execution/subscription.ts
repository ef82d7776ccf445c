import type { DocumentNode } from 'graphql';
import { createClient } from 'graphql-sse';
import { errorCodes, type GraphQLRequest, type GraphQLResponse, send } from '../network/send';
import { renewToken, validToken } from '../session/session';
import {
  eventId,
  hasOwnStart,
  isResumable,
  LATEST_EVENT_QUERY,
  type LatestEvent,
  type LatestEventNodes,
  type LatestEvents,
  latestEvents,
  readLatestEvents,
  resumeAfter,
} from './resume';
import { Search } from './search';

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

interface Connection {
  end: ConnectionEnd;
  /** The error response that ended it, if any. */
  last?: GraphQLResponse<unknown>;
}

interface Listener {
  onLive: () => void;
  onEvent: (response: GraphQLResponse<unknown>) => void;
}

type FoundEvent = NonNullable<ReturnType<typeof readLatestEvents>>[number];
type FoundEvents = [FoundEvent, ...FoundEvent[]];

const MAX_EVENTS = 200;
const MIN_RETRY_DELAY_MS = 500;
const MAX_RETRY_DELAY_MS = 5_000;
/** A connection that lasted longer was accepted with its token; a shorter one was rejected at once. */
const ACCEPTED_AFTER_MS = 1_000;
/** Codes of errors that another try may not have. */
const PASSING = new Set(['SERVICE_UNAVAILABLE', 'RATE_LIMITED', 'UNAUTHENTICATED', 'INTERNAL_SERVER_ERROR']);
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

/** Where a stream starts: after the latest event, where its request says, or somewhere, if there is no event yet. */
type Start = { after: string } | 'own' | LatestEvents;

async function runWithReconnect(
  subscription: Subscription,
  stream: StreamState,
  stopped: AbortSignal,
): Promise<void> {
  let start: Start | undefined;
  // The last received event, or the latest event before the stream started; undefined when unknown.
  let lastEventId: string | undefined;
  let hasStarted = false;
  let retryDelay = MIN_RETRY_DELAY_MS;
  let canRenewToken = true;
  const onLive = () => stream.set({ state: 'live' });
  const onEvent = (response: GraphQLResponse<unknown>) => {
    lastEventId = response.data ? eventId(response) : lastEventId;
    retryDelay = MIN_RETRY_DELAY_MS;
    canRenewToken = true;
    stream.record(response);
  };

  while (!stopped.aborted) {
    const token = await validToken();
    const headers = withToken(subscription.headers, token);
    if (!hasStarted && !start) {
      start = await findStart(subscription, headers);
      if (typeof start === 'object' && 'after' in start) lastEventId = start.after;
    }
    if (stopped.aborted) return;
    const request = lastEventId ? resumeAfter(lastEventId, subscription) : subscription.request;
    const startedAt = performance.now();
    let found: string | undefined;
    const { end, last } = isSearch(start)
      ? await connectAndSearch(request, headers, stopped, start, {
          onLive,
          onEvent,
          onFound: (events) => {
            for (const { response } of events.toReversed()) onEvent(response);
            found = events[0].id;
          },
        })
      : await connect(request, headers, stopped, { onLive, onEvent });

    if (stopped.aborted) return;
    if (found) {
      start = { after: found };
      lastEventId = found;
      hasStarted = true;
      continue;
    }
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
    const isResumed =
      lastEventId !== undefined || isSearch(start) || (start === 'own' && stream.current.count === 0);
    stream.set({
      state: 'reconnecting',
      disconnects: wasLive ? disconnects + 1 : disconnects,
      mayHaveMissedEvents: mayHaveMissedEvents || (hasStarted && !isResumed),
    });
    await delay(retryDelay, stopped);
    retryDelay = Math.min(retryDelay * 2, MAX_RETRY_DELAY_MS);
  }
}

function isSearch(start: Start | undefined): start is LatestEvents {
  return typeof start === 'object' && 'request' in start;
}

/** What was there when the run began, so that nothing is missed before the stream stands; undefined when unknown. */
async function findStart(
  subscription: Subscription,
  headers: Record<string, string>,
): Promise<Start | undefined> {
  if (!isResumable(subscription.document)) return undefined;
  if (hasOwnStart(subscription)) return 'own';
  const response = await send<LatestEvent>({ query: LATEST_EVENT_QUERY }, headers).catch(() => null);
  const nodes = response?.data?.me?.notifications?.nodes;
  const [latest] = nodes ?? [];
  if (latest) return { after: latest.id };
  return nodes && latestEvents(subscription);
}

/**
 * A connection without an event to start after: nobody knows which events it misses before it stands. So those that it
 * sends only say that there is something to ask for.
 */
async function connectAndSearch(
  request: GraphQLRequest,
  headers: Record<string, string>,
  stopped: AbortSignal,
  latest: LatestEvents,
  { onLive, onEvent, onFound }: Listener & { onFound: (events: FoundEvents) => void },
): Promise<Connection> {
  const closed = new AbortController();
  const pending: GraphQLResponse<unknown>[] = [];
  let isRefused = false;
  const ask = async () => {
    const answer = await send<LatestEventNodes>(latest.request, headers);
    const events = readLatestEvents(latest, answer);
    if (!events && isRefusal(answer)) {
      // What the stream sends is all that there is then.
      isRefused = true;
      search.stop();
      for (const event of pending.splice(0)) onEvent(event);
    }
    return events;
  };
  const search = new Search(ask, (events) => {
    onFound(events);
    closed.abort();
  });
  const { wake } = search;
  const connection = await connect(request, headers, AbortSignal.any([stopped, closed.signal]), {
    onLive: () => {
      onLive();
      wake();
    },
    onEvent: (response) => {
      // An error is in no list.
      if (isRefused || !response.data) return onEvent(response);
      pending.push(response);
      wake();
    },
  });
  search.stop();
  return connection;
}

/** Whether asking again would be refused again, such as for the depth of the query. */
function isRefusal(answer: GraphQLResponse<unknown>): boolean {
  const codes = errorCodes(answer);
  return codes.size > 0 && ![...codes].some((code) => PASSING.has(code));
}

/** Runs one connection until it ends. */
function connect(
  request: GraphQLRequest,
  headers: Record<string, string>,
  stopped: AbortSignal,
  { onLive, onEvent }: Listener,
): Promise<Connection> {
  const client = createClient({ url: '/graphql', singleConnection: false, retryAttempts: 0, headers });
  return new Promise((resolve) => {
    let ended: Connection | undefined;
    const finish = (how: Connection) => {
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
