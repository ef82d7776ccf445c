import { explorerPlugin } from '@graphiql/plugin-explorer';
import '@graphiql/plugin-explorer/style.css';
import './explorer.css';

const plugin = explorerPlugin({ showAttribution: false });
const Content = plugin.content;

/** The operation as a tree of check boxes; `editor/explorer-keyboard.ts` adds the keyboard. */
export const EXPLORER_PLUGIN = {
  ...plugin,
  title: 'Explorer',
  content: () => (
    <>
      <Content />
      <p className="explorer-keys">
        By keyboard: arrow keys move, Space chooses, <kbd>$</kbd> makes a value a variable, <kbd>f</kbd> a
        field’s selections a fragment.
      </p>
    </>
  ),
};
