import { explorerPlugin } from '@graphiql/plugin-explorer';
import '@graphiql/plugin-explorer/style.css';
import './explorer.css';

const plugin = explorerPlugin({ showAttribution: false });
const Content = plugin.content;

/** The operation as a tree of checkboxes; `editor/explorer-keyboard.ts` adds keyboard support. */
export const EXPLORER_PLUGIN = {
  ...plugin,
  title: 'Explorer',
  content: () => (
    <>
      <Content />
      <p className="explorer-keys">
        Keyboard: arrow keys move, Space selects, <kbd>$</kbd> extracts a value into a variable, <kbd>f</kbd>{' '}
        the selections of a field into a fragment.
      </p>
    </>
  ),
};
