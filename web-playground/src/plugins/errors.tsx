import type { GraphiQLPlugin } from '@graphiql/react';
import { lazyPanel } from '../panel/lazy-panel';

export const ERRORS_PLUGIN: GraphiQLPlugin = {
  title: 'Errors',
  icon: Icon,
  content: lazyPanel('Errors', () => import('../errors/error-meanings')),
};

function Icon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
      <path d="M8 2 14.5 13.5H1.5ZM8 6.5v3.5M8 11.6v.4" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
