import { useState } from 'react';
import { duration } from '../trace/waterfall';
import type { LinkedFetch } from './linked-fetches';

interface Props {
  links: LinkedFetch[];
  chosen: number | undefined;
  onChoose: (id: number | undefined) => void;
}

/** The statements of all fetches, slowest first; opening one chooses its fetch. */
export function StatementList({ links, chosen, onChoose }: Props) {
  const [open, setOpen] = useState<string>();
  const statements = links
    .flatMap((link) =>
      (link.traced?.statements ?? []).map(({ statement }, index) => ({
        link,
        statement,
        key: `${link.id} ${index}`,
      })),
    )
    .toSorted((one, other) => other.statement.duration - one.statement.duration);
  const lookups = links.reduce((sum, { traced }) => sum + (traced?.catalog?.count ?? 0), 0);

  if (statements.length === 0) return <p className="performance-empty">No fetch ran a SQL statement.</p>;
  return (
    <>
      <ol className="performance-list performance-statements" aria-label="Statements, slowest first">
        {statements.map(({ link, statement, key }) => (
          <li
            key={key}
            data-subgraph={link.subgraph}
            data-chosen={link.id === chosen}
            aria-current={link.id === chosen ? 'true' : undefined}
          >
            <button
              type="button"
              className="performance-statement"
              aria-expanded={open === key}
              onClick={() => {
                setOpen(open === key ? undefined : key);
                if (open !== key) onChoose(link.id);
              }}
            >
              <span className="performance-time">{duration(statement.duration)}</span>
              <span className="performance-name">{link.subgraph}</span>
              <code>{oneLine(statement.sql)}</code>
              <span className="performance-place">
                {statement.rows === 1 ? '1 row' : `${statement.rows} rows`}
              </span>
            </button>
            {open === key && <pre>{statement.sql}</pre>}
          </li>
        ))}
      </ol>
      {lookups > 0 && (
        <p className="performance-empty">
          Beside them, {lookups === 1 ? '1 catalog lookup' : `${lookups} catalog lookups`} of the database
          driver, on new connections.
        </p>
      )}
    </>
  );
}

function oneLine(sql: string): string {
  return sql.trim().replaceAll(/\s+/g, ' ');
}
