import { explorerPlugin } from '@graphiql/plugin-explorer';
import { useEffect, useRef } from 'react';
import { applyExplorerKeyboard } from './explorer-keyboard';
import { FindField } from './find-field';
import '@graphiql/plugin-explorer/style.css';
import './explorer-panel.css';

const Content = explorerPlugin({ showAttribution: false }).content;

/** A search over all fields, and the operation as a tree of checkboxes, with keyboard support. */
export default function ExplorerPanel() {
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => (panel.current ? applyExplorerKeyboard(panel.current) : undefined), []);
  return (
    <div ref={panel}>
      <FindField />
      <Content />
      <p className="explorer-keys">
        Keyboard: arrow keys move, Space selects, <kbd>$</kbd> extracts a value into a variable, <kbd>f</kbd>{' '}
        the selections of a field into a fragment.
      </p>
    </div>
  );
}
