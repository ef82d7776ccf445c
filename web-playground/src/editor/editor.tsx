import { GraphiQLProvider, useGraphiQL, useMonaco } from '@graphiql/react';
import { type ReactNode, useEffect } from 'react';
import { fetcher } from '../execution/fetcher';
import { keepRunsOf, useRuns } from '../execution/runs';
import { keepExtensionsOf } from '../extensions/extensions';
import { UrlFragment } from '../link/url-fragment';
import { studentHome } from '../operations/all';
import { usePlanUpdates } from '../plan/current-plan';
import { DOCS_PLUGIN } from '../plugins/docs';
import { OPERATIONS_PLUGIN } from '../plugins/operations';
import { PLUGINS } from '../plugins/plugins';
import { forgetDeparted } from '../session/departure';
import { storage } from '../storage/storage';
import { Workbench } from '../workbench/workbench';
import { useOwnActions } from './actions';
import { EDITOR_FONT } from './font';
import { useTrackedState } from './graphiql-state';
import { showRunButtons } from './run-buttons';
import { defineThemes, THEMES } from './themes';
import { makeUndoable } from './undo';
import './workers';
import '@graphiql/react/style.css';
import './editor.css';

prepareFirstVisit();

export default function Editor() {
  useEffect(forgetDeparted, []);

  return (
    <div className="editor">
      <GraphiQLProvider
        editorTheme={THEMES}
        fetcher={fetcher}
        storage={storage}
        plugins={PLUGINS}
        referencePlugin={DOCS_PLUGIN}
        visiblePlugin={OPERATIONS_PLUGIN}
        shouldPersistHeaders={false}
      >
        <OwnActions>
          <Workbench />
          <UrlFragment />
          <Themes />
          <TabRuns />
          <OwnEditors />
          <PlanUpdates />
        </OwnActions>
      </GraphiQLProvider>
    </div>
  );
}

function OwnActions({ children }: { children: ReactNode }) {
  useTrackedState();
  useOwnActions();
  return children;
}

/** GraphiQL may select the theme before Monaco is loaded, and has no other way to register one. */
function Themes() {
  const monaco = useMonaco((state) => state.monaco);
  const chosen = useGraphiQL((state) => state.monacoTheme);

  useEffect(() => {
    if (!monaco) return;
    defineThemes(monaco.editor);
    if (chosen) monaco.editor.setTheme(chosen);
  }, [monaco, chosen]);

  return null;
}

/** Says which tab is active, and which are closed. */
function TabRuns() {
  const { tabs, activeTabIndex } = useGraphiQL(({ tabs, activeTabIndex }) => ({ tabs, activeTabIndex }));
  useEffect(() => {
    useRuns.setState({ activeTab: tabs[activeTabIndex]?.id ?? '' });
    keepRunsOf(tabs.map(({ id }) => id));
    keepExtensionsOf(tabs.map(({ id }) => id));
  }, [tabs, activeTabIndex]);
  return null;
}

function OwnEditors() {
  const { queryEditor, variableEditor, headerEditor } = useGraphiQL((state) => ({
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
    headerEditor: state.headerEditor,
  }));
  useEffect(() => {
    for (const editor of [queryEditor, variableEditor, headerEditor]) editor?.updateOptions(EDITOR_FONT);
  }, [queryEditor, variableEditor, headerEditor]);
  useEffect(() => {
    if (queryEditor) makeUndoable(queryEditor);
  }, [queryEditor]);
  useEffect(() => (queryEditor ? showRunButtons(queryEditor) : undefined), [queryEditor]);
  useEffect(() => {
    if (variableEditor) makeUndoable(variableEditor);
  }, [variableEditor]);
  return null;
}

function PlanUpdates() {
  usePlanUpdates();
  return null;
}

/** GraphiQL opens the operation that was edited last; on the first visit, the student home. */
function prepareFirstVisit() {
  if (storage.getItem('graphiql:tabState') !== null) return;
  storage.setItem('graphiql:query', studentHome.document);
  storage.setItem('graphiql:variables', studentHome.variables);
}
