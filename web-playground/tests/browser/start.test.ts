import { expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { faults, openEditor, signInAs } from './playground';

const browser = browserOfThisFile();

test('the guided start takes three steps, ends, and can be had again', async () => {
  const { page, errors } = await openEditor(browser());
  const start = page.getByRole('region', { name: 'Guided start' });
  await start.getByText('live in five services').waitFor();

  await start.getByRole('button', { name: '1. Browse the courses' }).click();
  await start.getByText('Each course has its teacher').waitFor();
  await page.locator('.result-window', { hasText: '"courses"' }).waitFor();

  await start.getByRole('button', { name: '2. Sign in and see a home' }).click();
  await start.getByText('The line below the response').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  await page.locator('.result-window', { hasText: 'unreadNotificationCount' }).waitFor();

  await start.getByRole('button', { name: /^3\. Buy a course/ }).click();
  await start.getByText('The event below came in after the purchase').waitFor();
  const events = page.getByRole('region', { name: 'Events', exact: true });
  await events.getByRole('listitem').first().waitFor();
  await page.locator('.graphiql-tab-active', { hasText: 'NotificationAdded' }).waitFor();

  await start.getByRole('button', { name: 'Finish' }).click();
  await start.waitFor({ state: 'detached' });
  await page.reload();
  await page.getByText('Run the operation to see its response here').waitFor();
  expect(await start.count()).toBe(0);

  await page.getByRole('button', { name: 'Open short keys dialog' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Show the guided start again' }).click();
  await start.getByText('live in five services').waitFor();
  expect(errors).toEqual([]);
});

test.each([
  { status: 200, links: 1 },
  { status: 404, links: 0 },
])('it leads to the storefront where the server has one: status $status', async ({ status, links }) => {
  let answered: Promise<unknown> | undefined;
  const { page } = await openEditor(browser(), {
    prepare: (page) => {
      answered = page.waitForResponse((response) => response.url().endsWith('/store'));
      return page.route('**/store', (route) => route.fulfill({ status, body: '' }));
    },
  });
  await answered;
  const start = page.getByRole('region', { name: 'Guided start' });
  await start.getByText('live in five services').waitFor();
  // What the page makes of the answer is drawn by then, a link that must not be there, too.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await expect.poll(() => start.getByRole('link', { name: 'the storefront' }).count()).toBe(links);
});

test('it is not shown where money may be real', async () => {
  const { page } = await openEditor(browser(), {
    prepare: (page) =>
      page.route('**/playground.json', (route) =>
        route.fulfill({ json: { development: false, diagnostics: 'admins' } }),
      ),
  });
  await page.waitForLoadState('networkidle');
  expect(await page.getByRole('region', { name: 'Guided start' }).count()).toBe(0);
});

test.each(['light', 'dark'] as const)('axe finds nothing in it, %s theme', async (theme) => {
  const { page } = await openEditor(browser(), { theme });
  await page.getByRole('region', { name: 'Guided start' }).waitFor();
  expect(await faults(page)).toEqual([]);
});

test('operations are found by what they do, and those that the viewer may run come first', async () => {
  const { page } = await openEditor(browser());
  const list = page.getByRole('region', { name: 'Operations', exact: true });
  const groups = () => list.getByRole('heading', { level: 3 }).allTextContents();
  expect(await groups()).toEqual(['Anyone', 'Students', 'Teachers', 'Admins']);
  await signInAs(page, 'Teacher');
  await expect.poll(groups).toEqual(['Teachers', 'Anyone', 'Students', 'Admins']);

  await list.getByRole('searchbox', { name: 'Search operations' }).fill('buys course');
  await expect.poll(() => list.getByRole('listitem').count()).toBe(1);
  const found = list.getByRole('listitem').first();
  expect(await found.innerText()).toContain('PurchaseCourse');
  expect(await found.innerText()).toContain('mutation');
  await list.getByRole('button', { name: 'Sign in as student' }).click();
  await expect.poll(groups).toEqual(['Students']);
});
