import { explorerPlugin } from '@graphiql/plugin-explorer';
import '@graphiql/plugin-explorer/style.css';

/** The operation as a tree of check boxes. */
export const EXPLORER_PLUGIN = { ...explorerPlugin({ showAttribution: false }), title: 'Explorer' };
