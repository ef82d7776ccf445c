import {
  createEditor,
  getOrCreateModel,
  KEY_MAP,
  onEditorContainerKeyDown,
  useGraphiQL,
  useGraphiQLActions,
  useMonaco,
} from '@graphiql/react';
import { useEffect, useRef } from 'react';
import { EDITOR_FONT } from '../editor/font';
import { setExtensions, useExtensions } from './extensions';

/** The `extensions` of the request, as JSON. */
export function ExtensionsEditor({ className }: { className: string }) {
  const monaco = useMonaco((state) => state.monaco);
  const tab = useGraphiQL(({ tabs, activeTabIndex }) => tabs[activeTabIndex]?.id ?? '');
  const { run, prettifyEditors } = useGraphiQLActions();
  const text = useExtensions(({ texts }) => texts[tab] ?? '');
  const editor = useExtensions((state) => state.editor);
  const element = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!monaco || !element.current) return;
    const model = getOrCreateModel({ uri: 'request-extensions.json', value: '' });
    const created = createEditor(
      { current: element.current },
      { ...EDITOR_FONT, model, ariaLabel: 'Request extensions' },
    );
    created.addAction({ id: 'run', label: 'Run Operation', ...KEY_MAP.runQuery, run });
    created.addAction({ id: 'prettify', label: 'Format', ...KEY_MAP.prettify, run: prettifyEditors });
    useExtensions.setState({ editor: created });
    return () => {
      useExtensions.setState({ editor: undefined });
      created.dispose();
      model.dispose();
    };
  }, [monaco, run, prettifyEditors]);

  // Another tab, or an operation that was opened in this one: a new text, and not an edit.
  useEffect(() => {
    if (editor && editor.getValue() !== text) editor.setValue(text);
  }, [editor, text]);

  useEffect(() => {
    const listener = editor?.onDidChangeModelContent(() => setExtensions(tab, editor.getValue()));
    return () => listener?.dispose();
  }, [editor, tab]);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: as in GraphiQL's editors, Enter leads into it.
    <div
      ref={element}
      className={`graphiql-editor ${className}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the same.
      tabIndex={0}
      onKeyDown={onEditorContainerKeyDown}
    />
  );
}
