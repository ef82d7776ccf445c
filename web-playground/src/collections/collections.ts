import { create } from 'zustand';
import { storage } from '../storage/storage';
import type { Collection, SavedOperation } from './formats';

const KEY = 'collections';

export const useCollections = create<{ collections: Collection[] }>(() => ({ collections: read() }));

/** Saves an operation; one of the same name in the collection is replaced. */
export function saveOperation(collection: string, operation: SavedOperation): void {
  const { collections } = useCollections.getState();
  const known = collections.find(({ name }) => name === collection);
  const others = known?.operations.filter(({ name }) => name !== operation.name) ?? [];
  const changed = { name: collection, operations: [...others, operation] };
  store(known ? collections.map((one) => (one === known ? changed : one)) : [...collections, changed]);
}

export function removeOperation(collection: string, name: string): void {
  const { collections } = useCollections.getState();
  const changed = collections.map((one) =>
    one.name === collection
      ? { ...one, operations: one.operations.filter((other) => other.name !== name) }
      : one,
  );
  store(changed.filter(({ operations }) => operations.length > 0));
}

/** Adds collections; one whose name is taken gets a number. */
export function addCollections(added: Collection[]): void {
  const collections = [...useCollections.getState().collections];
  for (const { name, operations } of added) {
    const isTaken = (wanted: string) => collections.some((one) => one.name === wanted);
    let free = name;
    for (let number = 2; isTaken(free); number += 1) free = `${name} ${number}`;
    collections.push({ name: free, operations });
  }
  store(collections);
}

function store(collections: Collection[]): void {
  useCollections.setState({ collections });
  storage.setItem(KEY, JSON.stringify(collections));
}

function read(): Collection[] {
  try {
    const stored: unknown = JSON.parse(storage.getItem(KEY) ?? '[]');
    if (!Array.isArray(stored)) return [];
    return stored.filter(isCollection).map(({ name, operations }) => ({
      name,
      // Headers are not stored; earlier versions stored no extensions.
      operations: operations.map((operation) => ({
        ...operation,
        headers: operation.headers ?? '',
        extensions: operation.extensions ?? '',
      })),
    }));
  } catch {
    return [];
  }
}

function isCollection(value: unknown): value is Collection {
  const { name, operations } = (value ?? {}) as Record<string, unknown>;
  const isOperation = (one: unknown) =>
    ['name', 'query', 'variables'].every(
      (key) => typeof ((one ?? {}) as Record<string, unknown>)[key] === 'string',
    );
  return typeof name === 'string' && Array.isArray(operations) && operations.every(isOperation);
}
