import type { DocumentNode } from 'graphql';
import { createClient } from 'graphql-sse';
import { create } from 'zustand';
import { freshToken, renew } from '../session/session';
import { isResumable, LATEST, type Latest, newestId, resumeAfter } from './resume';
import { errorCodes, type GraphQLReply, type GraphQLRequest, send } from './send';

export interface StreamEvent {
  /** From 1. */
  number: number;
  at: Date;
  reply: GraphQLReply<unknown>;
}

interface Stream {
  state: 'none' | 'connecting' | 'live' | 'reconnecting' | 'ended';
  /** The newest first; only so many are kept. */
  events: StreamEvent[];
  count: number;
  /** How often the connection was lost. */
  losses: number;
  /** Whether something may have come meanwhile: it was not known after which event to go on. */
  mayMiss: boolean;
}

interface Sink {
  next: (reply: GraphQLReply<unknown>) => void;
  error: (error: unknown) => void;
  complete: () => void;
}

interface Subscription {
  request: GraphQLRequest;
  document: DocumentNode;
  headers: Record<string, string>;
}

/** How a connection came to its end. */
type End = 'complete' | 'refused' | 'away';

const KEPT_EVENTS = 200;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5_000;
const NONE: Stream = { state: 'none', events: [], count: 0, losses: 0, mayMiss: false };

export const useStream = create<Stream>(() => NONE);

export function forgetStream(): void {
  useStream.setState(NONE, true);
}

/** Follows a subscription until it ends or is stopped; a lost connection is made again. */
export function follow(subscription: Subscription, sink: Sink): { unsubscribe: () => void } {
  const stop = new AbortController();
  useStream.setState({ ...NONE, state: 'connecting' }, true);
  void keepConnected(subscription, sink, stop.signal).finally(() => useStream.setState({ state: 'ended' }));
  return { unsubscribe: () => stop.abort() };
}

async function keepConnected(subscription: Subscription, sink: Sink, stopped: AbortSignal): Promise<void> {
  // Of the last event, or of the last one before the stream; none if it is not known.
  let newest: string | undefined;
  let hasBegun = false;
  let wait = FIRST_WAIT_MS;
  let mayRenew = true;

  while (!stopped.aborted) {
    const token = await freshToken();
    const headers = withToken(subscription.headers, token);
    const request = hasBegun && newest ? resumeAfter(newest, subscription) : subscription.request;
    if (!hasBegun) newest = await latest(subscription.document, headers);
    const { end, last } = await connect(request, headers, stopped, (reply) => {
      newest = reply.data ? newestId(reply) : newest;
      wait = FIRST_WAIT_MS;
      mayRenew = true;
      note(reply);
      sink.next(reply);
    });

    if (stopped.aborted) return;
    const { state, losses, mayMiss } = useStream.getState();
    const wasLive = state === 'live';
    // Refused at once it has told nothing, and where it would have begun is not known.
    hasBegun ||= wasLive && (end !== 'refused' || newest !== undefined);
    if (end === 'refused' && token && mayRenew) {
      // The stream ends with its token: the next one goes on where it was.
      mayRenew = false;
      if (await renew(token)) continue;
    }
    if (end !== 'away') {
      if (last) sink.next(last);
      sink.complete();
      return;
    }
    useStream.setState({
      state: 'reconnecting',
      losses: wasLive ? losses + 1 : losses,
      mayMiss: mayMiss || (hasBegun && !newest),
    });
    await pause(wait, stopped);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

/** The newest event before a stream: what comes after it is not to be missed, even if the connection is lost at once. */
async function latest(document: DocumentNode, headers: Record<string, string>): Promise<string | undefined> {
  if (!isResumable(document)) return undefined;
  const reply = await send<Latest>({ query: LATEST }, headers).catch(() => null);
  return reply?.data?.me?.notifications?.nodes[0]?.id;
}

/** One connection, to its end; the last answer is one that ended it. */
function connect(
  request: GraphQLRequest,
  headers: Record<string, string>,
  stopped: AbortSignal,
  onEvent: (reply: GraphQLReply<unknown>) => void,
): Promise<{ end: End; last?: GraphQLReply<unknown> }> {
  const client = createClient({ url: '/graphql', singleConnection: false, retryAttempts: 0, headers });
  return new Promise((resolve) => {
    let ended: { end: End; last?: GraphQLReply<unknown> } | undefined;
    const { query, variables = {}, operationName } = request;
    const dispose = client.subscribe(
      { query, variables, ...(operationName ? { operationName } : {}) },
      {
        next(result) {
          const reply = result as unknown as GraphQLReply<unknown>;
          const codes = errorCodes(reply);
          if (codes.has('UNAUTHENTICATED')) ended = { end: 'refused', last: reply };
          else if (codes.has('SERVICE_UNAVAILABLE')) ended = { end: 'away' };
          else onEvent(reply);
        },
        error: () => resolve(ended ?? { end: 'away' }),
        complete: () => resolve(ended ?? { end: 'complete' }),
      },
      { connected: () => useStream.setState({ state: 'live' }) },
    );
    stopped.addEventListener('abort', () => {
      dispose();
      resolve({ end: 'complete' });
    });
  });
}

function withToken(headers: Record<string, string>, token: string | undefined): Record<string, string> {
  // What was typed into the headers tab wins, in whatever letter case.
  const isTyped = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  return token && !isTyped ? { authorization: `Bearer ${token}`, ...headers } : headers;
}

function note(reply: GraphQLReply<unknown>): void {
  useStream.setState(({ events, count }) => ({
    events: [{ number: count + 1, at: new Date(), reply }, ...events].slice(0, KEPT_EVENTS),
    count: count + 1,
  }));
}

function pause(milliseconds: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    stopped.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
