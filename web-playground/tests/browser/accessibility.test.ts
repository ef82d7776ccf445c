import { describe, expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { faults, openEditor, openPanel, PANELS, run, signInAs, write } from './playground';

const browser = browserOfThisFile();
const MANY_PANELS_MS = 120_000;

describe.each(['light', 'dark'] as const)('in the %s theme, axe finds no serious fault', (theme) => {
  test(
    'in any panel, with an answer',
    async () => {
      const { page } = await openEditor(browser(), { theme });
      await signInAs(page, 'Student');
      await run(page);
      await page.getByText('No errors').waitFor();

      for (const panel of ['Documentation Explorer', ...PANELS]) {
        await openPanel(page, panel);
        await page.getByRole('button', { name: `Hide ${panel}`, exact: true }).waitFor();
        await page.waitForLoadState('networkidle');
        expect({ panel, faults: await faults(page) }).toEqual({ panel, faults: [] });
      }
    },
    MANY_PANELS_MS,
  );

  test('in the dialogs, and while something is told', async () => {
    const { page } = await openEditor(browser(), { theme });
    await page.getByRole('button', { name: 'Share a link' }).click();
    await page.getByText('The link is copied').waitFor();
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
  });

  test('in a panel that has the whole window', async () => {
    const { page } = await openEditor(browser(), { theme });
    await run(page);
    await page.getByText('No errors').waitFor();
    for (const panel of ['Plan', 'Trace', 'Map', 'Errors']) {
      await openPanel(page, panel);
      await page.getByRole('button', { name: 'Widen' }).click();
      await page.waitForLoadState('networkidle');
      expect({ panel, faults: await faults(page) }).toEqual({ panel, faults: [] });
      await page.getByRole('button', { name: 'Narrow' }).click();
    }
  });

  test('in the dialog of the sign-in, and with an error', async () => {
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

  test('with what was chosen in the map and in the plan', async () => {
    const { page } = await openEditor(browser(), { theme });
    await openPanel(page, 'Map');
    await page.getByRole('searchbox').fill('email');
    expect(await faults(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Chosen' }).waitFor();
    expect(await faults(page)).toEqual([]);

    await openPanel(page, 'Plan');
    await page.getByRole('button', { name: /step 1/ }).click();
    await page.getByRole('region', { name: 'Fetch' }).waitFor();
    expect(await faults(page)).toEqual([]);
  });
});
