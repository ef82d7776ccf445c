import { type SlicesWithActions, useGraphiQL } from '@graphiql/react';

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

export function activeTab(): { id: string; query: string; variables: string; headers: string } | undefined {
  const { tabs, activeTabIndex, queryEditor, variableEditor, headerEditor } = current ?? {};
  const tab = tabs?.[activeTabIndex ?? 0];
  return (
    tab && {
      id: tab.id,
      query: queryEditor?.getValue() ?? tab.query ?? '',
      variables: variableEditor?.getValue() ?? tab.variables ?? '',
      headers: headerEditor?.getValue() ?? tab.headers ?? '',
    }
  );
}
