import type { Locator, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { endSession, faults, openEditor, openPanel, PANELS, run, signInAs, write } from './playground';

const browser = browserOfThisFile();
const MANY_PANELS_MS = 120_000;

/** An element of each panel when it is loaded, after the student home was executed. */
const FILLED: Record<string, (page: Page) => Locator> = {
  'Documentation Explorer': (page) => page.getByRole('link', { name: 'Query', exact: true }),
  Explorer: (page) => page.getByRole('checkbox', { name: 'enrollments of me', exact: true }),
  Operations: (page) => page.getByRole('button', { name: /StudentHome/ }).first(),
  History: (page) =>
    page.locator('.graphiql-history').getByRole('button', { name: 'StudentHome', exact: true }),
  Plan: (page) => page.getByText('6 fetches in 4 steps'),
  Trace: (page) => page.getByText('StudentHome took'),
  Performance: (page) => page.getByRole('table').filter({ hasText: 'Every request' }),
  Map: (page) => page.getByRole('heading', { name: 'notification', exact: true }),
  Errors: (page) => page.getByText('SERVICE_UNAVAILABLE', { exact: true }),
};

describe.each(['light', 'dark'] as const)('in the %s theme, axe finds no serious violation', (theme) => {
  test(
    'in any panel, with a response',
    async () => {
      const { page } = await openEditor(browser(), { theme });
      await signInAs(page, 'Student');
      await run(page);
      await page.getByText('No errors').waitFor();

      for (const panel of ['Documentation Explorer', ...PANELS]) {
        await openPanel(page, panel);
        await FILLED[panel]?.(page).waitFor();
        await page.waitForLoadState('networkidle');
        expect({ panel, faults: await faults(page) }).toEqual({ panel, faults: [] });
      }
    },
    MANY_PANELS_MS,
  );

  test('in the dialogs, and with a notice', async () => {
    const { page } = await openEditor(browser(), { theme });
    await page.getByRole('button', { name: 'Share a link' }).click();
    await page.getByText('Link copied').waitFor();
    expect(await faults(page)).toEqual([]);

    for (const opener of [/Open settings dialog/, /Open short keys dialog/]) {
      await page.getByRole('button', { name: opener }).click();
      await page.getByRole('dialog').waitFor();
      expect(await faults(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
    }
    await page.evaluate(() => {
      location.hash = '#operation=broken';
    });
    await page.getByRole('alert').getByText('This link').waitFor();
    expect(await faults(page)).toEqual([]);
  });

  test('deep in the docs, and in an explorer with values', async () => {
    const { page } = await openEditor(browser(), { theme });
    await openPanel(page, 'Documentation Explorer');
    await page.getByRole('link', { name: 'Query', exact: true }).click();
    await page.getByRole('link', { name: 'courses', exact: true }).click();
    expect(await faults(page)).toEqual([]);

    await write(
      page,
      'query Values { courses(first: 2, filter: { isFree: true, level: BEGINNER }) { totalCount } }',
    );
    await openPanel(page, 'Explorer');
    await page.getByRole('checkbox', { name: 'level of filter of courses', exact: true }).waitFor();
    expect(await faults(page)).toEqual([]);

    await page.getByRole('checkbox', { name: 'courses', exact: true }).focus();
    await page.keyboard.press('f');
    await page.getByRole('textbox', { name: 'Name of the fragment' }).waitFor();
    expect(await faults(page)).toEqual([]);
  });

  test('in a trace with open statements, in a selected error, and in a history with favorites', async () => {
    const { page } = await openEditor(browser(), { theme });
    await signInAs(page, 'Student');
    await run(page);
    await openPanel(page, 'Trace');
    const trace = page.getByRole('group', { name: 'Waterfall' });
    await trace.waitFor();
    for (const summary of await trace.locator('summary').all()) await summary.click();
    expect(await trace.locator('pre:visible').count()).toBeGreaterThan(5);
    expect(await faults(page)).toEqual([]);

    await openPanel(page, 'History');
    await page.getByRole('button', { name: 'Add favorite' }).first().click();
    expect(await faults(page)).toEqual([]);

    await write(page, '{ payments(first: 1) { totalCount } }');
    await run(page);
    await page.getByRole('link', { name: 'What does it mean?' }).click();
    await page.locator('[aria-current="true"]', { hasText: 'FORBIDDEN' }).waitFor();
    expect(await faults(page)).toEqual([]);
  });

  test('without a plan, with a wrong password, and after a session has ended', async () => {
    const { page } = await openEditor(browser(), { theme });
    await write(page, '{ me { id ');
    await openPanel(page, 'Plan');
    await page.getByText('The operation cannot be planned').waitFor();
    expect(await faults(page)).toEqual([]);

    await page.getByRole('button', { name: 'Sign in as…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('E-mail address').fill('nobody@example.com');
    await dialog.getByLabel('Password').fill('not the password');
    await page.keyboard.press('Enter');
    await dialog.getByRole('alert').waitFor();
    expect(await faults(page)).toEqual([]);
    await page.keyboard.press('Escape');

    await signInAs(page, 'Student');
    await endSession(page);
    await write(page, '{ me { id } }');
    await run(page);
    await page.getByText('Your session has ended. Please sign in again.').waitFor();
    expect(await faults(page)).toEqual([]);
  });

  test('in a panel that is expanded to the whole window', async () => {
    const { page } = await openEditor(browser(), { theme });
    await run(page);
    await page.getByText('No errors').waitFor();
    for (const panel of ['Plan', 'Trace', 'Performance', 'Map', 'Errors']) {
      await openPanel(page, panel);
      await page.getByRole('button', { name: 'Widen' }).click();
      await page.waitForLoadState('networkidle');
      expect({ panel, faults: await faults(page) }).toEqual({ panel, faults: [] });
      await page.getByRole('button', { name: 'Narrow' }).click();
    }
  });

  test('in the sign-in dialog, and with an error', async () => {
    const { page } = await openEditor(browser(), { theme });
    await page.getByRole('button', { name: 'Sign in as…' }).click();
    await page.getByRole('dialog').waitFor();
    expect(await faults(page)).toEqual([]);
    await page.keyboard.press('Escape');

    await signInAs(page, 'Student');
    await write(page, '{ payments(first: 1) { totalCount } }');
    await run(page);
    await page.getByRole('list', { name: 'Errors' }).waitFor();
    expect(await faults(page)).toEqual([]);
  });

  test('with a selection in the map and in the plan', async () => {
    const { page } = await openEditor(browser(), { theme });
    await openPanel(page, 'Map');
    await page.getByRole('searchbox').fill('email');
    expect(await faults(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Selection' }).waitFor();
    expect(await faults(page)).toEqual([]);

    await openPanel(page, 'Plan');
    await page.getByRole('button', { name: /step 1/ }).click();
    await page.getByRole('region', { name: 'Fetch' }).waitFor();
    expect(await faults(page)).toEqual([]);
  });
});
