import type { Page, Request } from 'playwright-core';
import { expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { HEAP_FLAGS, textsInMemory } from './heap';
import {
  ask,
  editorIsReady,
  openEditor,
  openPanel,
  PANELS,
  run,
  signInAs,
  storedInTab,
  storedSession,
  write,
} from './playground';

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

const response = (page: Page, text: string) => page.locator('.result-window', { hasText: text });

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
  const known = [accessToken, person.name];
  expect(new Set((await textsInMemory(page, known)).map(({ text }) => text))).toEqual(new Set(known));

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('ended with signing out').first().waitFor();

  await expect.poll(() => ended.includes(streams[0] as Request)).toBe(true);
  expect(found(await everythingStored(page), secrets)).toEqual([]);
  expect(found(await everythingShown(page), secrets)).toEqual([]);
  expect(await textsInMemory(page, secrets)).toEqual([]);
}, 300_000);

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

test('two tabs with two people: neither sees what the other does or stores', async () => {
  const [ada, bob] = [await register(), await register()];
  const { page: adas } = await openEditor(browser());
  await signIn(adas, ada);
  const bobs = await adas.context().newPage();
  await bobs.goto(adas.url());
  await editorIsReady(bobs);
  expect(await storedInTab(bobs)).toEqual({});
  await signIn(bobs, bob);
  const secretsOf = async (page: Page, { email, name }: typeof ada) => {
    const { accessToken, refreshToken } = await storedSession(page);
    return [accessToken, refreshToken, email, name];
  };
  const adasSecrets = await secretsOf(adas, ada);
  const bobsSecrets = await secretsOf(bobs, bob);

  await bobs.bringToFront();
  await write(bobs, 'query OfBob { me { name email } }');
  expect((await run(bobs)).data?.me.name).toBe(bob.name);
  await adas.bringToFront();
  await write(adas, 'query OfAda { me { name email } }');
  expect((await run(adas)).data?.me.name).toBe(ada.name);
  await response(bobs, bob.name).waitFor();

  expect(found(await everythingShown(bobs), adasSecrets)).toEqual([]);
  expect(found(await everythingShown(adas), bobsSecrets)).toEqual([]);

  await bobs.bringToFront();
  await bobs.reload();
  await editorIsReady(bobs);
  await bobs.locator('.graphiql-query-editor', { hasText: 'OfBob' }).waitFor();
  await openPanel(bobs, 'History');
  const history = bobs.locator('.graphiql-history');
  await history.getByRole('button', { name: 'OfBob', exact: true }).waitFor();
  expect(await history.getByRole('button', { name: 'OfAda', exact: true }).count()).toBe(0);
  expect(await bobs.content()).not.toContain('OfAda');
  const tab = JSON.stringify(await bobs.evaluate(() => ({ ...sessionStorage })));
  expect(found(tab, adasSecrets)).toEqual([]);

  await adas.bringToFront();
  await adas.getByRole('button', { name: 'Sign out' }).click();
  await adas.getByText('Not signed in').waitFor();
  expect((await run(bobs)).data?.me.name).toBe(bob.name);
  await openPanel(adas, 'History');
  await adas.getByText('Run an operation: it is listed here.').waitFor();
}, 240_000);

const LOG_OUT = 'mutation($input: LogoutInput!) { logout(input: $input) { userErrors { code } } }';

/** What can be written in a panel. */
const FIELDS: Record<string, string> = {
  Operations: 'input[type="search"]',
  Collections: 'input[name="name"]',
  History: 'input[type="search"]',
  Map: 'input[type="search"]',
};

test('a token that ends in any panel is renewed; an ended session asks to sign in; no text is lost', async () => {
  const { page, errors } = await openEditor(browser(), { prepare: (page) => page.clock.install() });
  const text = 'query Mine { me { name } courses(first: 1) { totalCount } }';
  await write(page, text);
  // The server gives tokens by the right time: so the page has it, too, when it gets one.
  const signInNow = async () => {
    await page.clock.setSystemTime(Date.now());
    await signInAs(page, 'Student');
    return storedSession(page);
  };

  for (const panel of PANELS) {
    await openPanel(page, panel);
    await page.getByRole('button', { name: `Hide ${panel}`, exact: true }).waitFor();
    const field = FIELDS[panel] && page.locator('.graphiql-plugin').locator(FIELDS[panel]).first();
    if (field) await field.fill('half a word');

    const { accessToken } = await signInNow();
    await page.clock.fastForward('14:30');
    await expect
      .poll(async () => (await storedSession(page)).accessToken, { message: panel })
      .not.toBe(accessToken);
    expect((await run(page)).data?.me, panel).not.toBeNull();

    const { refreshToken } = await signInNow();
    await ask(LOG_OUT, { input: { refreshToken } });
    await page.clock.fastForward('14:30');
    await page.getByText('Your session has ended. Please sign in again.').waitFor();
    expect(await storedInTab(page), panel).toEqual({});

    await page.getByRole('button', { name: `Hide ${panel}`, exact: true }).waitFor();
    if (field) expect(await field.inputValue(), panel).toBe('half a word');
    const editor = await page.locator('.graphiql-query-editor .view-lines').textContent();
    expect(editor?.replaceAll('\u00a0', ' '), panel).toContain(text);
  }
  await signInNow();
  expect((await run(page)).data?.me).not.toBeNull();
  expect(errors).toEqual([]);
}, 300_000);
