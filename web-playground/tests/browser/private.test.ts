import type { Page, Request } from 'playwright-core';
import { expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { HEAP_FLAGS, textsInMemory } from './heap';
import { ask, openEditor, openPanel, PANELS, run, storedSession, write } from './playground';

const browser = browserOfThisFile(HEAP_FLAGS);

/** A new student, of whom nobody else knows the name. */
async function register() {
  const word = Math.random().toString(36).slice(2);
  const person = {
    email: `private.${Date.now().toString(36)}${word}@example.com`,
    name: `Zorana ${word}`,
    password: `correct horse ${word}`,
  };
  const REGISTER =
    'mutation($input: RegisterInput!) { register(input: $input) { session { accessToken } userErrors { message } } }';
  const response = await ask(REGISTER, { input: { ...person, role: 'STUDENT' } });
  expect(response.data?.register.userErrors).toEqual([]);
  return person;
}

/** By the keyboard: what is passed to Playwright's own scripts could stay in their memory. */
async function signIn(page: Page, { email, password }: { email: string; password: string }) {
  await page.getByRole('button', { name: 'Sign in as…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('E-mail address').focus();
  await page.keyboard.insertText(email);
  await dialog.getByLabel('Password').focus();
  await page.keyboard.insertText(password);
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
}

const isStream = (request: Request) =>
  /subscription/.test(request.postData() ?? '') && !request.headers()['hive-expose-query-plan'];

test('nothing private outlives a sign-out: storage, memory, the page, streams', async () => {
  const person = await register();
  const { page } = await openEditor(browser());
  await signIn(page, person);
  const { accessToken, refreshToken } = await storedSession(page);
  const secrets = [accessToken, refreshToken, person.email, person.name, person.password];
  const ended: Request[] = [];
  page.on('requestfailed', (request) => ended.push(request));
  page.on('requestfinished', (request) => ended.push(request));
  const streams: Request[] = [];
  page.on('request', (request) => isStream(request) && streams.push(request));

  await write(page, 'query Mine { me { id name email courses(first: 1) { nodes { title } } } }');
  expect((await run(page)).data?.me).toMatchObject({ name: person.name, email: person.email });
  for (const view of ['Table', 'Tree', 'JSON']) {
    await page.getByRole('button', { name: view, exact: true }).click();
  }
  await page.getByRole('button', { name: 'Copy as…' }).click();
  await page.getByLabel(/With my access token/).check();
  await page.keyboard.press('Escape');
  for (const panel of PANELS) {
    await openPanel(page, panel);
    await page.getByRole('button', { name: `Hide ${panel}`, exact: true }).waitFor();
  }
  await openPanel(page, 'Trace');
  await page.getByRole('button', { name: 'Keep to compare' }).click();
  await page.getByRole('button', { name: 'New tab' }).click();
  await write(page, 'subscription Bell { notificationAdded { id title } }');
  await page.getByRole('button', { name: /Execute query/ }).click();
  await page.getByText('Live: waiting for events').waitFor();
  expect(streams).toHaveLength(1);

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('ended with signing out').first().waitFor();

  await expect.poll(() => ended.includes(streams[0] as Request)).toBe(true);
  expect(found(await everythingStored(page), secrets)).toEqual([]);
  expect(found(await everythingShown(page), secrets)).toEqual([]);
  expect(await textsInMemory(page, secrets)).toEqual([]);
}, 180_000);

function found(text: string, secrets: string[]): string[] {
  return secrets.filter((secret) => text.includes(secret));
}

/** All that scripts of the page could store in the browser. */
async function everythingStored(page: Page): Promise<string> {
  const cookies = await page.context().cookies();
  const stored = await page.evaluate(async () => ({
    address: location.href,
    name: window.name,
    state: history.state,
    localStorage: { ...localStorage },
    sessionStorage: { ...sessionStorage },
    databases: await indexedDB.databases(),
    caches: 'caches' in window ? await caches.keys() : [],
  }));
  expect(stored.databases).toEqual([]);
  expect(stored.caches).toEqual([]);
  return JSON.stringify([cookies, stored]);
}

async function everythingShown(page: Page): Promise<string> {
  const inputs = await page
    .locator('input, textarea')
    .evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value));
  return JSON.stringify([await page.content(), inputs]);
}
