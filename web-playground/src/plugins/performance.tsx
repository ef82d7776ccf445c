import type { GraphiQLPlugin } from '@graphiql/react';
import { lazyPanel } from '../panel/lazy-panel';

export const PERFORMANCE_PLUGIN: GraphiQLPlugin = {
  title: 'Performance',
  icon: Icon,
  content: lazyPanel('Performance', () => import('../performance/performance-panel')),
};

function Icon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
      <circle cx="8" cy="9" r="5.5" />
      <path d="M8 9 10.5 6.5M6.5 1.5h3M8 1.5v2" strokeLinecap="round" />
    </svg>
  );
}
