import type { ReactNode } from 'react';
import type { CombinedError } from 'urql';
import { ofError } from '../client/problems';
import { Problems } from './form';

/** What a page shows in place of its content. */
export function Loading({ what }: { what: string }) {
  return (
    <p className="loading" role="status">
      <span className="spinner" aria-hidden="true" />
      Loading {what}…
    </p>
  );
}

export function Failed({ error, retry }: { error: CombinedError; retry?: () => void }) {
  return (
    <div className="failed">
      <Problems problems={[ofError(error)]} />
      {retry && (
        <button type="button" className="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <svg viewBox="0 0 120 70" width="120" height="70" aria-hidden="true" focusable="false">
        <path d="M10 66V36a22 22 0 0 1 44 0v30Z" className="empty-a" />
        <path d="M22 66V38a10 10 0 0 1 20 0v28Z" className="empty-b" />
        <path d="M66 66V20h8v46Zm16 0V20h8v46Zm16 0V20h8v46ZM60 20V12h52v8Z" className="empty-c" />
      </svg>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** The button that brings the next page of a list. */
export function More({ loading, onClick }: { loading: boolean; onClick: () => void }) {
  return (
    <p className="more">
      <button type="button" className="button" aria-disabled={loading} onClick={() => loading || onClick()}>
        {loading ? 'Loading…' : 'Show more'}
      </button>
    </p>
  );
}
