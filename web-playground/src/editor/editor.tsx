import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { fetcher } from '../network/fetcher';
import { studentHome } from '../operations/all';
import { OPERATIONS_PLUGIN } from '../plugins/operations';
import { storage } from '../shell/storage';
import './workers';
import 'graphiql/style.css';
import './editor.css';

const PLUGINS = [OPERATIONS_PLUGIN, HISTORY_PLUGIN];
const FIRST_TAB = [{ query: studentHome.document, variables: studentHome.variables }];

export default function Editor() {
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={storage}
      plugins={PLUGINS}
      visiblePlugin={OPERATIONS_PLUGIN}
      defaultTabs={FIRST_TAB}
      defaultEditorToolsVisibility="variables"
      shouldPersistHeaders={false}
    >
      <GraphiQL.Logo> </GraphiQL.Logo>
    </GraphiQL>
  );
}
