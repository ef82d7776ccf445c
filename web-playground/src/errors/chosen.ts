import { create } from 'zustand';

/** The code whose meaning somebody wants to know. */
export const useChosenError = create<{ code: string }>(() => ({ code: '' }));

export function showMeaning(code: string): void {
  useChosenError.setState({ code });
}
