import type { Trace } from './trace';

/** One part of two traces; undefined where a trace does not have it. */
export interface Difference {
  label: string;
  kind: 'total' | 'phase' | 'fetch' | 'sql' | 'catalog';
  subgraph: string | undefined;
  before: number | undefined;
  after: number | undefined;
}

/** Compares two traces part by part, in the order of the second one; what only the first one has comes last. */
export function compareTraces(before: Trace, after: Trace): Difference[] {
  const [first, second] = [parts(before), parts(after)];
  const keys = [...new Set([...second.keys(), ...first.keys()])];
  return keys.map((key) => {
    const part = second.get(key) ?? first.get(key);
    return {
      label: part?.label ?? '',
      kind: part?.kind ?? 'phase',
      subgraph: part?.subgraph,
      before: first.get(key)?.micros,
      after: second.get(key)?.micros,
    };
  });
}

type Part = Pick<Difference, 'label' | 'kind' | 'subgraph'> & { micros: number };

function parts({ total, phases, fetches }: Trace): Map<string, Part> {
  const found = new Map<string, Part>();
  const add = (name: string, part: Part) => {
    let key = name;
    for (let number = 2; found.has(key); number += 1) key = `${name} #${number}`;
    found.set(key, part);
  };
  add('total', { label: 'Total', kind: 'total', subgraph: undefined, micros: total });
  for (const { name, duration } of phases)
    add(`phase ${name}`, { label: name, kind: 'phase', subgraph: undefined, micros: duration });
  for (const fetch of fetches) {
    const { subgraph, types, kind, duration, statements } = fetch;
    const what = types.length > 0 ? types.join(', ') : kind;
    const name = `${subgraph} ${what}`;
    add(`fetch ${name}`, { label: `${subgraph}: ${what}`, kind: 'fetch', subgraph, micros: duration });
    for (const { sql, duration: micros } of statements.filter(({ catalog }) => !catalog))
      add(`sql ${name} ${sql}`, { label: sql, kind: 'sql', subgraph, micros });
    const catalog = statements.filter((statement) => statement.catalog);
    if (catalog.length > 0) {
      const micros = catalog.reduce((sum, one) => sum + one.duration, 0);
      add(`catalog ${name}`, { label: 'catalog lookups of the driver', kind: 'catalog', subgraph, micros });
    }
  }
  return found;
}
