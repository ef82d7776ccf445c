import type { GraphiQLPlugin } from '@graphiql/react';
import { lazyPanel } from '../panel/lazy-panel';

export const HISTORY_PLUGIN: GraphiQLPlugin = {
  title: 'History',
  icon: Icon,
  content: lazyPanel('History', () => import('../history/history-panel')),
};

function Icon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
      <path
        d="M2.5 8A5.5 5.5 0 1 0 4.4 3.8M2.5 1.5v3h3M8 5v3.2l2.2 1.6"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
