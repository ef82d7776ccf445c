import type { MonacoEditor } from '@graphiql/react';
import { type OperationDefinitionNode, parse } from 'graphql';
import { runOperationAt } from './actions';

/** How long typing has to pause before the buttons are placed anew. */
const DEBOUNCE_MS = 300;
/** Monaco's `ContentWidgetPositionPreference.ABOVE`, whose module is loaded later than this one. */
const ABOVE = 1;

interface Operation {
  name: string;
  line: number;
}

/** A button above each operation of a document with several of them, which runs it. Returns what removes them. */
export function showRunButtons(editor: MonacoEditor): () => void {
  let remove = () => {};
  let shown = '';
  let timer: ReturnType<typeof setTimeout> | undefined;

  const update = () => {
    const operations = severalOperations(editor.getValue());
    // While a document cannot be parsed, the buttons stay.
    if (!operations || JSON.stringify(operations) === shown) return;
    shown = JSON.stringify(operations);
    remove();
    remove = place(editor, operations);
  };
  const listener = editor.onDidChangeModelContent(() => {
    clearTimeout(timer);
    timer = setTimeout(update, DEBOUNCE_MS);
  });
  update();

  return () => {
    clearTimeout(timer);
    listener.dispose();
    remove();
  };
}

/** The operations of a document; none if there is only one. Undefined when it cannot be parsed. */
export function severalOperations(document: string): Operation[] | undefined {
  try {
    const found = parse(document).definitions.filter(
      (one): one is OperationDefinitionNode => one.kind === 'OperationDefinition',
    );
    const named = found.flatMap(({ name, loc }) =>
      name && loc ? [{ name: name.value, line: loc.startToken.line }] : [],
    );
    return named.length > 1 ? named : [];
  } catch {
    return document.trim() ? undefined : [];
  }
}

function place(editor: MonacoEditor, operations: Operation[]): () => void {
  const buttons = operations.map((operation) => createButton(editor, operation));
  let zones: string[] = [];
  editor.changeViewZones((accessor) => {
    zones = operations.map(({ line }) =>
      accessor.addZone({
        afterLineNumber: line - 1,
        heightInLines: 1.2,
        domNode: document.createElement('div'),
      }),
    );
  });
  const widgets = operations.map(({ name, line }, index) => ({
    getId: () => `run ${name} ${line}`,
    getDomNode: () => buttons[index] as HTMLElement,
    getPosition: () => ({ position: { lineNumber: line, column: 1 }, preference: [ABOVE] }),
  }));
  for (const widget of widgets) editor.addContentWidget(widget);
  return () => {
    for (const widget of widgets) editor.removeContentWidget(widget);
    editor.changeViewZones((accessor) => {
      for (const zone of zones) accessor.removeZone(zone);
    });
  };
}

function createButton(editor: MonacoEditor, { name, line }: Operation): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'run-button';
  button.textContent = `▶ Run ${name}`;
  button.setAttribute('aria-label', `Run ${name}`);
  // The editor would take the focus before the click.
  button.addEventListener('mousedown', (event) => event.stopPropagation());
  button.addEventListener('keydown', (event) => event.stopPropagation());
  button.addEventListener('click', () => runOperationAt(editor, line));
  return button;
}
