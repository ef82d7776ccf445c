import { useGraphiQL } from '@graphiql/react';
import { useId, useMemo, useState } from 'react';
import { activeTab, graphiqlState } from '../editor/graphiql-state';
import { readOperation } from '../editor/request';
import { replaceText } from '../editor/undo';
import { showBriefNotice } from '../notice/notice';
import { Prose } from '../panel/prose';
import { addField } from './add-field';
import '../panel/panel.css';
import { pathText, type ReachableField, reachableFields, searchFields } from './fields';

const MAX_SHOWN = 30;

/** Searches the fields of all types, shows their types and arguments, and adds them to the operation. */
export function FindField() {
  const schema = useGraphiQL((state) => state.schema);
  const fields = useMemo(() => (schema ? reachableFields(schema) : []), [schema]);
  const [text, setText] = useState('');
  const found = useMemo(() => searchFields(fields, text), [fields, text]);

  return (
    <section className="find-field" aria-label="Find a field">
      <label className="panel-search">
        <span className="visually-hidden">Find a field of any type</span>
        <input
          type="search"
          placeholder="Find a field"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      {text.trim() && (
        <>
          <p className="panel-quiet" role="status">
            {countText(found.length)}
          </p>
          <ul className="find-field-list" aria-label="Fields">
            {found.slice(0, MAX_SHOWN).map((field) => (
              <FoundField key={`${field.operation} ${pathText(field.path)}`} field={field} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function countText(count: number): string {
  if (count === 0) return 'No field has all of these words.';
  if (count > MAX_SHOWN) return `${count} fields; these are the first ${MAX_SHOWN}.`;
  return count === 1 ? '1 field' : `${count} fields`;
}

function FoundField({ field }: { field: ReachableField }) {
  const { operation, path, name, type, description, args } = field;
  const [values, setValues] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState('');
  const id = useId();

  function add() {
    try {
      addToDocument(field, values);
      setProblem('');
      showBriefNotice(`Added: ${pathText(path)}`);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <li className="find-field-item">
      <div className="find-field-first">
        <span id={id}>
          <code className="find-field-name">{name}</code>: <code className="find-field-type">{type}</code>
        </span>
        <button type="button" className="button" aria-describedby={id} onClick={add}>
          Add
        </button>
      </div>
      <p className="find-field-path">
        {operation} {pathText(path)}
      </p>
      {description && (
        <p className="find-field-text">
          <Prose text={description} />
        </p>
      )}
      {args.length > 0 && (
        <details>
          <summary>{args.length === 1 ? '1 argument' : `${args.length} arguments`}</summary>
          {args.map((arg) => (
            <label key={arg.name} className="find-field-arg">
              <span>
                <code>{arg.name}</code>: <code className="find-field-type">{String(arg.type)}</code>
              </span>
              <input
                type="text"
                placeholder={arg.defaultValue === undefined ? '' : String(arg.defaultValue)}
                title={arg.description ?? undefined}
                value={values[arg.name] ?? ''}
                onChange={(event) => setValues({ ...values, [arg.name]: event.target.value })}
              />
              {arg.description && (
                <span className="find-field-text">
                  <Prose text={arg.description} />
                </span>
              )}
            </label>
          ))}
        </details>
      )}
      {problem && (
        <p className="panel-problem" role="alert">
          {problem}
        </p>
      )}
    </li>
  );
}

function addToDocument(field: ReachableField, values: Record<string, string>): void {
  const { queryEditor } = graphiqlState() ?? {};
  const tab = activeTab();
  if (!queryEditor || !tab) return;
  replaceText(queryEditor, addField(tab.query, readOperation(tab.query)?.name, field, values));
}
