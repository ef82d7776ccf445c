import { lazy, Suspense } from 'react';
import { allowInlineStyles } from '../editor/inline-styles';
import { NoticeBar } from '../notice/notice';
import { useDepartures } from '../session/departures';
import { EditorBoundary } from './editor-boundary';
import { Header } from './header';
import './shell.css';

allowInlineStyles();

const Editor = lazy(() => {
  // GraphiQL loads Monaco only once it is rendered: prefetch it in parallel.
  void import('monaco-graphql/esm/monaco-editor.js');
  return import('../editor/editor');
});

/** The page. It shows immediately; the editor, which is large, is loaded lazily. */
export function Shell() {
  useDepartures();
  return (
    <>
      <button
        type="button"
        className="skip-link"
        onClick={() => document.querySelector<HTMLElement>('#operation-editor textarea')?.focus()}
      >
        Skip to the editor
      </button>
      <Header />
      <NoticeBar />
      <main className="shell-main">
        <EditorBoundary>
          <Suspense fallback={<p className="shell-loading">Loading the editor…</p>}>
            <Editor />
          </Suspense>
        </EditorBoundary>
      </main>
    </>
  );
}
