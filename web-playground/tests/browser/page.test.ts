import { describe, expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { editorIsReady, open, openEditor, run, storedQuery, variablesShow } from './playground';

const EDITOR_SCRIPT = /\/assets\/editor-.*\.js$/;
const browser = browserOfThisFile();

describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
  test('the page opens on the student home, without a request to any other host', async () => {
    const { page, foreignRequests, errors } = await openEditor(browser(), { theme });

    expect(await page.locator('.graphiql-query-editor').textContent()).toContain('StudentHome');
    await page.waitForLoadState('networkidle');
    expect(foreignRequests).toEqual([]);
    expect(errors).toEqual([]);
  });
});

test('the student home has its variables, and a reload keeps both', async () => {
  const { page } = await openEditor(browser());
  await variablesShow(page, '"enrollments": 20');

  await page.reload();

  await variablesShow(page, '"enrollments": 20');
  expect(await page.locator('.graphiql-tab').count()).toBe(1);
});

test('the page shows before the editor is there', async () => {
  const { page } = await open(browser(), { prepare: (page) => page.route(EDITOR_SCRIPT, () => {}) });

  await page.getByText('Loading the editor…').waitFor();
  await page.getByRole('button', { name: 'Sign in as…' }).click();
  await page.getByRole('dialog', { name: 'Sign in' }).waitFor();
});

test('the page says so when the editor does not come', async () => {
  const { page } = await open(browser(), {
    prepare: (page) => page.route(EDITOR_SCRIPT, (route) => route.abort()),
  });

  await page.getByRole('alert').getByText('The editor could not be loaded.').waitFor();
});

test('the policy lets no script in that is not a file of the page', async () => {
  const { page } = await open(browser());
  await editorIsReady(page);

  const policy = (await page.request.get(page.url(), { headers: { accept: 'text/html' } })).headers()[
    'content-security-policy'
  ];
  const scripts = /script-src ([^;]*)/.exec(policy ?? '')?.[1];
  expect(scripts).toBe("'self'");
  expect(await page.evaluate(() => [...document.scripts].filter(({ src }) => !src).length)).toBe(0);
});

test('docs, tabs, prettify, history and the keyboard work as people know them', async () => {
  const { page, errors } = await openEditor(browser());

  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page.getByRole('link', { name: 'Query', exact: true }).click();
  await page.locator('.graphiql-doc-explorer-section-title', { hasText: 'Fields' }).waitFor();

  await page.getByRole('button', { name: 'New tab' }).click();
  await page.locator('.graphiql-query-editor .view-lines').click();
  await page.keyboard.type('query Short { courses(first: 1) { totalCount', { delay: 5 });
  await storedQuery(page, 'query Short');
  await page.keyboard.press('ControlOrMeta+Enter');
  await page.getByText('No errors').waitFor();
  expect(await page.locator('.graphiql-tab').count()).toBe(2);

  await page.getByRole('button', { name: /Prettify query/ }).click();
  await page.locator('.graphiql-query-editor .view-line', { hasText: /^\s*totalCount$/ }).waitFor();

  await page.getByRole('button', { name: 'Show History' }).click();
  await page.locator('.graphiql-history').getByRole('button', { name: 'Short', exact: true }).waitFor();
  expect(errors).toEqual([]);
});

test('the theme can be chosen, and is there from the first paint after a reload', async () => {
  const { page } = await openEditor(browser(), { theme: 'light' });

  await page.getByRole('button', { name: /Open settings dialog/ }).click();
  await page.getByRole('button', { name: 'Dark', exact: true }).click();
  await page.keyboard.press('Escape');
  await page.reload();

  await page.getByText('Lyceum').first().waitFor();
  await expect.poll(() => page.evaluate(() => document.body.className)).toContain('graphiql-dark');
  await editorIsReady(page);
});

test('an operation of the sidebar opens with variables that work', async () => {
  const { page, errors } = await openEditor(browser());

  await page.getByRole('button', { name: /CoursePage/ }).click();
  await storedQuery(page, 'query CoursePage');
  const reply = await run(page);

  expect(reply.data?.course).toMatchObject({ id: expect.any(String), title: expect.any(String) });
  expect(errors).toEqual([]);
});

test('the explorer builds an operation by check boxes', async () => {
  const { page } = await openEditor(browser());

  await page.getByRole('button', { name: 'Show Explorer' }).click();
  await page.locator('.graphiql-explorer-root').getByText('email', { exact: true }).first().click();

  await storedQuery(page, 'email');
});
