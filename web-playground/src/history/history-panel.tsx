import { useState } from 'react';
import { useOpenOperation } from '../operations/open-operation';
import { Panel } from '../panel/panel';
import { useSession } from '../session/session';
import {
  changeEntry,
  clearHistory,
  entriesFor,
  type HistoryEntry,
  removeEntry,
  searchHistory,
  useHistory,
} from './history';
import './history-panel.css';

const LEAD =
  'Executed operations, stored in this browser only, without tokens, passwords and headers. Each user sees their own.';

/** Earlier operations, which can be searched, kept and opened again. */
export default function HistoryPanel() {
  const viewer = useSession(({ session }) => session?.user.id ?? '');
  const entries = entriesFor(useHistory().entries, viewer);
  const [text, setText] = useState('');
  const found = searchHistory(entries, text);

  return (
    <Panel
      title="History"
      lead={LEAD}
      actions={
        <button
          type="button"
          className="button"
          onClick={() => clearHistory(viewer)}
          disabled={entries.length === 0}
        >
          Clear
        </button>
      }
    >
      <label className="panel-search">
        <span>Search</span>
        <input type="search" value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <ul className="graphiql-history">
        {found.map((entry) => (
          <Entry key={entry.id} entry={entry} />
        ))}
      </ul>
      {found.length === 0 && (
        <p className="panel-quiet">
          {text ? 'No executed operation has all of these words.' : 'Run an operation: it is listed here.'}
        </p>
      )}
    </Panel>
  );
}

function Entry({ entry }: { entry: HistoryEntry }) {
  const open = useOpenOperation();
  const [isRenaming, setIsRenaming] = useState(false);
  const { id, name, query, variables, extensions, at, isFavorite } = entry;

  return (
    <li className="history-entry">
      {isRenaming ? (
        <form
          className="history-form"
          onSubmit={(event) => {
            event.preventDefault();
            changeEntry(id, { name: String(new FormData(event.currentTarget).get('name')) || name });
            setIsRenaming(false);
          }}
        >
          {/* biome-ignore lint/a11y/noAutofocus: the user has asked for it. */}
          <input name="name" defaultValue={name} aria-label="Name" autoFocus />
          <button type="submit" className="button">
            Save
          </button>
        </form>
      ) : (
        <button
          type="button"
          className="list-button history-name"
          title={query}
          onClick={() => open?.(query, variables, extensions)}
        >
          {name}
        </button>
      )}
      <time className="panel-quiet" dateTime={new Date(at).toISOString()}>
        {new Date(at).toLocaleTimeString([], { timeStyle: 'short' })}
      </time>
      <button
        type="button"
        className="small-button"
        aria-label={isFavorite ? 'Remove favorite' : 'Add favorite'}
        title={isFavorite ? 'Remove favorite' : 'Add favorite'}
        onClick={() => changeEntry(id, { isFavorite: !isFavorite })}
      >
        {isFavorite ? '★' : '☆'}
      </button>
      <button
        type="button"
        className="small-button"
        aria-label={`Rename ${name}`}
        title="Rename"
        onClick={() => setIsRenaming(true)}
      >
        ✎
      </button>
      <button
        type="button"
        className="small-button"
        aria-label={`Delete ${name}`}
        title="Delete"
        onClick={() => removeEntry(id)}
      >
        ×
      </button>
    </li>
  );
}
