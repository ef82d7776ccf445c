import { create } from 'zustand';
import { storage } from '../storage/storage';

/** An operation that was run. */
export interface HistoryEntry {
  id: string;
  /** The name of the operation, or a name that the user has given it. */
  name: string;
  query: string;
  variables: string;
  extensions: string;
  /** In milliseconds since 1970. */
  at: number;
  isFavorite: boolean;
  /** The id of the user who was signed in; empty for nobody, and in entries of earlier versions. */
  viewer: string;
}

const KEY = 'history';
/** Favorites are kept beyond it. */
const MAX_ENTRIES = 100;

export const useHistory = create<{ entries: HistoryEntry[] }>(() => ({ entries: readEntries() }));

/** Records a run: the same operation with the same variables and extensions moves to the top. */
export function recordRun({
  name,
  query,
  variables,
  extensions,
  viewer,
}: Pick<HistoryEntry, 'name' | 'query' | 'variables' | 'extensions' | 'viewer'>): void {
  const entries = readEntries();
  const known = entries.find(
    (entry) =>
      entry.query === query &&
      entry.variables === variables &&
      entry.extensions === extensions &&
      entry.viewer === viewer,
  );
  const entry = known ?? {
    id: crypto.randomUUID?.() ?? String(Math.random()),
    name,
    query,
    variables,
    extensions,
    viewer,
    isFavorite: false,
  };
  store([{ ...entry, at: Date.now() }, ...entries.filter((one) => one !== known)]);
}

export function changeEntry(id: string, changes: Partial<Pick<HistoryEntry, 'name' | 'isFavorite'>>): void {
  store(readEntries().map((entry) => (entry.id === id ? { ...entry, ...changes } : entry)));
}

export function removeEntry(id: string): void {
  store(readEntries().filter((entry) => entry.id !== id));
}

/** Removes what this user sees, but for favorites. */
export function clearHistory(viewer: string): void {
  const shown = entriesFor(readEntries(), viewer);
  store(readEntries().filter((entry) => entry.isFavorite || !shown.some(({ id }) => id === entry.id)));
}

/** What a user may see: their own runs, and those of nobody. */
export function entriesFor(entries: HistoryEntry[], viewer: string): HistoryEntry[] {
  return entries.filter((entry) => entry.viewer === viewer || entry.viewer === '');
}

/** The entries in which all words occur, favorites first. */
export function searchHistory(entries: HistoryEntry[], text: string): HistoryEntry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const has = ({ name, query, variables, extensions }: HistoryEntry) => {
    const all = `${name}\n${query}\n${variables}\n${extensions}`.toLowerCase();
    return words.every((word) => all.includes(word));
  };
  return entries.filter(has).toSorted((one, other) => Number(other.isFavorite) - Number(one.isFavorite));
}

function store(entries: HistoryEntry[]): void {
  let others = 0;
  const kept = entries.filter(({ isFavorite }) => {
    others += isFavorite ? 0 : 1;
    return isFavorite || others <= MAX_ENTRIES;
  });
  useHistory.setState({ entries: kept });
  storage.setItem(KEY, JSON.stringify(kept));
}

/** From the storage: another tab may have stored more. */
function readEntries(): HistoryEntry[] {
  try {
    const entries: unknown = JSON.parse(storage.getItem(KEY) ?? '[]');
    if (!Array.isArray(entries)) return [];
    // Earlier versions stored neither extensions nor who had run it.
    return entries
      .filter(isEntry)
      .map((entry) => ({ ...entry, extensions: entry.extensions ?? '', viewer: entry.viewer ?? '' }));
  } catch {
    return [];
  }
}

function isEntry(value: unknown): value is HistoryEntry {
  if (typeof value !== 'object' || value === null) return false;
  const entry = value as Record<string, unknown>;
  const texts = ['id', 'name', 'query', 'variables'].every((name) => typeof entry[name] === 'string');
  return texts && typeof entry.at === 'number' && typeof entry.isFavorite === 'boolean';
}
