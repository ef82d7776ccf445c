import { describe, expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { answerShows, faults, openEditor, openPanel, PANELS, run, signInAs, write } from './playground';

const browser = browserOfThisFile();

describe.each(['light', 'dark'] as const)('in the %s theme, axe finds no serious fault', (theme) => {
  test.each(['Documentation Explorer', ...PANELS])('with the panel %s', async (panel) => {
    const { page } = await openEditor(browser(), { theme });
    await run(page);
    await answerShows(page, '"me": null');
    await openPanel(page, panel);
    await page.waitForLoadState('networkidle');

    expect(await faults(page)).toEqual([]);
  });

  test('in the dialog of the sign-in, signed in, and with an error', async () => {
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
});
