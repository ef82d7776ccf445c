import type { GraphiQLPlugin } from '@graphiql/react';
import { lazyPanel } from '../panel/lazy-panel';

export const COLLECTIONS_PLUGIN: GraphiQLPlugin = {
  title: 'Collections',
  icon: Icon,
  content: lazyPanel('Collections', () => import('../collections/collections-panel')),
};

function Icon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
      <path d="M1.5 4V13h13V5.5H8L6.5 3.5H1.5ZM1.5 8h13" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
