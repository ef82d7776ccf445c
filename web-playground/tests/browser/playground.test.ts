import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { editorIsReady, launch, open, run, variablesShow } from './playground';

const EDITOR_SCRIPT = /\/assets\/editor-.*\.js$/;

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

afterAll(() => browser.close());

describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
  test('the page opens on the student home, without a request to any other host', async () => {
    const { page, foreignRequests, errors } = await open(browser, { theme });
    await editorIsReady(page);

    expect(await page.locator('.graphiql-query-editor').textContent()).toContain('StudentHome');
    await page.waitForLoadState('networkidle');
    expect(foreignRequests).toEqual([]);
    expect(errors).toEqual([]);
  });
});

test('the student home has its variables, and a reload keeps both', async () => {
  const { page } = await open(browser);
  await editorIsReady(page);
  await variablesShow(page, '"enrollments": 20');

  await page.reload();

  await variablesShow(page, '"enrollments": 20');
  expect(await page.getByRole('tab').count()).toBe(1);
});

test('the page shows before the editor is there', async () => {
  const { page } = await open(browser, { prepare: (page) => page.route(EDITOR_SCRIPT, () => {}) });

  await page.getByText('Loading the editor…').waitFor();
  await page.getByRole('button', { name: 'Sign in…' }).click();
  await page.getByRole('dialog', { name: 'Sign in' }).waitFor();
});

test('the page says so when the editor does not come', async () => {
  const { page } = await open(browser, {
    prepare: (page) => page.route(EDITOR_SCRIPT, (route) => route.abort()),
  });

  await page.getByRole('alert').getByText('The editor could not be loaded.').waitFor();
});

test('the sample student signs in, and the student home answers', async () => {
  const { page, foreignRequests, errors } = await open(browser);
  await editorIsReady(page);

  await page.getByRole('button', { name: 'Sign in as student' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  const reply = await run(page);

  expect(reply.errors).toBeUndefined();
  expect(reply.data?.me).toMatchObject({ id: expect.any(String), enrollments: { nodes: expect.any(Array) } });
  await page.locator('.result-window', { hasText: 'unreadNotificationCount' }).waitFor();
  expect(foreignRequests).toEqual([]);
  expect(errors).toEqual([]);
});

test('nobody is signed in by a visit, and a sign-out ends the session', async () => {
  const { page } = await open(browser);
  await editorIsReady(page);
  expect((await run(page)).data?.me).toBeNull();

  await page.getByRole('button', { name: 'Sign in as student' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();

  expect((await run(page)).data?.me).toBeNull();
  expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage }))).toBe('{}');
});

test('a wrong password is refused in the dialog, by keyboard alone', async () => {
  const { page } = await open(browser);

  await page.getByRole('button', { name: 'Sign in…' }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Sign in' });
  await dialog.getByLabel('E-mail address').focus();
  await page.keyboard.type('nobody@example.com');
  await page.keyboard.press('Tab');
  await page.keyboard.type('not the password');
  await page.keyboard.press('Enter');
  await dialog.getByRole('alert').waitFor();
  await page.keyboard.press('Escape');

  await dialog.waitFor({ state: 'hidden' });
});

test('an operation of the sidebar opens with variables that work', async () => {
  const { page, errors } = await open(browser);
  await editorIsReady(page);

  await page.getByRole('button', { name: /CoursePage/ }).click();
  await page.locator('.graphiql-query-editor', { hasText: 'query CoursePage' }).waitFor();
  const reply = await run(page);

  expect(reply.data?.course).toMatchObject({ id: expect.any(String), title: expect.any(String) });
  expect(errors).toEqual([]);
});

test('neither the address nor the stored editor state holds the token', async () => {
  const { page } = await open(browser);
  await editorIsReady(page);
  await page.getByRole('button', { name: 'Sign in as student' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  await run(page);

  const { token, elsewhere } = await page.evaluate(() => ({
    token: JSON.parse(sessionStorage.getItem('lyceum:session') ?? '{}').accessToken as string,
    elsewhere: location.href + JSON.stringify({ ...localStorage }),
  }));
  expect(token).toBeTruthy();
  expect(elsewhere).not.toContain(token);
});
