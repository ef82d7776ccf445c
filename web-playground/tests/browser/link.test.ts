import { expect, test } from 'vitest';
import { linkTo } from '../../src/link/link';
import { browserOfThisFile } from './browser';
import { openEditor, run, url, variablesShow, write } from './playground';

const browser = browserOfThisFile();
const SHARED = {
  query: 'query Shared($first: Int) { courses(first: $first) { totalCount } }',
  variables: '{ "first": 3 }',
};

test('a link opens the operation in another browser', async () => {
  const sender = await openEditor(browser());
  await write(sender.page, 'query Shared { courses { totalCount } }');
  await sender.page.getByRole('button', { name: 'Share a link' }).click();
  await expect.poll(() => sender.page.url()).toContain('#operation=');
  const told = sender.page.getByRole('status').getByText('Link copied');
  await told.waitFor();
  await told.waitFor({ state: 'detached', timeout: 10_000 });

  const { page } = await openEditor(browser(), { at: sender.page.url() });

  await page.locator('.graphiql-query-editor', { hasText: 'Shared' }).waitFor();
  expect((await run(page)).data?.courses).toMatchObject({ totalCount: expect.any(Number) });
});

test('a link has no credentials and executes nothing', async () => {
  const link = linkTo(
    { ...SHARED, query: 'mutation Shared { logout(input: { refreshToken: "x" }) { userErrors { code } } }' },
    url.href,
  );
  const { page, sent, errors } = await openEditor(browser(), { at: link });

  await page.getByText('It has not been executed').waitFor();
  await page.locator('.graphiql-query-editor', { hasText: 'Shared' }).waitFor();
  await page.waitForLoadState('networkidle');

  expect(sent).toEqual([]);
  await page.getByText('Not signed in').waitFor();
  expect(page.url()).not.toContain('#');
  expect(errors).toEqual([]);
});

test('a link opens in a new tab, also in a page that is open', async () => {
  const { page } = await openEditor(browser());

  await page.evaluate(
    (link) => {
      location.hash = new URL(link).hash;
    },
    linkTo(SHARED, url.href),
  );

  await page.locator('.graphiql-query-editor', { hasText: 'Shared' }).waitFor();
  await variablesShow(page, '"first": 3');
  expect(await page.locator('.graphiql-tab').count()).toBe(2);
});

test.each(['#operation=', '#operation=%E0%A4%A', '#operation=WyJxdWVyeSBDdXQ'])(
  'an invalid link is reported, and the page works: %s',
  async (fragment) => {
    const { page, errors } = await openEditor(browser(), { at: url.href + fragment });

    await page.getByRole('alert').getByText('This link is invalid').waitFor();
    expect((await run(page)).data).toBeDefined();
    expect(errors).toEqual([]);
  },
);
