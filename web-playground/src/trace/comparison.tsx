import { compareTraces, type Difference } from './compare';
import type { RecordedTrace } from './recorded';
import { duration } from './waterfall';

/** Two runs part by part: before and after an index, cold and warm. */
export function Comparison({ before, after }: { before: RecordedTrace; after: RecordedTrace }) {
  const parts = compareTraces(before.trace, after.trace);
  const time = (recorded: RecordedTrace) =>
    new Date(recorded.receivedAt).toLocaleTimeString([], { timeStyle: 'medium' });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form's fields.
    <div className="trace" role="group" aria-label="Comparison" tabIndex={0}>
      <p className="trace-summary">
        Before: {before.operationName}, {time(before)}. After: {after.operationName}, {time(after)}.
      </p>
      <table className="trace-comparison">
        <thead>
          <tr>
            <th scope="col">Part</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
            <th scope="col">Difference</th>
          </tr>
        </thead>
        <tbody>
          {parts.map((part, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the comparison is replaced as a whole.
            <Row key={index} part={part} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ part }: { part: Difference }) {
  const { label, kind, subgraph, before, after } = part;
  const difference = before !== undefined && after !== undefined ? after - before : undefined;
  return (
    <tr className={`trace-part-${kind}`} data-subgraph={subgraph}>
      <th scope="row">
        {kind === 'sql' ? (
          <details>
            <summary>
              <code>{label}</code>
            </summary>
            <pre>{label}</pre>
          </details>
        ) : (
          label
        )}
      </th>
      <td>{before === undefined ? '–' : duration(before)}</td>
      <td>{after === undefined ? '–' : duration(after)}</td>
      <td data-slower={difference !== undefined && difference > 0}>{differenceText(before, difference)}</td>
    </tr>
  );
}

/** Such as `+2.1 ms (+40 %)`. */
function differenceText(before: number | undefined, difference: number | undefined): string {
  if (difference === undefined) return '';
  const sign = difference > 0 ? '+' : '−';
  const share = before ? ` (${sign}${Math.round((Math.abs(difference) / before) * 100)} %)` : '';
  return difference === 0 ? 'same' : `${sign}${duration(Math.abs(difference))}${share}`;
}
