import { type ReactNode, useSyncExternalStore } from 'react';
import { Icon } from './icons';

interface Toast {
  id: number;
  content: ReactNode;
}

const SHOWN_MS = 7_000;
let toasts: Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

/** Says something at the edge of the page, for a while. */
export function say(content: ReactNode): void {
  last += 1;
  const id = last;
  update([...toasts.slice(-2), { id, content }]);
  setTimeout(() => dismiss(id), SHOWN_MS);
}

function dismiss(id: number): void {
  update(toasts.filter((toast) => toast.id !== id));
}

function update(next: Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div className="toasts" role="status">
      {shown.map(({ id, content }) => (
        <div key={id} className="toast">
          <div>{content}</div>
          <button type="button" className="plain" aria-label="Dismiss" onClick={() => dismiss(id)}>
            <Icon name="close" size={16} />
          </button>
        </div>
      ))}
    </div>
  );
}
