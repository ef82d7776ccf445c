import { useGraphiQL, useMonaco } from '@graphiql/react';
import { GraphiQL } from 'graphiql';
import { useEffect, useRef } from 'react';
import { AnswerFooter } from '../answer/answer';
import { Estimate } from '../cost/estimate';
import { Fragment } from '../link/fragment';
import { ShareButton } from '../link/share-button';
import { fetcher } from '../network/fetcher';
import { studentHome } from '../operations/all';
import { ERRORS_PLUGIN } from '../plugins/errors';
import { EXPLORER_PLUGIN } from '../plugins/explorer';
import { HISTORY_PLUGIN } from '../plugins/history';
import { MAP_PLUGIN } from '../plugins/map';
import { OPERATIONS_PLUGIN } from '../plugins/operations';
import { PLAN_PLUGIN } from '../plugins/plan';
import { TRACE_PLUGIN } from '../plugins/trace';
import { storage } from '../shell/storage';
import { mendMarkup } from './mend-markup';
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
];
prepareFirstVisit();

export default function Editor() {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => (place.current ? mendMarkup(place.current) : undefined), []);

  return (
    <div ref={place} className="editor">
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
          <AnswerFooter />
        </GraphiQL.Footer>
        <Estimate />
        <Fragment />
        <Themes />
      </GraphiQL>
    </div>
  );
}

/** GraphiQL may choose the theme before Monaco has come, and knows no other way to bring one along. */
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

/** GraphiQL opens on what was edited last; before anything was, that is the student home. */
function prepareFirstVisit() {
  if (storage.getItem('graphiql:tabState') !== null) return;
  storage.setItem('graphiql:query', studentHome.document);
  storage.setItem('graphiql:variables', studentHome.variables);
}
