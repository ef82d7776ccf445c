import type { GraphiQLPlugin } from '@graphiql/react';
import { lazyPanel } from '../panel/lazy-panel';

export const PLAN_PLUGIN: GraphiQLPlugin = {
  title: 'Plan',
  icon: Icon,
  content: lazyPanel('Plan', () => import('../plan/plan')),
};

function Icon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
      <path
        d="M5.5 1.5h5v3.5h-5zM1.5 11h5v3.5h-5zM9.5 11h5v3.5h-5zM8 5v3M4 11V8h8v3"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
