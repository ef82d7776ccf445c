import { type FormEvent, useState } from 'react';
import {
  chooseEnvironment,
  type Environment,
  isTexts,
  removeEnvironment,
  saveEnvironment,
  useEnvironments,
} from './environments';

const NEW: Environment = { name: '', variables: {}, headers: {} };

/** Chooses, changes and removes environments. */
export function EnvironmentEditor() {
  const { environments, active } = useEnvironments();
  const [edited, setEdited] = useState<Environment>();

  return (
    <section aria-label="Environments">
      <div className="collections-heading">
        <h3>Environments</h3>
        <button type="button" className="button" onClick={() => setEdited(NEW)}>
          New
        </button>
      </div>
      <p className="panel-quiet">
        Values for <code>{'{{name}}'}</code> in operations, variables, headers and extensions. Secrets are not
        stored.
      </p>
      <ul className="collections-list">
        {environments.map((environment) => (
          <li key={environment.name} className="collections-entry">
            <label className="collections-name">
              <input
                type="radio"
                name="environment"
                checked={environment.name === active}
                onChange={() => chooseEnvironment(environment.name)}
              />{' '}
              {environment.name}
            </label>
            <button
              type="button"
              className="small-button"
              aria-label={`Edit ${environment.name}`}
              onClick={() => setEdited(environment)}
            >
              ✎
            </button>
            <button
              type="button"
              className="small-button"
              aria-label={`Delete ${environment.name}`}
              onClick={() => removeEnvironment(environment.name)}
            >
              ×
            </button>
          </li>
        ))}
        {environments.length > 0 && (
          <li className="collections-entry">
            <label className="collections-name">
              <input
                type="radio"
                name="environment"
                checked={active === ''}
                onChange={() => chooseEnvironment('')}
              />{' '}
              None
            </label>
          </li>
        )}
      </ul>
      {edited && <Form key={edited.name} environment={edited} onClose={() => setEdited(undefined)} />}
    </section>
  );
}

function Form({ environment, onClose }: { environment: Environment; onClose: () => void }) {
  const [problem, setProblem] = useState('');

  function save(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    try {
      const changed = {
        name: String(form.get('name')).trim(),
        variables: readTexts('Variables', String(form.get('variables'))),
        headers: readTexts('Headers', String(form.get('headers'))),
      };
      saveEnvironment(changed, environment.name);
      onClose();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <form className="environment-form" onSubmit={save}>
      <label className="field">
        Name
        <input name="name" defaultValue={environment.name} required />
      </label>
      <label className="field">
        Variables, as JSON
        <textarea name="variables" rows={4} defaultValue={JSON.stringify(environment.variables, null, 2)} />
      </label>
      <label className="field">
        Headers, as JSON
        <textarea name="headers" rows={3} defaultValue={JSON.stringify(environment.headers, null, 2)} />
      </label>
      <p className="panel-problem" role="alert">
        {problem}
      </p>
      <p className="button-row">
        <button type="submit" className="button button-main">
          Save
        </button>
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
      </p>
    </form>
  );
}

function readTexts(what: string, text: string): Record<string, string> {
  let values: unknown;
  try {
    values = JSON.parse(text || '{}');
  } catch {
    throw new Error(`${what} are not valid JSON.`);
  }
  if (!isTexts(values)) throw new Error(`${what} must be an object whose values are strings.`);
  return values;
}
