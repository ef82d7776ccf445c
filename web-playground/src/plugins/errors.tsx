import type { GraphiQLPlugin } from '@graphiql/react';
import { lazy, Suspense } from 'react';

const ErrorMeanings = lazy(() => import('../errors/error-meanings'));

export const ERRORS_PLUGIN: GraphiQLPlugin = {
  title: 'Errors',
  icon: Icon,
  content: () => (
    <Suspense>
      <ErrorMeanings />
    </Suspense>
  ),
};

function Icon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
      <path d="M8 2 14.5 13.5H1.5ZM8 6.5v3.5M8 11.6v.4" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
