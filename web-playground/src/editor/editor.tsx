import { useGraphiQL, useMonaco } from '@graphiql/react';
import { GraphiQL } from 'graphiql';
import { useEffect, useRef } from 'react';
import { fetcher } from '../execution/fetcher';
import { ShareButton } from '../link/share-button';
import { UrlFragment } from '../link/url-fragment';
import { studentHome } from '../operations/all';
import { CostEstimate } from '../plan/cost-estimate';
import { ERRORS_PLUGIN } from '../plugins/errors';
import { EXPLORER_PLUGIN } from '../plugins/explorer';
import { HISTORY_PLUGIN } from '../plugins/history';
import { MAIL_PLUGIN } from '../plugins/mail';
import { MAP_PLUGIN } from '../plugins/map';
import { OPERATIONS_PLUGIN } from '../plugins/operations';
import { PLAN_PLUGIN } from '../plugins/plan';
import { TRACE_PLUGIN } from '../plugins/trace';
import { ResponseFooter } from '../response/response-footer';
import { storage } from '../storage/storage';
import { applyA11yFixes } from './a11y-fixes';
import { defineThemes, THEMES } from './themes';
import './workers';
import 'graphiql/style.css';
import './editor.css';

const PLUGINS = [
  EXPLORER_PLUGIN,
  OPERATIONS_PLUGIN,
  HISTORY_PLUGIN,
  PLAN_PLUGIN,
  TRACE_PLUGIN,
  MAP_PLUGIN,
  ERRORS_PLUGIN,
  MAIL_PLUGIN,
];
prepareFirstVisit();

export default function Editor() {
  const container = useRef<HTMLDivElement>(null);
  useEffect(() => (container.current ? applyA11yFixes(container.current) : undefined), []);

  return (
    <div ref={container} className="editor">
      <GraphiQL
        editorTheme={THEMES}
        fetcher={fetcher}
        storage={storage}
        plugins={PLUGINS}
        visiblePlugin={OPERATIONS_PLUGIN}
        defaultEditorToolsVisibility="variables"
        shouldPersistHeaders={false}
      >
        <GraphiQL.Logo> </GraphiQL.Logo>
        <GraphiQL.Toolbar>
          {({ prettify, merge, copy }) => (
            <>
              {prettify}
              {merge}
              {copy}
              <ShareButton />
            </>
          )}
        </GraphiQL.Toolbar>
        <GraphiQL.Footer>
          <ResponseFooter />
        </GraphiQL.Footer>
        <CostEstimate />
        <UrlFragment />
        <Themes />
      </GraphiQL>
    </div>
  );
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

/** GraphiQL opens the operation that was edited last; on the first visit, the student home. */
function prepareFirstVisit() {
  if (storage.getItem('graphiql:tabState') !== null) return;
  storage.setItem('graphiql:query', studentHome.document);
  storage.setItem('graphiql:variables', studentHome.variables);
}
