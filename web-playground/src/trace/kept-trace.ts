import { create } from 'zustand';
import type { RecordedTrace } from './recorded';

interface Kept {
  /** What later runs are compared with. */
  baseline: RecordedTrace | undefined;
  /** A trace from a file, which is shown instead of the last run's. */
  opened: RecordedTrace | undefined;
}

export const useKeptTrace = create<Kept>(() => ({ baseline: undefined, opened: undefined }));

/** Private to the viewer: forgotten when they leave. */
export function forgetKeptTraces(): void {
  useKeptTrace.setState({ baseline: undefined, opened: undefined });
}
