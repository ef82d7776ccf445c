/** A step of a statement's plan, as `docs/trace.md` describes it. */
export interface PlanStep {
  /** What it does, in PostgreSQL's words: `Index Scan`. */
  type: string;
  operation?: string;
  join?: string;
  /** The name of a subquery. */
  name?: string;
  table?: string;
  alias?: string;
  /** The estimated number of rows of the table; undefined if it is unknown. */
  tableRows?: number;
  index?: string;
  /** The estimated number of rows that it returns. */
  rows: number;
  /** That of the steps below it included. */
  cost: number;
  details?: { name: string; sql: string }[];
  steps?: PlanStep[];
}

/** From this number of rows on, reading a whole table is worth a warning. */
export const LARGE_TABLE = 1_000;

/** Asks the server for the plan of a statement that a trace has shown. Nothing is executed. Throws with the reason. */
export async function loadPlan(id: string): Promise<PlanStep> {
  let response: Response;
  try {
    response = await fetch(`/playground/explain/${encodeURIComponent(id)}`);
  } catch {
    throw new Error('The server is unreachable. Is it running?');
  }
  const body: unknown = await response.json().catch(() => null);
  const { error, plan } = (body ?? {}) as Record<string, unknown>;
  if (typeof error === 'string') throw new Error(error);
  if (!response.ok) throw new Error(`The server responded with status ${response.status}.`);
  if (!isStep(plan)) throw new Error('The server responded with no plan.');
  return plan;
}

function isStep(value: unknown): value is PlanStep {
  const { type, rows, cost, steps = [] } = (value ?? {}) as Record<string, unknown>;
  const isItself = typeof type === 'string' && typeof rows === 'number' && typeof cost === 'number';
  return isItself && Array.isArray(steps) && steps.every(isStep);
}

export interface DrawnStep {
  step: PlanStep;
  /** Its cost without that of the steps below it. */
  ownCost: number;
  /** The same, as a fraction of the most expensive step. */
  bar: number;
  /** Whether it reads a whole table, and whether that is a large one. */
  scan: 'none' | 'whole table' | 'large table';
  steps: DrawnStep[];
}

export interface DrawnPlan {
  root: DrawnStep;
  count: number;
  /** The large tables that are read as a whole. */
  largeTables: PlanStep[];
}

export function layOutPlan(plan: PlanStep): DrawnPlan {
  const all = flatten(plan);
  const most = Math.max(...all.map(ownCostOf));
  const draw = (step: PlanStep): DrawnStep => {
    const ownCost = ownCostOf(step);
    return {
      step,
      ownCost,
      bar: most > 0 ? ownCost / most : 0,
      scan: scanOf(step),
      steps: (step.steps ?? []).map(draw),
    };
  };
  return {
    root: draw(plan),
    count: all.length,
    largeTables: all.filter((step) => scanOf(step) === 'large table'),
  };
}

function flatten(step: PlanStep): PlanStep[] {
  return [step, ...(step.steps ?? []).flatMap(flatten)];
}

/** A step above that stops early, as `Limit` does, costs less than those below. */
function ownCostOf({ cost, steps = [] }: PlanStep): number {
  return Math.max(0, cost - steps.reduce((sum, step) => sum + step.cost, 0));
}

function scanOf({ type, tableRows }: PlanStep): DrawnStep['scan'] {
  if (type !== 'Seq Scan') return 'none';
  return tableRows !== undefined && tableRows >= LARGE_TABLE ? 'large table' : 'whole table';
}

/** `Hash Join (Left)`, `Insert`. */
export function stepTitle({ type, operation, join }: PlanStep): string {
  if (operation) return operation;
  return join && join !== 'Inner' ? `${type} (${join})` : type;
}

export function costText(cost: number): string {
  return cost.toLocaleString('en', { maximumFractionDigits: cost < 100 ? 1 : 0 });
}

export function rowsText(rows: number): string {
  return rows === 1 ? '1 row' : `${rows.toLocaleString('en')} rows`;
}

export function planSummary({ root, count, largeTables }: DrawnPlan): string {
  const { rows, cost } = root.step;
  const steps = count === 1 ? '1 step' : `${count} steps`;
  const tables = largeTables.map(({ table, tableRows }) => `${table} (${rowsText(tableRows ?? 0)})`);
  const whole =
    tables.length === 0
      ? 'No large table is read as a whole.'
      : `Read as a whole, though large: ${[...new Set(tables)].join(', ')}.`;
  return `${steps}, cost ${costText(cost)}, about ${rowsText(rows)}. ${whole}`;
}
