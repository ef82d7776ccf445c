import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';

/** Opens an operation in the tab that already has it, otherwise in a new tab. */
export function useOpenOperation() {
  const { addTab, changeTab } = useGraphiQLActions();
  const { tabs, queryEditor, variableEditor } = useGraphiQL((state) => ({
    tabs: state.tabs,
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
  }));

  if (!queryEditor || !variableEditor) return undefined;
  return (document: string, variables: string) => {
    const index = tabs.findIndex((tab) => tab.query?.trimEnd() === document.trimEnd());
    if (index >= 0) {
      changeTab(index);
    } else {
      addTab();
      queryEditor.setValue(document);
    }
    variableEditor.setValue(variables);
    // The editor keeps the scroll position of the previous text.
    for (const editor of [queryEditor, variableEditor]) {
      editor.setScrollPosition({ scrollLeft: 0, scrollTop: 0 });
    }
  };
}
