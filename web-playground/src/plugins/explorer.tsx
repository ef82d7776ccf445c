import type { GraphiQLPlugin } from '@graphiql/react';
import { lazyPanel } from '../panel/lazy-panel';

export const EXPLORER_PLUGIN: GraphiQLPlugin = {
  title: 'Explorer',
  icon: Icon,
  content: lazyPanel('Explorer', () => import('../explorer/explorer-panel')),
};

function Icon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
      <path
        d="M2 2.5h4v4H2ZM2 9.5h4v4H2ZM3 11.5l1 1 1.5-2M8.5 4.5H14M8.5 11.5H14"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
