import type { ReactNode } from 'react';
import type { CombinedError } from 'urql';
import { ofError } from '../client/problems';
import { Problems } from './form';
import { PageTitle } from './page-title';

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
      <Ruins />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** The whole page, where there is nothing at its address. */
export function Missing({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <Ruins />
      <PageTitle>{title}</PageTitle>
      {children}
    </div>
  );
}

function Ruins() {
  return (
    <svg viewBox="0 0 120 70" width="120" height="70" aria-hidden="true" focusable="false">
      <path d="M10 66V36a22 22 0 0 1 44 0v30Z" className="empty-a" />
      <path d="M22 66V38a10 10 0 0 1 20 0v28Z" className="empty-b" />
      <path d="M66 66V20h8v46Zm16 0V20h8v46Zm16 0V20h8v46ZM60 20V12h52v8Z" className="empty-c" />
    </svg>
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
