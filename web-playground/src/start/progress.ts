import { create } from 'zustand';
import { storage } from '../storage/storage';

const KEY = 'start';
const CLOSED = 'closed';

interface Progress {
  isOpen: boolean;
  /** How many steps were taken. */
  done: number;
  isBusy: boolean;
  problem: string;
}

/** The guided start: open on the first visit, until it is closed. */
export const useStart = create<Progress>(() => ({
  isOpen: storage.getItem(KEY) !== CLOSED,
  done: 0,
  isBusy: false,
  problem: '',
}));

export function closeStart(): void {
  storage.setItem(KEY, CLOSED);
  useStart.setState({ isOpen: false });
}

export function reopenStart(): void {
  storage.removeItem(KEY);
  useStart.setState({ isOpen: true, done: 0, problem: '' });
}

/** Takes a step; the next one is offered when it has succeeded. */
export async function takeStep(index: number, action: () => Promise<void>): Promise<void> {
  useStart.setState({ isBusy: true, problem: '' });
  try {
    await action();
    useStart.setState({ done: index + 1 });
  } catch (error) {
    useStart.setState({ problem: error instanceof Error ? error.message : String(error) });
  }
  useStart.setState({ isBusy: false });
}
