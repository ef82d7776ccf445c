import { create } from 'zustand';

/** The error code whose meaning is shown. */
export const useSelectedError = create<{ code: string }>(() => ({ code: '' }));

export function selectError(code: string): void {
  useSelectedError.setState({ code });
}
