import type { Locator, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { addFrame } from './film';
import { faults, openEditor, run, signInAs, write } from './playground';

const browser = browserOfThisFile();
const MANY_VIEWS_MS = 300_000;
const SIZES = [
  { width: 1920, height: 1080 },
  { width: 1440, height: 900 },
  { width: 1024, height: 768 },
];
const PARTS = ['Plan', 'Time', 'Cost', 'SQL'];

/** The panel, in the whole window, with a run of the student home. */
async function whySlow(page: Page): Promise<Locator> {
  await signInAs(page, 'Student');
  await run(page);
  await page.getByRole('button', { name: 'Why is it slow?' }).click();
  const panel = page.getByRole('region', { name: 'Performance', exact: true });
  await panel.getByRole('button', { name: /^course.*step/ }).waitFor();
  return panel;
}

const part = (panel: Locator, name: string) => panel.getByRole('region', { name, exact: true });
const chosenIn = (panel: Locator, name: string) =>
  part(panel, name)
    .locator('[data-chosen="true"]:is(li, tr)')
    .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.subgraph));

async function expectChosen(panel: Locator, subgraph: string): Promise<void> {
  const status = panel.getByRole('status', { name: 'Chosen fetch' });
  await expect.poll(() => status.textContent()).toMatch(new RegExp(`^${subgraph} .*cost .*estimated`));
  const pressed = part(panel, 'Plan').locator('.plan-box[aria-pressed="true"]');
  await expect
    .poll(() => pressed.evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.subgraph)))
    .toEqual([subgraph]);
  for (const name of ['Time', 'Cost']) expect(await chosenIn(panel, name)).toEqual([subgraph]);
  const statements = await chosenIn(panel, 'SQL');
  expect(statements.length).toBeGreaterThan(0);
  expect(new Set(statements)).toEqual(new Set([subgraph]));
}

test('choosing a fetch in the plan, the time, the cost or the SQL shows its part of the others', async () => {
  const { page, errors } = await openEditor(browser());
  const panel = await whySlow(page);
  await panel.getByText('StudentHome took').waitFor();
  expect(await panel.getByText('No fetch is chosen.').count()).toBe(1);

  await part(panel, 'Plan').locator('.plan-box[data-subgraph="course"]').click();
  await expectChosen(panel, 'course');
  expect(await part(panel, 'Cost').getByText('Enrollment.course').count()).toBe(1);

  await part(panel, 'Time')
    .getByRole('button', { name: /^enrollment/ })
    .click();
  await expectChosen(panel, 'enrollment');

  await part(panel, 'Cost')
    .getByRole('button', { name: /^payment/ })
    .click();
  await expectChosen(panel, 'payment');

  const statement = part(panel, 'SQL')
    .getByRole('button', { name: /notification/ })
    .first();
  await statement.click();
  await expectChosen(panel, 'notification');
  expect(await statement.getAttribute('aria-expanded')).toBe('true');

  await panel.getByRole('button', { name: 'None' }).click();
  for (const name of PARTS) expect(await chosenIn(panel, name)).toEqual([]);
  expect(errors).toEqual([]);
});

test('the parts of the cost have the sum that the server returns, before and after', async () => {
  const { page } = await openEditor(browser());
  await signInAs(page, 'Student');
  for (const document of [
    undefined,
    'query Unions { me { notifications(first: 3) { nodes { subject { __typename ... on Course { title } ... on Enrollment { status } } } } payments(first: 2) { nodes { course { title teacher { name } } } } enrollments(first: 5) { nodes { course { title teacher { name } } } } } }',
    'query Filtered { courses(first: 5, filter: { level: BEGINNER, isFree: true }) { totalCount nodes { title enrollmentCount teacher { name } } } }',
  ]) {
    if (document) {
      await page.getByRole('button', { name: 'Narrow' }).click();
      await write(page, document);
    }
    const reported = (await run(page)).extensions?.cost as { estimated: number; actual: number } | undefined;
    await page.getByRole('button', { name: 'Why is it slow?' }).click();
    const cost = page.locator('.performance-cost');
    await cost.waitFor();
    // What the page cannot split would have a row of its own.
    expect(await cost.getByRole('row', { name: /^Not split/ }).count()).toBe(0);
    expect(reported?.estimated).toBeGreaterThan((reported?.actual ?? Infinity) - 0.001);
    expect(await cost.locator('tbody [data-subgraph]').count()).toBeGreaterThan(1);
  }
});

