import type { Span, Trace } from '../trace/trace';

/** What the time of a trace was spent on, in microseconds; at any moment, on one of them. */
export interface TimeShare {
  kind: 'router' | 'subgraphs' | 'sql' | 'catalog';
  label: string;
  micros: number;
}

/** While any statement runs, the time is SQL's; while any fetch is on its way, the subgraphs'; otherwise the router's. */
export function timeShares({ total, fetches }: Trace): TimeShare[] {
  const statements = fetches.flatMap((fetch) => fetch.statements);
  const own = statements.filter(({ catalog }) => !catalog);
  const [all, inStatements, inOwn] = [fetches, statements, own].map((spans) => covered(spans, total)) as [
    number,
    number,
    number,
  ];
  const shares: TimeShare[] = [
    { kind: 'router', label: 'router', micros: Math.max(0, total - all) },
    { kind: 'subgraphs', label: 'subgraphs and network', micros: Math.max(0, all - inStatements) },
    { kind: 'sql', label: 'SQL', micros: inOwn },
    { kind: 'catalog', label: 'catalog lookups of the driver', micros: Math.max(0, inStatements - inOwn) },
  ];
  return shares.filter(({ kind, micros }) => micros > 0 || kind !== 'catalog');
}

/** How much of the time any of the spans covers. */
function covered(spans: Span[], total: number): number {
  let [sum, reached] = [0, 0];
  for (const { start, duration } of spans.toSorted((one, other) => one.start - other.start)) {
    const end = Math.min(start + duration, total);
    sum += Math.max(0, end - Math.max(start, reached));
    reached = Math.max(reached, end);
  }
  return sum;
}
