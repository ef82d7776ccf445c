import type { GraphiQLPlugin } from '@graphiql/react';
import { lazy, Suspense } from 'react';

const MailPanel = lazy(() => import('../mail/mail-panel'));

export const MAIL_PLUGIN: GraphiQLPlugin = {
  title: 'Mail',
  icon: Icon,
  content: () => (
    <Suspense>
      <MailPanel />
    </Suspense>
  ),
};

function Icon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
      <path d="M1.5 3.5h13v9h-13ZM1.5 4l6.5 5 6.5-5" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
