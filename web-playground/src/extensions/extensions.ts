import type { MonacoEditor } from '@graphiql/react';
import { create } from 'zustand';
import { storage } from '../storage/storage';

interface Extensions {
  /** As typed in the editor, by the id of the tab. */
  texts: Record<string, string>;
  editor: MonacoEditor | undefined;
}

const KEY = 'extensions';

/** The `extensions` of each tab's request. GraphiQL's tabs have no room for them. */
export const useExtensions = create<Extensions>(() => ({ texts: read(), editor: undefined }));

export function extensionsOf(tab: string): string {
  return useExtensions.getState().texts[tab] ?? '';
}

export function setExtensions(tab: string, text: string): void {
  const { texts } = useExtensions.getState();
  if (text !== extensionsOf(tab)) store({ ...texts, [tab]: text });
}

/** Forgets those of closed tabs. */
export function keepExtensionsOf(tabs: string[]): void {
  const { texts } = useExtensions.getState();
  const kept = Object.entries(texts).filter(([tab]) => tabs.includes(tab));
  if (kept.length < Object.keys(texts).length) store(Object.fromEntries(kept));
}

function store(texts: Record<string, string>): void {
  useExtensions.setState({ texts });
  const written = Object.entries(texts).filter(([, text]) => text.trim());
  storage.setItem(KEY, JSON.stringify(Object.fromEntries(written)));
}

function read(): Record<string, string> {
  try {
    const stored: unknown = JSON.parse(storage.getItem(KEY) ?? '{}');
    const entries = Object.entries(stored ?? {}).filter(([, text]) => typeof text === 'string');
    return Object.fromEntries(entries);
  } catch {
    return {};
  }
}
