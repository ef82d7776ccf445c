/**
 * A subscription that lives on: it reconnects, renews its token, and resumes after the last event that it has seen. A page
 * that is out of sight for a while lets go of its connection, and resumes when it is looked at.
 */
import type { ExecutionResult } from '@urql/core';
import { createClient } from 'graphql-sse';
import { renew, validSession } from './session';

interface Sink {
  next: (result: ExecutionResult) => void;
  error: (error: unknown) => void;
  complete: () => void;
  /** Events may have been missed, because none was known to resume after. */
  gap: () => void;
}

// biome-ignore lint/suspicious/noConfusingVoidType: as urql types it.
type Variables = Record<string, unknown> | void;

/** Why a connection has ended; an answer is an error that trying again does not fix. */
type End = 'unauthenticated' | 'unknown event' | 'disconnected' | 'hidden' | 'stopped' | ExecutionResult;

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;
/** A stream that lived for so long was accepted with its token. */
const ACCEPTED_MS = 10_000;
/** Browsers have few connections to one host, for all tabs: one that is not looked at gives its own back. */
const HIDDEN_MS = 30_000;

export function follow(
  request: { query?: string; variables?: Variables },
  sink: Sink,
): { unsubscribe: () => void } {
  const stop = new AbortController();
  void run(request, sink, stop.signal);
  return { unsubscribe: () => stop.abort() };
}

async function run(
  { query = '', variables }: { query?: string; variables?: Variables },
  sink: Sink,
  stopped: AbortSignal,
): Promise<void> {
  let after = variables?.after;
  let delay = FIRST_DELAY_MS;
  let mayRenew = true;
  let isFirst = true;
  while (!stopped.aborted) {
    await untilVisible(stopped);
    const session = await validSession();
    if (!session || stopped.aborted) break;
    const started = Date.now();
    const isGap = !isFirst && !after;
    const end = await connect({ query, variables: { ...variables, after } }, session.accessToken, stopped, {
      connected: () => {
        if (isGap) sink.gap();
      },
      next: (result) => {
        after = idOf(result) ?? after;
        delay = FIRST_DELAY_MS;
        sink.next(result);
      },
    });
    isFirst = false;
    if (Date.now() - started > ACCEPTED_MS) mayRenew = true;
    switch (end) {
      case 'stopped':
        return;
      case 'hidden':
        continue;
      case 'disconnected':
        await pause(delay, stopped);
        delay = Math.min(delay * 2, LONGEST_DELAY_MS);
        continue;
      case 'unauthenticated':
        if (!mayRenew) break;
        mayRenew = false;
        await renew(session);
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

function connect(
  request: { query: string; variables: Record<string, unknown> },
  token: string,
  stopped: AbortSignal,
  on: { connected: () => void; next: (result: ExecutionResult) => void },
): Promise<End> {
  const client = createClient({
    url: '/graphql',
    singleConnection: false,
    retryAttempts: 0,
    headers: { authorization: `Bearer ${token}` },
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
      { connected: on.connected },
    );
    const stopWatching = whenHidden(HIDDEN_MS, () => close('hidden'));
    const stop = () => close('stopped');
    stopped.addEventListener('abort', stop);

    function close(why: End) {
      // Disposing completes the stream, with the reason that is there.
      end = why;
      dispose();
      finish(why);
    }
    function finish(why: End) {
      stopWatching();
      stopped.removeEventListener('abort', stop);
      resolve(why);
    }
  });
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

function idOf({ data }: ExecutionResult): string | undefined {
  const [event] = Object.values((data ?? {}) as Record<string, { id?: string } | null>);
  return event?.id;
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
