import { create } from 'zustand';

/** The title of the panel that covers the whole window, if any. */
export const useWidePanel = create<{ title: string | undefined }>(() => ({ title: undefined }));

export function widenPanel(title: string | undefined): void {
  useWidePanel.setState({ title });
}
