/** A subscription that lives on: it reconnects, renews its token, and resumes after the last event it has seen. */
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

type End = 'unauthenticated' | 'unknown event' | 'disconnected' | 'completed' | ExecutionResult;

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;

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
  while (!stopped.aborted) {
    const session = await validSession();
    if (!session || stopped.aborted) break;
    const { accessToken } = session;
    const end = await connect(
      { query, variables: { ...variables, after } },
      accessToken,
      stopped,
      (result) => {
        after = idOf(result) ?? after;
        delay = FIRST_DELAY_MS;
        mayRenew = true;
        sink.next(result);
      },
    );
    if (stopped.aborted) return;
    if (end === 'unauthenticated' && mayRenew) {
      mayRenew = false;
      await renew(session);
      continue;
    }
    if (end === 'unknown event' && after) {
      // The notification that it would resume after was deleted.
      after = undefined;
      sink.gap();
      continue;
    }
    if (end === 'disconnected') {
      await pause(delay, stopped);
      if (!after) sink.gap();
      delay = Math.min(delay * 2, LONGEST_DELAY_MS);
      continue;
    }
    if (typeof end === 'object') sink.next(end);
    break;
  }
  if (!stopped.aborted) sink.complete();
}

function connect(
  request: { query: string; variables: Record<string, unknown> },
  token: string,
  stopped: AbortSignal,
  onEvent: (result: ExecutionResult) => void,
): Promise<End> {
  const client = createClient({
    url: '/graphql',
    singleConnection: false,
    retryAttempts: 0,
    headers: { authorization: `Bearer ${token}` },
  });
  return new Promise((resolve) => {
    let end: End | undefined;
    const dispose = client.subscribe(request, {
      next(result) {
        const code = result.errors?.[0]?.extensions?.code;
        if (code === undefined) onEvent(result as ExecutionResult);
        else if (code === 'UNAUTHENTICATED') end = 'unauthenticated';
        else if (code === 'BAD_USER_INPUT') end = 'unknown event';
        else if (code === 'SERVICE_UNAVAILABLE' || code === 'RATE_LIMITED') end = 'disconnected';
        else end = result as ExecutionResult;
      },
      // An expired token is refused with a status, before there is a stream.
      error: (error) => resolve(end ?? (isUnauthorized(error) ? 'unauthenticated' : 'disconnected')),
      complete: () => resolve(end ?? 'disconnected'),
    });
    stopped.addEventListener('abort', () => {
      dispose();
      resolve('completed');
    });
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
