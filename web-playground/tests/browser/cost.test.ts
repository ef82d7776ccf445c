import type { Locator, Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { ask, faults, openEditor, paste, run, signInAs, storedSession, write } from './playground';

const browser = browserOfThisFile();

const SEARCHES = (count: number) => {
  const search = (index: number) => `s${index}: courses(filter: { search: "z${index}" }) { totalCount }`;
  return `query Searches { ${Array.from({ length: count }, (_, index) => search(index)).join(' ')} }`;
};
/** Costs an eighth of a search. */
const TOTALS =
  '{ a: courses { totalCount } b: courses { totalCount } c: courses { totalCount } d: courses { totalCount } }';
const PAGE = 'query Page($first: Int) { courses(first: $first) { nodes { id teacher { name } } } }';

interface Cost {
  estimated: number;
  actual: number;
  limit: number | null;
  remaining: number | null;
}

function estimate(page: Page): Locator {
  return page.getByRole('status', { name: 'Estimated cost' });
}

/** Replaces the variables. */
async function writeVariables(page: Page, text: string): Promise<void> {
  await page
    .locator('.graphiql-editor-tool .monaco-editor')
    .first()
    .click({ position: { x: 200, y: 30 } });
  await paste(page, text);
}

/** The number before `ms`. */
async function estimated(page: Page): Promise<number> {
  const text = await estimate(page).innerText();
  return Number(/^Estimated cost ([\d.,]+) ms/.exec(text)?.[1]?.replaceAll(',', ''));
}

test('the cost is estimated before execution, against the limit of the viewer', async () => {
  const { page, sent } = await openEditor(browser());
  await estimate(page)
    .getByText(/^Estimated cost [\d.]+ ms, no limit$/)
    .waitFor();

  await signInAs(page, 'Student');
  await estimate(page)
    .getByText(/^Estimated cost [\d.]+ ms of 4,000 ms$/)
    .waitFor();
  expect(sent.filter((body) => !body.includes('SignIn'))).toEqual([]);
});

test('the estimate follows the document and its variables', async () => {
  const { page } = await openEditor(browser());
  await write(page, PAGE);
  await writeVariables(page, '{ "first": 1 }');
  await expect.poll(() => estimated(page), { timeout: 10_000 }).toBeLessThan(5);
  const short = await estimated(page);

  await writeVariables(page, '{ "first": 100 }');
  await expect.poll(() => estimated(page), { timeout: 10_000 }).toBeGreaterThan(short * 5);
  await writeVariables(page, '{ "first": oops');
  await estimate(page).getByText('No estimate: Variables are invalid JSON').waitFor();
  await write(page, '{ nonsense }');
  await writeVariables(page, '{}');
  await estimate(page).getByText('does not have a field').waitFor();
});

test.each(['light', 'dark'] as const)(
  'an estimate above the limit says what to do, and so does the response: %s',
  async (theme) => {
    const { page } = await openEditor(browser(), { theme });
    await signInAs(page, 'Student');
    await write(page, SEARCHES(9));

    const above = estimate(page).getByText(/^Estimated cost [4-9],\d{3} ms of 4,000 ms: above the limit/);
    await above.waitFor();
    expect(await above.innerText()).toContain('Request shorter pages, or fewer nested fields.');
    expect(await estimate(page).locator('svg').count()).toBe(1);
    expect(await faults(page)).toEqual([]);

    await run(page);
    const errors = page.getByRole('list', { name: 'Errors' });
    await errors.getByText('COST_ESTIMATED_TOO_EXPENSIVE', { exact: true }).waitFor();
    await errors.getByText('Request shorter pages, or fewer nested fields.').waitFor();
  },
);

test('the cost of a response is shown beside its size, and not in its JSON', async () => {
  const { page } = await openEditor(browser());
  await signInAs(page, 'Student');
  await write(page, 'query Cheap { courses(first: 1) { nodes { id } } }');

  const { extensions = {} } = await run(page);
  const { estimated, actual, remaining } = extensions.cost as Cost;

  const summary = page.getByRole('region', { name: 'Errors and size' }).getByRole('status');
  const cost = summary.getByText(/^Cost [\d.]+ ms, estimated [\d.]+ ms · [\d,]+ ms of the budget remaining$/);
  await cost.waitFor();
  const numbers = (await cost.innerText())
    .match(/\d[\d.,]*/g)
    ?.map((text) => Number(text.replaceAll(',', '')));
  expect(numbers?.[0]).toBeCloseTo(actual, 1);
  expect(numbers?.[1]).toBeCloseTo(estimated, 1);
  expect(numbers?.[2]).toBe(Math.round(remaining ?? 0));
  const text = await page.locator('.result-window').innerText();
  expect(text).toContain('courses');
  expect(text).not.toMatch(/cost|extensions/);
});

test('both costs can be read on a phone', async () => {
  const { page } = await openEditor(browser());
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole('button', { name: 'Hide Operations' }).click();
  await run(page);

  const panes = page.getByRole('navigation', { name: 'Panes' });
  for (const [pane, text] of [
    ['Operation', estimate(page)],
    ['Response', page.getByText(/^Cost [\d.]+ ms/)],
  ] as const) {
    await panes.getByRole('button', { name: pane }).click();
    await text.scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await text.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    expect(width).toBeGreaterThan(150);
    expect(height).toBeLessThan(60);
    expect([x + width <= 360, y + height <= 740]).toEqual([true, true]);
  }
});

test('an exhausted budget says when to retry, and when it is available again', async () => {
  const { page } = await openEditor(browser());
  await signInAs(page, 'Unverified teacher');
  const { accessToken } = await storedSession(page);
  // Several at once: one after the other can be slower than the budget is refilled.
  const several = (query: string) =>
    Promise.all(Array.from({ length: 8 }, () => ask(query, {}, accessToken)));
  while (!(await several(SEARCHES(1))).some(({ errors }) => errors));
  // However slow the page is: what is refilled meanwhile is spent before it suffices.
  let isSpending = true;
  onTestFinished(() => {
    isSpending = false;
  });
  const spending = (async () => {
    while (isSpending) await several(TOTALS);
  })();

  await write(page, SEARCHES(1));
  await estimate(page)
    .getByText(/Try again in \d+ s/)
    .waitFor();
  await run(page);

  const errors = page.getByRole('list', { name: 'Errors' });
  await errors.getByText('RATE_LIMITED', { exact: true }).waitFor();
  await errors.getByText(/try again in \d+ s/).waitFor();
  isSpending = false;
  await spending;
  await estimate(page)
    .getByText(/^Estimated cost \d+ ms of 4,000 ms$/)
    .waitFor();
});

test('a subscription that costs too much is rejected with what to do', async () => {
  const { page } = await openEditor(browser());
  await signInAs(page, 'Student');
  const courses = (inner: string) => `courses(first: 100) { nodes { id teacher { ${inner} } } }`;
  await write(
    page,
    `subscription Dear { notificationAdded { id user { ${courses(courses(courses('id')))} } } }`,
  );
  await estimate(page).getByText('above the limit').waitFor();

  await page.getByRole('button', { name: /Execute query/ }).click();

  const errors = page.getByRole('list', { name: 'Errors' });
  await errors.getByText('COST_ESTIMATED_TOO_EXPENSIVE', { exact: true }).waitFor();
});

test('where plans are for admins, others see the cost of the response but no estimate', async () => {
  const { page } = await openEditor(browser(), {
    prepare: (page) =>
      page.route('**/playground.json', (route) =>
        route.fulfill({ json: { development: false, diagnostics: 'admins' } }),
      ),
  });
  const plans: string[] = [];
  page.on('request', (request) => {
    const plan = request.headers()['hive-expose-query-plan'];
    if (plan) plans.push(plan);
  });
  await write(page, 'query Cheap { courses(first: 1) { nodes { id } } }');

  await run(page);

  await page.getByText(/^Cost [\d.]+ ms, estimated [\d.]+ ms/).waitFor();
  expect(await estimate(page).count()).toBe(0);
  expect(plans).toEqual([]);
});
