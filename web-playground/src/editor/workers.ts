import type {} from 'monaco-editor';
import EditorWorker from 'monaco-editor/esm/vs/editor/editor.worker.js?worker';
import JsonWorker from 'monaco-editor/esm/vs/language/json/json.worker.js?worker';
import GraphQLWorker from './graphql.worker?worker';

// Monaco requests its workers by label. Each is served from our origin, so the CSP only needs 'self'.
window.MonacoEnvironment = {
  async getWorker(_id: string, label: string) {
    if (label === 'graphql') return new GraphQLWorker();
    if (label !== 'json') return new EditorWorker();
    // It checks and completes variables and headers: nobody needs it before they write some. Monaco requests it again
    // whenever the schema of the variables changes.
    whenWritten ??= focused('.graphiql-editor-tool');
    await whenWritten;
    return new JsonWorker();
  },
};

let whenWritten: Promise<void> | undefined;

/** Resolves when something within an element of this selector first has the focus. */
function focused(selector: string): Promise<void> {
  return new Promise((resolve) => {
    const onFocus = ({ target }: FocusEvent) => {
      if (!(target instanceof Element) || !target.closest(selector)) return;
      removeEventListener('focusin', onFocus);
      resolve();
    };
    addEventListener('focusin', onFocus);
  });
}
