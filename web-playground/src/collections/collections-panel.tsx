import { type ChangeEvent, type FormEvent, useState } from 'react';
import { activeTab, graphiqlState } from '../editor/graphiql-state';
import { EnvironmentEditor } from '../environments/environment-editor';
import { operationAt } from '../execution/operation-at-cursor';
import { download } from '../files/download';
import { showBriefNotice, showError } from '../notice/notice';
import { openOperation } from '../operations/open-operation';
import { Panel } from '../panel/panel';
import { addCollections, removeOperation, saveOperation, useCollections } from './collections';
import { type Collection, exportCollections, importCollections, type SavedOperation } from './formats';
import './collections-panel.css';

const LEAD = 'Your own operations, in this browser. Files of Postman and Altair can be imported.';

/** Own operations in collections, and environments. */
export default function CollectionsPanel() {
  const { collections } = useCollections();
  return (
    <Panel title="Collections" lead={LEAD} actions={<FileActions collections={collections} />}>
      <div className="collections">
        <SaveForm names={collections.map(({ name }) => name)} />
        {collections.map((collection) => (
          <Entries key={collection.name} collection={collection} />
        ))}
        {collections.length === 0 && (
          <p className="panel-quiet">Save the operation in the editor, or import a file.</p>
        )}
        <EnvironmentEditor />
      </div>
    </Panel>
  );
}

function FileActions({ collections }: { collections: Collection[] }) {
  async function importFile(event: ChangeEvent<HTMLInputElement>) {
    const { files } = event.target;
    const [file] = files ?? [];
    if (!file) return;
    try {
      const read = importCollections(await file.text());
      addCollections(read);
      const count = read.reduce((sum, { operations }) => sum + operations.length, 0);
      showBriefNotice(`Imported: ${count === 1 ? '1 operation' : `${count} operations`}.`);
    } catch (error) {
      showError(`${file.name} was not imported. ${error instanceof Error ? error.message : String(error)}`);
    }
    event.target.value = '';
  }

  return (
    <>
      <label className="button file-button">
        Import
        <input type="file" className="visually-hidden" accept=".json,.agc,.agx" onChange={importFile} />
      </label>
      <button
        type="button"
        className="button"
        disabled={collections.length === 0}
        onClick={() => download('collections.json', 'application/json', exportCollections(collections))}
      >
        Export
      </button>
    </>
  );
}

function SaveForm({ names }: { names: string[] }) {
  const [collection, setCollection] = useState(names[0] ?? 'Mine');

  function save(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const tab = activeTab();
    if (!tab?.query.trim()) return;
    const name = String(new FormData(event.currentTarget).get('name')).trim();
    const own = name || operationAt(tab.query, 0)?.name || 'Unnamed';
    saveOperation(collection.trim() || 'Mine', {
      name: own,
      query: tab.query,
      variables: tab.variables,
      headers: tab.headers,
      extensions: tab.extensions,
    });
    showBriefNotice(`Saved as ${own}.`);
    event.currentTarget.reset();
  }

  return (
    <form className="collections-save" onSubmit={save}>
      <label className="field">
        Save as
        <input name="name" placeholder="its own name" />
      </label>
      <label className="field">
        in
        <input
          list="collection-names"
          value={collection}
          onChange={(event) => setCollection(event.target.value)}
          required
        />
      </label>
      <datalist id="collection-names">
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <button type="submit" className="button">
        Save
      </button>
    </form>
  );
}

function Entries({ collection: { name, operations } }: { collection: Collection }) {
  return (
    <section aria-label={name}>
      <h3 className="collections-title">{name}</h3>
      <ul className="collections-list">
        {operations.map((operation, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: imported operations may have the same name.
          <li key={index} className="collections-entry">
            <button
              type="button"
              className="list-button collections-name"
              title={operation.query}
              onClick={() => open(operation)}
            >
              {operation.name}
            </button>
            <button
              type="button"
              className="small-button"
              aria-label={`Delete ${operation.name}`}
              title="Delete"
              onClick={() => removeOperation(name, operation.name)}
            >
              ×
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function open({ query, variables, headers, extensions }: SavedOperation): void {
  openOperation(query, variables, extensions);
  if (headers) graphiqlState()?.headerEditor?.setValue(headers);
}
