import type { GraphiQLPlugin } from '@graphiql/react';
import { operations } from '../operations/all';
import { useOpenOperation } from '../operations/open-operation';
import { type Operation, VIEWERS } from '../operations/operation';
import { fillPlaceholders } from '../operations/placeholders';
import './operations.css';

export const OPERATIONS_PLUGIN: GraphiQLPlugin = {
  title: 'Operations',
  icon: Icon,
  content: Operations,
};

function Operations() {
  const open = useOpen();
  return (
    <section aria-label="Operations" className="operations">
      <div className="graphiql-doc-explorer-title">Operations</div>
      <p className="operations-quiet">The operations of the front end, by kind of viewer.</p>
      {VIEWERS.map(({ viewer, title }) => (
        <section key={viewer} aria-label={title}>
          <h3 className="operations-viewer">{title}</h3>
          <ul className="operations-list">
            {operations
              .filter((operation) => operation.viewers[0] === viewer)
              .map((operation) => (
                <li key={operation.name}>
                  <button type="button" className="operations-open" onClick={() => void open(operation)}>
                    <span className="operations-name">{operation.name}</span>
                    <span className="operations-quiet">{operation.screen}</span>
                  </button>
                </li>
              ))}
          </ul>
        </section>
      ))}
    </section>
  );
}

/** Opens an operation with its placeholders filled. */
function useOpen() {
  const openOperation = useOpenOperation();
  return async (operation: Operation) => {
    const variables = await fillPlaceholders(operation.variables);
    openOperation?.(operation.document, variables);
  };
}

function Icon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
      <path d="M2 3.5h2M2 8h2M2 12.5h2M6.5 3.5H14M6.5 8H14M6.5 12.5H14" strokeLinecap="round" />
    </svg>
  );
}
