/**
 * A subscription that lives on: it reconnects, renews its token, and resumes after the last event that it has seen. A page
 * that is out of sight for a while lets go of its connection, and resumes when it is looked at.
 */
import type { ExecutionResult } from '@urql/core';
import { createClient } from 'graphql-sse';
import { missed, type Position, positionOf, search } from './catch-up';
import { renew, type Session, session as sessionNow, validSession } from './session';

interface Sink {
  next: (result: ExecutionResult) => void;
  error: (error: unknown) => void;
  complete: () => void;
  /** Asks for the latest events, the newest first, each as the stream sends it; undefined if there is no answer. */
  latest: () => Promise<ExecutionResult[] | undefined>;
}

// biome-ignore lint/suspicious/noConfusingVoidType: as urql types it.
type Variables = Record<string, unknown> | void;

interface Request {
  query?: string;
  variables?: Variables;
}

/** Why a connection has ended; an answer is an error that trying again does not fix. */
type End =
  | 'unauthenticated'
  | 'expired'
  | 'unknown event'
  | 'found'
  | 'disconnected'
  | 'hidden'
  | 'stopped'
  | ExecutionResult;

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 15_000;
/** A stream that lived for so long was accepted with its token. */
const ACCEPTED_MS = 10_000;
/** Browsers have few connections to one host, for all tabs: one that is not looked at gives its own back. */
const HIDDEN_MS = 30_000;
/** The longest time of a timer. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Follows the events that come after this one, or after a page was loaded that knew of none. */
export function follow(
  request: Request,
  after: Position | undefined,
  sink: Sink,
): { unsubscribe: () => void } {
  const stop = new AbortController();
  void run(request, after, sink, stop.signal);
  return { unsubscribe: () => stop.abort() };
}

async function run(
  { query = '', variables }: Request,
  start: Position | undefined,
  sink: Sink,
  stopped: AbortSignal,
): Promise<void> {
  // The last event that is known, and whether the server knows it, too: one that was deleted is none to resume after.
  let last = start;
  let after = start?.id;
  const seen = new Set<string>();
  let delay = FIRST_DELAY_MS;
  let mayRenew = true;

  function deliver(event: ExecutionResult) {
    last = positionOf(event) ?? last;
    after = last?.id;
    if (last) seen.add(last.id);
    delay = FIRST_DELAY_MS;
    sink.next(event);
  }
  function resumeAfter(latest: ExecutionResult[]) {
    for (const event of missed(latest, last, seen)) deliver(event);
    after = positionOf(latest[0])?.id;
  }

  while (!stopped.aborted) {
    await untilVisible(stopped);
    const session = await validSession();
    if (!session || stopped.aborted) break;
    const started = Date.now();
    const request = { query, variables: { ...variables, after } };
    const end = await (after
      ? connect(request, session, stopped, { next: deliver })
      : connectAndSearch(request, session, stopped, sink.latest, resumeAfter));
    if (Date.now() - started > ACCEPTED_MS) mayRenew = true;
    switch (end) {
      case 'stopped':
        return;
      case 'hidden':
      case 'expired':
      case 'found':
        continue;
      case 'disconnected':
        await pause(delay, stopped);
        delay = Math.min(delay * 2, MAX_DELAY_MS);
        continue;
      case 'unauthenticated':
        if (!mayRenew) break;
        await renew(session);
        mayRenew = sessionNow()?.accessToken === session.accessToken;
        if (!mayRenew) continue;
        // Nobody could say whether there is a new token.
        await pause(delay, stopped);
        delay = Math.min(delay * 2, MAX_DELAY_MS);
        continue;
      case 'unknown event':
        if (!after) break;
        // The notification that it would resume after was deleted.
        after = undefined;
        continue;
      default:
        sink.next(end);
    }
    break;
  }
  if (!stopped.aborted) sink.complete();
}

/**
 * A stream that begins anywhere: nobody knows which events it has missed. So what it sends only says that there is
 * something to ask for, until there is an event to resume after.
 */
