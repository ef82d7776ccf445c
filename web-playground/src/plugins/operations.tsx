import type { GraphiQLPlugin } from '@graphiql/react';
import { useState } from 'react';
import { operations } from '../operations/all';
import { openWithValues } from '../operations/open-operation';
import { groupOperations, type Operation, type OperationGroup } from '../operations/operation';
import { useSession } from '../session/session';
import { SignInAs } from '../session/sign-in-as';
import './operations.css';

export const OPERATIONS_PLUGIN: GraphiQLPlugin = {
  title: 'Operations',
  icon: Icon,
  content: Operations,
};

function Operations() {
  const role = useSession(({ session }) => session?.user.role);
  const [text, setText] = useState('');
  const groups = groupOperations(operations, role, text);
  return (
    <section aria-label="Operations" className="operations">
      <h2 className="panel-title">Operations</h2>
      <p className="operations-quiet">What the front end sends. Open one to run it on the sample data.</p>
      <label className="operations-search">
        <span className="visually-hidden">Search operations</span>
        <input
          type="search"
          placeholder="Search operations"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      {groups.map((group) => (
        <Group key={group.title} group={group} />
      ))}
      {groups.length === 0 && <p className="operations-quiet">No operation has all of these words.</p>}
    </section>
  );
}

function Group({ group: { title, viewers, operations } }: { group: OperationGroup }) {
  return (
    <section aria-label={title}>
      <div className="operations-heading">
        <h3 className="operations-viewer">{title}</h3>
        {viewers.length > 0 && <SignInAs viewers={viewers} />}
      </div>
      <ul className="operations-list">
        {operations.map((operation) => (
          <li key={operation.name}>
            <Entry operation={operation} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Entry({ operation }: { operation: Operation }) {
  const { name, kind, description } = operation;
  return (
    <button type="button" className="operations-open" onClick={() => void openWithValues(operation)}>
      <span className="operations-first">
        <span className="operations-name">{name}</span>
        <span className="operations-kind" data-kind={kind}>
          {kind}
        </span>
      </span>
      <span className="operations-quiet">{description}</span>
    </button>
  );
}

function Icon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
      <path d="M2 3.5h2M2 8h2M2 12.5h2M6.5 3.5H14M6.5 8H14M6.5 12.5H14" strokeLinecap="round" />
    </svg>
  );
}
