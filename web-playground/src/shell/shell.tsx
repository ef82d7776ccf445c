import { lazy, Suspense } from 'react';
import { EditorBoundary } from './editor-boundary';
import { Header } from './header';
import { NoticeBar } from './notice';
import './shell.css';

const Editor = lazy(() => {
  // GraphiQL asks for Monaco only once it is drawn; asked for now, it arrives meanwhile.
  void import('monaco-graphql/esm/monaco-editor.js');
  return import('../editor/editor');
});

/** The page. It shows at once; the editor, which is large, follows. */
export function Shell() {
  return (
    <>
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
