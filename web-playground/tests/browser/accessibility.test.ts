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
