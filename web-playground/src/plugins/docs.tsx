import type { GraphiQLPlugin } from '@graphiql/react';
import { lazyPanel } from '../panel/lazy-panel';

export const DOCS_PLUGIN: GraphiQLPlugin = {
  title: 'Documentation Explorer',
  icon: Icon,
  content: lazyPanel('Documentation Explorer', () => import('../docs/docs-panel')),
};

function Icon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
      <path
        d="M3 2.5h8.5a1.5 1.5 0 0 1 1.5 1.5v9.5H4.5A1.5 1.5 0 0 1 3 12ZM3 12a1.5 1.5 0 0 1 1.5-1.5H13M5.5 5h5"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
