import { afterEach, expect, test, vi } from 'vitest';
import { costText, layOutPlan, loadPlan, type PlanStep, planSummary, rowsText, stepTitle } from './explain';

const plan: PlanStep = {
  type: 'Nested Loop',
  join: 'Left',
  rows: 10,
  cost: 130,
  steps: [
    { type: 'Seq Scan', table: 'courses', tableRows: 1_000, rows: 10, cost: 100 },
    {
      type: 'Limit',
      rows: 1,
      cost: 5,
      steps: [{ type: 'Seq Scan', table: 'roles', tableRows: 3, rows: 3, cost: 20 }],
    },
  ],
};

afterEach(() => vi.unstubAllGlobals());

function answer(status: number, body: unknown) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const fetched = vi.fn(async (_path: string) => new Response(text, { status }));
  vi.stubGlobal('fetch', fetched);
  return fetched;
}

test('a bar is the own cost of a step, on the scale of the most expensive one', () => {
  const { root, count } = layOutPlan(plan);

  expect(count).toBe(4);
  expect([root.ownCost, root.bar]).toEqual([25, 0.25]);
  expect(root.steps.map(({ ownCost, bar }) => [ownCost, bar])).toEqual([
    [100, 1],
    [0, 0],
  ]);
  expect(layOutPlan({ type: 'Result', rows: 1, cost: 0 }).root.bar).toBe(0);
});

test('a large table that is read as a whole is named, a small one is not', () => {
  const drawn = layOutPlan(plan);

  expect(drawn.root.steps[0]?.scan).toBe('large table');
  expect(drawn.root.steps[1]?.steps[0]?.scan).toBe('whole table');
  expect(planSummary(drawn)).toBe(
    '4 steps, cost 130, about 10 rows. Read as a whole, though large: courses (1,000 rows).',
  );
  const lookup = layOutPlan({ type: 'Index Scan', table: 'courses', tableRows: 1_000, rows: 1, cost: 8.29 });
  expect(planSummary(lookup)).toBe('1 step, cost 8.3, about 1 row. No large table is read as a whole.');
});

test('a step is called by what it does', () => {
  expect(stepTitle(plan)).toBe('Nested Loop (Left)');
  expect(stepTitle({ type: 'Hash Join', join: 'Inner', rows: 1, cost: 1 })).toBe('Hash Join');
  expect(stepTitle({ type: 'ModifyTable', operation: 'Insert', rows: 1, cost: 1 })).toBe('Insert');
  expect([costText(0.01), costText(8.29), costText(12_345.6)]).toEqual(['0', '8.3', '12,346']);
  expect(rowsText(1)).toBe('1 row');
});

test('a plan is loaded by the id of its statement', async () => {
  const fetched = answer(200, { plan });

  expect(await loadPlan('a/b')).toEqual(plan);
  expect(fetched.mock.calls[0]?.[0]).toBe('/playground/explain/a%2Fb');
});

test.each([
  [404, { error: 'This statement is not remembered.' }, 'This statement is not remembered.'],
  [404, 'Nothing here.', 'The server responded with status 404.'],
  [200, '<html>', 'The server responded with no plan.'],
  [200, { plan: { ...plan, steps: [{ type: 'Limit' }] } }, 'The server responded with no plan.'],
])('the reason is told where there is none: %i %o', async (status, body, reason) => {
  answer(status, body);
  await expect(loadPlan('id')).rejects.toThrow(reason);
});
