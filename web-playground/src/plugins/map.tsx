import type { GraphiQLPlugin } from '@graphiql/react';
import { lazyPanel } from '../panel/lazy-panel';

export const MAP_PLUGIN: GraphiQLPlugin = {
  title: 'Map',
  icon: Icon,
  content: lazyPanel('Map', () => import('../map/graph-map')),
};

function Icon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
      <circle cx="3.5" cy="4" r="2" />
      <circle cx="12.5" cy="3.5" r="2" />
      <circle cx="8" cy="12.5" r="2" />
      <path d="M5.5 4h5M4.4 5.8 7 10.8M11.6 5.3 9 10.8" />
    </svg>
  );
}
