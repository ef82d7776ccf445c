import { type MonacoEditor, Range } from '@graphiql/react';

/** Replaces the whole text as one edit, which Ctrl+Z takes back. */
export function replaceText(editor: MonacoEditor, text: string): void {
  const model = editor.getModel();
  if (!model || model.getValue() === text) return;
  editor.pushUndoStop();
  editor.executeEdits('replace', [{ range: model.getFullModelRange(), text }]);
  editor.pushUndoStop();
}

/** Inserts texts at offsets, as one edit. */
export function insertTexts(editor: MonacoEditor, insertions: { index: number; string: string }[]): void {
  const model = editor.getModel();
  if (!model) return;
  const edits = insertions.map(({ index, string }) => {
    const { lineNumber, column } = model.getPositionAt(index);
    return { range: new Range(lineNumber, column, lineNumber, column), text: string };
  });
  editor.pushUndoStop();
  editor.executeEdits('insert', edits);
  editor.pushUndoStop();
}

/**
 * Lets Ctrl+Z take back what plugins write into the model, such as the explorer. GraphiQL itself sets the text through
 * the editor, when another tab is opened: that is a new text, and not an edit.
 */
export function makeUndoable(editor: MonacoEditor): void {
  const model = editor.getModel();
  if (!model) return;
  const setText = model.setValue.bind(model);
  model.setValue = (text: unknown) => replaceText(editor, String(text));
  editor.setValue = (text: string) => setText(text);
}
