import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { editorIsReady, openPanel, run, signInAs, url } from './playground';

/** Where the pictures of the repository's README go; without it, none are made. */
const directory = process.env.PLAYGROUND_PICTURES;
const browser = browserOfThisFile();

test.skipIf(!directory)('the README’s pictures', async () => {
  const context = await browser().newContext({
    colorScheme: 'light',
    deviceScaleFactor: 1.5,
    viewport: { width: 1440, height: 900 },
  });
  const page = await context.newPage();
  await page.goto(url.href);
  await editorIsReady(page);
  await page.getByRole('button', { name: 'I know my way' }).click();
  await signInAs(page, 'Student');
  await openPanel(page, 'Trace');
  // The first run plans the operation and opens connections.
  for (let count = 0; count < 3; count += 1) expect((await run(page)).errors).toBeUndefined();
  await page.getByText('in the router; its longest fetch').waitFor();
  await take(page, 'playground.png');

  await page.setViewportSize({ width: 1296, height: 810 });
  await openPanel(page, 'Map');
  const map = page.getByRole('region', { name: 'Map', exact: true });
  await map.getByRole('button', { name: 'Widen' }).click();
  await map.getByRole('button', { name: 'Show all' }).click();
  await map.locator('.map-card[data-subgraph="identity"] .map-type', { hasText: 'User' }).first().click();
  await map.getByRole('heading', { name: 'User', exact: true }).waitFor();
  await take(page, 'playground-map.png');
});

/** With neither a focus nor a pointer on anything. */
async function take(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0);
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.waitForLoadState('networkidle');
  await page.screenshot({ path: join(directory ?? '', name), animations: 'disabled' });
}
