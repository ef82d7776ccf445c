import { useGraphiQL } from '@graphiql/react';
import { activeTab, graphiqlState } from '../editor/graphiql-state';
import { setExtensions } from '../extensions/extensions';
import type { Operation } from './operation';
import { fillPlaceholders } from './placeholders';

/** Opens an operation in the tab that already has it, otherwise in a new tab. */
export function openOperation(document: string, variables: string, extensions = ''): void {
  const { tabs, queryEditor, variableEditor, actions } = graphiqlState() ?? {};
  if (!tabs || !actions || !queryEditor || !variableEditor) return;

  const index = tabs.findIndex((tab) => tab.query?.trimEnd() === document.trimEnd());
  if (index >= 0) {
    actions.changeTab(index);
  } else {
    actions.addTab();
    queryEditor.setValue(document);
  }
  variableEditor.setValue(variables);
  setExtensions(activeTab()?.id ?? '', extensions);
  // The editor keeps the scroll position of the previous text.
  for (const editor of [queryEditor, variableEditor]) {
    editor.setScrollPosition({ scrollLeft: 0, scrollTop: 0 });
  }
}

/** Opens an operation with its placeholders filled. */
export async function openWithValues({
  document,
  variables,
}: Pick<Operation, 'document' | 'variables'>): Promise<void> {
  openOperation(document, await fillPlaceholders(variables));
}

/** The same, once the editors are loaded. */
export function useOpenOperation(): typeof openOperation | undefined {
  const isReady = useGraphiQL((state) => Boolean(state.queryEditor && state.variableEditor));
  return isReady ? openOperation : undefined;
}
