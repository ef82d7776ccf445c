import { getOrCreateModel, useMonaco } from '@graphiql/react';
import type { editor } from 'monaco-editor';
import { useEffect, useRef, useState } from 'react';
import { EDITOR_FONT } from '../editor/font';

/** A response as JSON: folded and searched as in the editor. */
export function JsonView({ text }: { text: string }) {
  const monaco = useMonaco((state) => state.monaco);
  const element = useRef<HTMLElement>(null);
  const [view, setView] = useState<editor.IStandaloneCodeEditor>();

  useEffect(() => {
    if (!monaco || !element.current) return;
    const model = getOrCreateModel({ uri: 'response.json', value: '' });
    const created = monaco.editor.create(element.current, {
      ...EDITOR_FONT,
      model,
      readOnly: true,
      domReadOnly: true,
      automaticLayout: true,
      minimap: { enabled: false },
      lineNumbers: 'off',
      glyphMargin: false,
      renderLineHighlight: 'none',
      stickyScroll: { enabled: false },
      overviewRulerLanes: 0,
      scrollBeyondLastLine: false,
      wordWrap: 'on',
      contextmenu: false,
      // Otherwise the worker for JSON folds, which is loaded only for what is written.
      foldingStrategy: 'indentation',
      showFoldingControls: 'always',
      ariaLabel: 'Response',
      tabIndex: -1,
    });
    // GraphiQL is not told of it: it would keep each response in its own state.
    setView(created);
    return () => {
      created.dispose();
      model.dispose();
    };
  }, [monaco]);

  useEffect(() => {
    if (view && view.getModel()?.getValue() !== text) view.setValue(text);
  }, [view, text]);

  return <section ref={element} className="result-window" aria-label="Result window" aria-live="polite" />;
}
