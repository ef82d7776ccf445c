import { type SlicesWithActions, useGraphiQL } from '@graphiql/react';
import { extensionsOf } from '../extensions/extensions';

let current: SlicesWithActions | undefined;

/**
 * Follows GraphiQL's state. GraphiQL keeps its store to itself, but calls each selector at every change, before
 * anything else can happen.
 */
export function useTrackedState(): void {
  useGraphiQL((state) => {
    current = state as SlicesWithActions;
    return state.actions;
  });
}

/** GraphiQL's state at this moment; undefined before it is rendered. */
export function graphiqlState(): SlicesWithActions | undefined {
  return current;
}

/** The texts of a tab's editors. */
export interface TabTexts {
  id: string;
  query: string;
  variables: string;
  headers: string;
  extensions: string;
}

export function activeTab(): TabTexts | undefined {
  const { tabs, activeTabIndex, queryEditor, variableEditor, headerEditor } = current ?? {};
  const tab = tabs?.[activeTabIndex ?? 0];
  return (
    tab && {
      id: tab.id,
      query: queryEditor?.getValue() ?? tab.query ?? '',
      variables: variableEditor?.getValue() ?? tab.variables ?? '',
      headers: headerEditor?.getValue() ?? tab.headers ?? '',
      extensions: extensionsOf(tab.id),
    }
  );
}