async function connectAndSearch(
  request: { query: string; variables: Record<string, unknown> },
  session: Session,
  stopped: AbortSignal,
  latest: Sink['latest'],
  onFound: (latest: ExecutionResult[]) => void,
): Promise<End> {
  const found = new AbortController();
  const searching = search(latest, (events) => {
    onFound(events);
    found.abort();
  });
  const { wake, stop } = searching;
  const end = await connect(request, session, stopped, { connected: wake, next: wake, found: found.signal });
  stop();
  return end;
}

function connect(
  request: { query: string; variables: Record<string, unknown> },
  { accessToken, expiresAt }: Session,
  stopped: AbortSignal,
  on: { connected?: () => void; next: (result: ExecutionResult) => void; found?: AbortSignal },
): Promise<End> {
  const client = createClient({
    url: '/graphql',
    singleConnection: false,
    retryAttempts: 0,
    headers: { authorization: `Bearer ${accessToken}` },
  });
  return new Promise((resolve) => {
    let end: End | undefined;
    const dispose = client.subscribe(
      request,
      {
        next(result) {
          const code = result.errors?.[0]?.extensions?.code;
          if (code === undefined) on.next(result as ExecutionResult);
          else if (code === 'UNAUTHENTICATED') end = 'unauthenticated';
          else if (code === 'BAD_USER_INPUT') end = 'unknown event';
          else if (code === 'SERVICE_UNAVAILABLE' || code === 'RATE_LIMITED') end = 'disconnected';
          else end = result as ExecutionResult;
        },
        // An expired token is refused with a status, before there is a stream.
        error: (error) => finish(end ?? (isUnauthorized(error) ? 'unauthenticated' : 'disconnected')),
        complete: () => finish(end ?? 'disconnected'),
      },
      on.connected ? { connected: on.connected } : {},
    );
    const stopWatching = whenHidden(HIDDEN_MS, () => close('hidden'));
    // A stream ends with its token. One that is still there is dead: the machine has slept, or a network has gone.
    const stopWaiting = atTime(Date.parse(expiresAt), () => close('expired'));
    const stop = () => close('stopped');
    const found = () => close('found');
    stopped.addEventListener('abort', stop);
    on.found?.addEventListener('abort', found);

    function close(why: End) {
      // Disposing completes the stream, with the reason that is there.
      end = why;
      dispose();
      finish(why);
    }
    function finish(why: End) {
      stopWatching();
      stopWaiting();
      stopped.removeEventListener('abort', stop);
      on.found?.removeEventListener('abort', found);
      resolve(why);
    }
  });
}

/** Calls back at a time to come, or when the page is looked at later: timers stand still while a machine sleeps. */
function atTime(time: number, callback: () => void): () => void {
  if (time <= Date.now()) return () => {};
  const look = () => {
    if (Date.now() >= time) callback();
  };
  const timer = setTimeout(look, Math.min(time - Date.now(), MAX_TIMEOUT_MS));
  document.addEventListener('visibilitychange', look);
  window.addEventListener('focus', look);
  window.addEventListener('online', look);
  return () => {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', look);
    window.removeEventListener('focus', look);
    window.removeEventListener('online', look);
  };
}

/** Calls back once the page has been out of sight for so long. */
function whenHidden(milliseconds: number, callback: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    clearTimeout(timer);
    if (document.visibilityState === 'hidden') timer = setTimeout(callback, milliseconds);
  };
  look();
  document.addEventListener('visibilitychange', look);
  return () => {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', look);
  };
}

function untilVisible(stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (document.visibilityState === 'hidden' && !stopped.aborted) return;
      document.removeEventListener('visibilitychange', look);
      stopped.removeEventListener('abort', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    stopped.addEventListener('abort', look);
    look();
  });
}

function isUnauthorized(error: unknown): boolean {
  return (error as { response?: { status?: number } } | null)?.response?.status === 401;
}

/** Waits, but not longer than until the machine is online again or the page is looked at. */
function pause(milliseconds: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener('online', done);
      document.removeEventListener('visibilitychange', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    window.addEventListener('online', done);
    document.addEventListener('visibilitychange', done);
    stopped.addEventListener('abort', done);
  });
}
