import { create } from 'zustand';
import { issuedSession } from '../response/issued-session';
import type { LastResponse } from './response';
import type { Stream } from './subscription';

/** The last run of the operation of one tab. */
export interface Run {
  isRunning: boolean;
  operationName: string;
  /** The id of the user on whose behalf it runs; null when nobody is signed in. */
  viewer: string | null;
  /** What the response pane shows. */
  text: string;
  /** Why there is no response. */
  problem: Problem | null;
  response: LastResponse | null;
  stream: Stream | null;
}

export interface Problem {
  message: string;
  /** Whether the same request may succeed later. */
  canRetry: boolean;
}

interface Runs {
  /** By the id of the tab. */
  runs: Record<string, Run>;
  activeTab: string;
}

/** Each tab has its own run: switching tabs neither stops it nor shows it elsewhere. */
export const useRuns = create<Runs>(() => ({ runs: {}, activeTab: '' }));

const stops = new Map<string, AbortController>();

/** Starts a run, which replaces the tab's former one. */
export function startRun(tab: string, run: Pick<Run, 'operationName' | 'viewer'>): AbortSignal {
  stopRun(tab);
  const stop = new AbortController();
  stops.set(tab, stop);
  setRun(tab, { ...run, isRunning: true, text: '', problem: null, response: null, stream: null });
  return stop.signal;
}

/** Changes a run, unless it was stopped or another one has replaced it. */
export function updateRun(tab: string, signal: AbortSignal, changes: Partial<Run>): void {
  const run = useRuns.getState().runs[tab];
  if (run && !signal.aborted && stops.get(tab)?.signal === signal) setRun(tab, { ...run, ...changes });
}

export function stopRun(tab: string): void {
  stops.get(tab)?.abort();
  const run = useRuns.getState().runs[tab];
  if (!run?.isRunning) return;
  setRun(tab, {
    ...run,
    isRunning: false,
    stream: run.stream && { ...run.stream, state: 'ended' },
    problem: run.stream || run.response ? null : { message: 'Stopped before the response.', canRetry: false },
  });
}

/** Forgets the runs of closed tabs. */
export function keepRunsOf(tabs: string[]): void {
  const { runs } = useRuns.getState();
  const closed = Object.keys(runs).filter((tab) => !tabs.includes(tab));
  if (closed.length === 0) return;
  for (const tab of closed) {
    stops.get(tab)?.abort();
    stops.delete(tab);
  }
  useRuns.setState({
    runs: Object.fromEntries(Object.entries(runs).filter(([tab]) => tabs.includes(tab))),
  });
}

/**
 * Ends the streams of a user who has left, and forgets what the responses said. When the session has expired, a request
 * on its way is let go on: the server rejects it, and says why.
 */
export function forgetRunsOf(viewer: string, message: string, isExpired: boolean): void {
  for (const [tab, run] of Object.entries(useRuns.getState().runs)) {
    if (!isOf(run, viewer) || (isExpired && run.isRunning && !run.stream)) continue;
    stops.get(tab)?.abort();
    // What listens to it knows the token.
    stops.delete(tab);
    const problem = { message, canRetry: false };
    const stream = run.stream && { ...run.stream, state: 'ended' as const, events: [], endReason: message };
    setRun(tab, { ...run, isRunning: false, text: '', response: null, problem, stream });
  }
}

/** Whether it ran on behalf of the user, or has signed them in. */
function isOf({ viewer, response }: Run, user: string): boolean {
  return viewer === user || issuedSession(response?.response.data)?.user.id === user;
}

function setRun(tab: string, run: Run): void {
  useRuns.setState(({ runs }) => ({ runs: { ...runs, [tab]: run } }));
}

/** The run of the active tab. */
export function useActiveRun(): Run | undefined {
  return useRuns(({ runs, activeTab }) => runs[activeTab]);
}
