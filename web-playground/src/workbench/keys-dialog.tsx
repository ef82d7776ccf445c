import { reopenStart } from '../start/progress';
import { Dialog } from './dialog';

const KEYS: { title: string; keys: [string, string][] }[] = [
  {
    title: 'Anywhere',
    keys: [
      ['?', 'This list, unless you are writing'],
      ['Shift+Ctrl+R', 'Reload the schema'],
      ['Tab', 'The first stop of the page leads to the editor'],
      ['Esc', 'Close a dialog, or make a widened panel narrow again'],
    ],
  },
  {
    title: 'In the editors',
    keys: [
      ['Ctrl+Enter', 'Run the operation at the cursor, or stop it'],
      ['Ctrl+Space', 'Complete'],
      ['Shift+Ctrl+P', 'Format the operation, variables, headers and extensions'],
      ['Shift+Ctrl+M', 'Write the fields of fragments where they are used'],
      ['Shift+Ctrl+C', 'Copy the operation'],
      ['Ctrl+F', 'Search, also in the response'],
      ['Ctrl+Z', 'Undo'],
      ['Ctrl+M', 'Let Tab leave the editor'],
    ],
  },
  {
    title: 'In panels',
    keys: [
      ['Arrow keys', 'Move in the explorer, the map and the plan, and move the line between panes'],
      ['Space', 'Select in the explorer'],
      ['$ and f', 'Explorer: extract a value into a variable, fields into a fragment'],
      ['+, − and 0', 'Zoom a drawing, and show all of it'],
      ['↑ and ↓', 'Performance: the next fetch; Enter marks it in every part'],
    ],
  },
];

export function KeysDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Help" onClose={onClose}>
      {KEYS.map(({ title, keys }) => (
        <section key={title}>
          <h3 className="dialog-heading">{title}</h3>
          <dl className="keys">
            {keys.map(([key, does]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      <h3 className="dialog-heading">First steps</h3>
      <button
        type="button"
        className="button"
        onClick={() => {
          reopenStart();
          onClose();
        }}
      >
        Show the guided start again
      </button>
      <p className="dialog-quiet">On a Mac, ⌘ replaces Ctrl where you run or search.</p>
    </Dialog>
  );
}