test('it is usable by keyboard, and Escape leads back', async () => {
  const { page } = await openEditor(browser());
  const panel = await whySlow(page);

  await expect.poll(() => panel.evaluate((one) => one.contains(document.activeElement))).toBe(true);
  const fetches = part(panel, 'Time').locator('.performance-fetch');
  await fetches.first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  expect(await fetches.nth(1).getAttribute('aria-pressed')).toBe('true');
  const described = panel.getByRole('status', { name: 'Chosen fetch' });
  const second = await described.textContent();
  await panel.getByRole('button', { name: 'Next fetch' }).focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => described.textContent()).not.toBe(second);

  await page.keyboard.press('Escape');
  await panel.getByRole('button', { name: 'Widen' }).waitFor();
});

test('another run is shown, and nothing is when somebody signs out', async () => {
  const { page } = await openEditor(browser());
  const panel = await whySlow(page);
  const before = await panel.locator('.performance-summary').textContent();
  await panel.getByRole('button', { name: 'Run again' }).click();
  await expect.poll(() => panel.locator('.performance-summary').textContent()).not.toBe(before);

  await panel.getByRole('button', { name: 'Narrow' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await panel.getByText('Run an operation to see where its time goes.').waitFor();
  expect(await panel.locator('.performance').count()).toBe(0);
});

describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
  test(
    'the four parts are side by side, below one another on a phone, and axe finds nothing',
    async () => {
      const { page } = await openEditor(browser(), { theme });
      const panel = await whySlow(page);
      await part(panel, 'Plan').locator('.plan-box[data-subgraph="course"]').click();
      const boxes = async () =>
        Promise.all(
          PARTS.map(
            async (name) => (await part(panel, name).boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 },
          ),
        );

      for (const size of SIZES) {
        await page.setViewportSize(size);
        const [plan, time, cost, sql] = await boxes();
        expect(time?.y).toBe(plan?.y);
        expect(time?.x).toBeGreaterThan((plan?.x ?? 0) + (plan?.width ?? 0));
        expect(cost?.y).toBeGreaterThan((plan?.y ?? 0) + (plan?.height ?? 0));
        expect(sql?.x).toBe(time?.x);
        expect((sql?.y ?? 0) + (sql?.height ?? 0)).toBeLessThanOrEqual(size.height);
        expect((sql?.x ?? 0) + (sql?.width ?? 0)).toBeLessThanOrEqual(size.width);
        await addFrame(page, `performance: ${theme}, ${size.width}`);
      }
      expect(await faults(page)).toEqual([]);

      await page.setViewportSize({ width: 390, height: 844 });
      const stacked = await boxes();
      for (const [index, box] of stacked.entries()) {
        expect(box.x + box.width).toBeLessThanOrEqual(390);
        const above = stacked[index - 1];
        if (above) expect(box.y).toBeGreaterThanOrEqual(above.y + above.height);
      }
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      await addFrame(page, `performance: ${theme}, phone`);
      await panel.locator('.performance').evaluate((one) => {
        one.scrollTop = 700;
      });
      await addFrame(page, `performance: ${theme}, phone, further down`);
      expect(await faults(page)).toEqual([]);

      await panel.getByRole('button', { name: 'Narrow' }).click();
      await page.setViewportSize(SIZES[1] ?? { width: 1440, height: 900 });
      await addFrame(page, `performance: ${theme}, narrow panel`);
      expect(await faults(page)).toEqual([]);
    },
    MANY_VIEWS_MS,
  );
});
