import { useEffect, useRef } from 'react';
import codes from '../../../docs/errors.json';
import { userErrorCodes } from '../graph/supergraph';
import { Panel } from '../panel/panel';
import { Prose } from '../panel/prose';
import { useSelectedError } from './selected-error';
import './error-meanings.css';

/** The meaning of every error code; the selected one is highlighted and scrolled into view. */
export default function ErrorMeanings() {
  return (
    <Panel title="Errors" lead="What the error codes mean, and how to resolve them.">
      <div className="meanings">
        <h3>Codes in errors</h3>
        <dl className="meanings-list">
          {codes.map(({ code, meaning, todo }) => (
            <Entry key={code} code={code} means={meaning} todo={todo} />
          ))}
        </dl>
        <h3>Codes in userErrors of mutations</h3>
        <dl className="meanings-list">
          {userErrorCodes.map(({ code, means }) => (
            <Entry key={code} code={code} means={means} />
          ))}
        </dl>
      </div>
    </Panel>
  );
}

function Entry({ code, means, todo }: { code: string; means: string; todo?: string }) {
  const { code: chosen } = useSelectedError();
  const entry = useRef<HTMLDivElement>(null);
  const isChosen = chosen === code;

  useEffect(() => {
    if (!isChosen) return;
    entry.current?.scrollIntoView({ block: 'nearest' });
    entry.current?.focus();
  }, [isChosen]);

  return (
    <div
      ref={entry}
      tabIndex={-1}
      className={isChosen ? 'meaning meaning-chosen' : 'meaning'}
      aria-current={isChosen || undefined}
    >
      <dt>
        <code>{code}</code>
      </dt>
      <dd>
        <Prose text={means} />
      </dd>
      {todo && (
        <dd className="meaning-todo">
          <Prose text={todo} />
        </dd>
      )}
    </div>
  );
}
