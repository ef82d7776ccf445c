import { useState } from 'react';
import { operations } from '../operations/all';
import { openWithValues } from '../operations/open-operation';
import { Prose } from '../panel/prose';
import { MarkSign } from './mark';
import type { AffectedOperation, Level, OtherFinding, SchemaChange, SchemaReport } from './report';
import type { GraphSelection } from './selection';
import './report-list.css';

interface Props {
  report: SchemaReport;
  file: string;
  onChoose: (chosen: GraphSelection) => void;
  onClose: () => void;
}

const LEVELS: Level[] = ['breaking', 'dangerous', 'safe'];

/** What a schema check has found: counts, and each change, which leads to its place on the map. */
export function ReportList({ report, file, onChoose, onClose }: Props) {
  const [shown, setShown] = useState<Level>();
  const { changes, others, skipped } = report;
  const affected = affectedOperations(changes);
  const listed = shown ? changes.filter(({ level }) => level === shown) : changes;

  return (
    <section className="map-report" aria-label="Schema change">
      <div className="map-report-title">
        <h3 title={file}>{file}</h3>
        <button type="button" className="button" onClick={onClose}>
          Close the report
        </button>
      </div>
      <p role="status">
        <strong className="map-verdict" data-verdict={report.verdict}>
          {VERDICTS[report.verdict]}
        </strong>{' '}
        {summary(report)}
      </p>
      {changes.length > 0 && (
        <fieldset className="map-levels">
          <legend className="visually-hidden">Show only changes that are</legend>
          {LEVELS.map((level) => (
            <button
              key={level}
              type="button"
              className="button"
              aria-pressed={level === shown}
              disabled={!changes.some((change) => change.level === level)}
              onClick={() => setShown(level === shown ? undefined : level)}
            >
              <span className="map-sign" data-level={level} aria-hidden="true">
                {LEVEL_SIGNS[level]}
              </span>{' '}
              {changes.filter((change) => change.level === level).length} {level}
            </button>
          ))}
        </fieldset>
      )}
      <ul className="map-changes" aria-label="Changes">
        {listed.map((change, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a report never changes.
          <ChangeItem key={index} change={change} onChoose={onChoose} />
        ))}
      </ul>
      {affected.length > 0 && <Affected operations={affected} />}
      {others.length > 0 && <Others findings={others} />}
      {skipped.map((text) => (
        <p key={text} className="map-quiet">
          Not checked: <Prose text={text} />
        </p>
      ))}
    </section>
  );
}

const LEVEL_SIGNS: Record<Level, string> = { breaking: '✗', dangerous: '!', safe: '✓' };

const VERDICTS = { passed: 'Passed', failed: 'Failed', 'could-not-run': 'Could not run' };

function summary({ verdict, changes, against, operations }: SchemaReport): string {
  if (verdict === 'could-not-run') return 'The check compared nothing; what it says is below.';
  if (against === undefined)
    return `The check had nothing to compare with. ${count(operations, 'operation')}.`;
  const actions = (['added', 'removed', 'changed'] as const)
    .map((action) => ({ action, number: changes.filter((change) => change.action === action).length }))
    .filter(({ number }) => number > 0)
    .map(({ action, number }) => `${number} ${action}`);
  const what = actions.length > 0 ? actions.join(', ') : 'no change of the graph';
  return `${what}; compared with ${against}; ${count(operations, 'operation')} checked.`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function ChangeItem({ change, onChoose }: { change: SchemaChange; onChoose: Props['onChoose'] }) {
  const { type, field, path, message } = change;
  return (
    <li className="map-change" data-level={change.level}>
      <p className="map-change-what">
        <MarkSign mark={change} />
        {type ? (
          <button type="button" className="map-link" onClick={() => onChoose({ type, field })}>
            {path}
          </button>
        ) : (
          <code>{path}</code>
        )}
      </p>
      <p>
        <Prose text={message} />
      </p>
      <UsedBy change={change} />
    </li>
  );
}

/** Who uses what is changed, and why it was approved. */
export function UsedBy({ change: { affected, level, approval } }: { change: SchemaChange }) {
  return (
    <>
      {affected.length > 0 && (
        <p className="map-quiet">Used by {affected.map(({ name }) => name).join(', ')}.</p>
      )}
      {affected.length === 0 && level !== 'safe' && <p className="map-quiet">No known operation uses it.</p>}
      {approval !== undefined && <p className="map-quiet">Approved: {approval}</p>}
    </>
  );
}

function affectedOperations(changes: SchemaChange[]): (AffectedOperation & { level: Level })[] {
  const found = new Map<string, AffectedOperation & { level: Level }>();
  for (const level of LEVELS)
    for (const change of changes.filter((one) => one.level === level))
      for (const operation of change.affected)
        if (!found.has(operation.name)) found.set(operation.name, { ...operation, level });
  return [...found.values()];
}

function Affected({ operations: affected }: { operations: ReturnType<typeof affectedOperations> }) {
  return (
    <>
      <h4>{count(affected.length, 'operation')} affected</h4>
      <ul className="map-affected" aria-label="Operations affected">
        {affected.map(({ name, level, sender, requests }) => (
          <li key={name}>
            <span className="map-sign" data-level={level} aria-hidden="true">
              {LEVEL_SIGNS[level]}
            </span>{' '}
            <OperationName name={name} />{' '}
            <span className="map-quiet">
              {[level, sender && `sent by ${sender}`, requests !== undefined && count(requests, 'request')]
                .filter(Boolean)
                .join(', ')}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Opens the operation in the editor, if this page knows it. */
function OperationName({ name }: { name: string }) {
  const known = operations.find((operation) => operation.name === name);
  if (!known) return <code>{name}</code>;
  return (
    <button
      type="button"
      className="map-link"
      title="Open in the editor"
      onClick={() => void openWithValues(known)}
    >
      {name}
    </button>
  );
}

function Others({ findings }: { findings: OtherFinding[] }) {
  return (
    <>
      <h4>Other findings</h4>
      <ul className="map-others" aria-label="Other findings">
        {findings.map(({ kind, path, message, severity }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a report never changes.
          <li key={index}>
            <code>
              {severity} {kind} {path}
            </code>
            : <Prose text={message} />
          </li>
        ))}
      </ul>
    </>
  );
}
