import type { GraphiQLPlugin } from '@graphiql/react';
import { lazyPanel } from '../panel/lazy-panel';

export const MAIL_PLUGIN: GraphiQLPlugin = {
  title: 'Mail',
  icon: Icon,
  content: lazyPanel('Mail', () => import('../mail/mail-panel')),
};

function Icon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
      <path d="M1.5 3.5h13v9h-13ZM1.5 4l6.5 5 6.5-5" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
