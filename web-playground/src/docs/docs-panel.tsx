import { DocExplorer, DocExplorerStore } from '@graphiql/plugin-doc-explorer';
import '@graphiql/plugin-doc-explorer/style.css';

/** GraphiQL's documentation of the schema. Where one was in it is kept while the panel is closed. */
export default function DocsPanel() {
  return (
    <DocExplorerStore>
      <DocExplorer />
    </DocExplorerStore>
  );
}
