import type { GraphiQLPlugin } from '@graphiql/react';
import { lazyPanel } from '../panel/lazy-panel';

export const TRACE_PLUGIN: GraphiQLPlugin = {
  title: 'Trace',
  icon: Icon,
  content: lazyPanel('Trace', () => import('../trace/trace-panel')),
};

function Icon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.6" aria-hidden="true">
      <path d="M1.5 3.5h6M4.5 8h7M8.5 12.5h6" strokeLinecap="round" />
    </svg>
  );
}
