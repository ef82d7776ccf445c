import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { fetcher } from '../network/fetcher';
import { studentHome } from '../operations/all';
import { OPERATIONS_PLUGIN } from '../plugins/operations';
import { storage } from '../shell/storage';
import './workers';
import 'graphiql/style.css';
import './editor.css';

const PLUGINS = [OPERATIONS_PLUGIN, HISTORY_PLUGIN];
prepareFirstVisit();

export default function Editor() {
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={storage}
      plugins={PLUGINS}
      visiblePlugin={OPERATIONS_PLUGIN}
      defaultEditorToolsVisibility="variables"
      shouldPersistHeaders={false}
    >
      <GraphiQL.Logo> </GraphiQL.Logo>
    </GraphiQL>
  );
}

/** GraphiQL opens on what was edited last; before anything was, that is the student home. */
function prepareFirstVisit() {
  if (storage.getItem('graphiql:tabState') !== null) return;
  storage.setItem('graphiql:query', studentHome.document);
  storage.setItem('graphiql:variables', studentHome.variables);
}
