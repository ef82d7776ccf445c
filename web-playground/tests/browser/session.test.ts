import { createHmac } from 'node:crypto';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import {
  ask,
  editorIsReady,
  endSession,
  faults,
  open,
  openEditor,
  openPanel,
  run,
  signInAs,
  storedInTab,
  storedSession,
  write,
} from './playground';

const browser = browserOfThisFile();

test('the sample student signs in and runs the student home', async () => {
  const { page, foreignRequests, errors } = await openEditor(browser());

  await signInAs(page, 'Student');
  const session = page.getByRole('region', { name: 'Session' });
  await session.getByText('student', { exact: false }).first().waitFor();
  const response = await run(page);

  expect(response.errors).toBeUndefined();
  expect(response.data?.me).toMatchObject({
    id: expect.any(String),
    enrollments: { nodes: expect.any(Array) },
  });
  expect(await session.locator('time').getAttribute('datetime')).toMatch(/^\d{4}-/);
  await page.locator('.result-window', { hasText: 'unreadNotificationCount' }).waitFor();
  expect(foreignRequests).toEqual([]);
  expect(errors).toEqual([]);
});

test('one can sign in as each sample user, and be anonymous again', async () => {
  const { page } = await openEditor(browser());
  await write(page, '{ me { role isVerified } }');

  for (const [label, who] of [
    ['Student', { role: 'STUDENT' }],
    ['Teacher', { role: 'TEACHER', isVerified: true }],
    ['Unverified teacher', { role: 'TEACHER', isVerified: false }],
    ['Admin', { role: 'ADMIN' }],
  ] as const) {
    await signInAs(page, label);
    expect((await run(page)).data?.me).toMatchObject(who);
  }
  await signInAs(page, 'Anonymous');
  expect((await run(page)).data?.me).toBeNull();
});

test('a new visitor is anonymous, and signing out ends the session on the server', async () => {
  const { page } = await openEditor(browser());
  expect((await run(page)).data?.me).toBeNull();

  await signInAs(page, 'Student');
  const { refreshToken } = await storedSession(page);
  await page.getByRole('button', { name: 'Sign out' }).click();

  expect((await run(page)).data?.me).toBeNull();
  expect(await storedInTab(page)).toEqual({});
  const REFRESH =
    'mutation($input: RefreshSessionInput!) { refreshSession(input: $input) { userErrors { code } } }';
  await expect
    .poll(async () => (await ask(REFRESH, { input: { refreshToken } })).data?.refreshSession)
    .toEqual({ userErrors: [{ code: 'SESSION_EXPIRED' }] });
});

test('a wrong password is reported in the dialog, by keyboard alone', async () => {
  const { page } = await open(browser());

  await page.getByRole('button', { name: 'Sign in as…' }).focus();
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

test('an account with a second factor is asked for a code', async () => {
  const { email, password, recoveryCode } = await accountWithSecondFactor();
  const { page } = await openEditor(browser());
  await page.getByRole('button', { name: 'Sign in as…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Sign in' });
  await dialog.getByLabel('E-mail address').fill(email);
  await dialog.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');

  const code = dialog.getByLabel(/^Code of the authenticator app/);
  await code.waitFor();
  expect(await code.evaluate((input) => input === document.activeElement)).toBe(true);
  expect(await faults(page)).toEqual([]);
  await page.keyboard.type('not a code');
  await page.keyboard.press('Enter');
  await dialog.getByRole('alert').waitFor();
  await code.fill(recoveryCode);
  await page.keyboard.press('Enter');

  await dialog.waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  const kept = await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]));
  expect(kept).not.toContain(password);
  expect(kept).not.toContain(recoveryCode);
});

/** A new account, with a code that its owner has left. */
async function accountWithSecondFactor() {
  const email = `${crypto.randomUUID()}@example.com`;
  const password = crypto.randomUUID();
  const REGISTER =
    'mutation($input: RegisterInput!) { register(input: $input) { session { accessToken } userErrors { code } } }';
  const registered = await ask(REGISTER, { input: { email, name: 'Second factor', password } });
  const token = registered.data?.register.session.accessToken;

  const SET_UP =
    'mutation($input: SetUpSecondFactorInput!) { setUpSecondFactor(input: $input) { setup { secret } userErrors { code } } }';
  const prepared = await ask(SET_UP, { input: { password } }, token);
  const ENABLE =
    'mutation($input: EnableSecondFactorInput!) { enableSecondFactor(input: $input) { recoveryCodes userErrors { code } } }';
  const secondFactorCode = codeNow(prepared.data?.setUpSecondFactor.setup.secret);
  const enabled = await ask(ENABLE, { input: { secondFactorCode } }, token);
  return { email, password, recoveryCode: enabled.data?.enableSecondFactor.recoveryCodes[0] as string };
}

/** What an authenticator app shows for a secret in base32 (RFC 6238). */
function codeNow(secret: string): string {
  const bits = [...secret].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  );
  const bytes = bits.join('').match(/.{8}/g) ?? [];
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const key = Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)));
  const digest = createHmac('sha1', key).update(step).digest();
  const number = digest.readUInt32BE((digest.at(-1) ?? 0) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

test('a server that is not a development server has no sample users and no plans', async () => {
  const { page } = await openEditor(browser(), {
    prepare: (page) =>
      page.route('**/playground.json', (route) =>
        route.fulfill({ json: { development: false, diagnostics: 'admins' } }),
      ),
  });

  await page.getByRole('button', { name: 'Sign in as…' }).click();
  await page.getByLabel('E-mail address').waitFor();
  expect(await page.getByRole('button', { name: 'Admin', exact: true }).count()).toBe(0);
  await page.keyboard.press('Escape');
  await openPanel(page, 'Plan');
  await page.getByText('Query plans are available on development servers, and to admins.').waitFor();
});

test('a token is refreshed before it expires, and the user stays signed in', async () => {
  const { page, errors } = await openEditor(browser(), { prepare: (page) => page.clock.install() });
  await signInAs(page, 'Student');
  const before = await storedSession(page);

  const renewed = page.waitForResponse(
    (response) => response.request().postData()?.includes('refreshSession') ?? false,
  );
  await page.clock.fastForward('14:30');
  await renewed;

  await expect
    .poll(() => storedSession(page).then(({ accessToken }) => accessToken))
    .not.toBe(before.accessToken);
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  expect(errors).toEqual([]);
});

/** Reloads the page with an expired access token. */
async function withEndedToken(page: Page): Promise<void> {
  await page.evaluate(() => {
    const session = JSON.parse(sessionStorage.getItem('lyceum:session') ?? '{}');
    sessionStorage.setItem('lyceum:session', JSON.stringify({ ...session, accessToken: 'ended' }));
  });
  await page.reload();
}

test('a rejected token is refreshed, and the operation is retried', async () => {
  const { page, sent } = await openEditor(browser());
  await signInAs(page, 'Student');
  await withEndedToken(page);
  await page.getByRole('button', { name: /Execute query/ }).waitFor();
  sent.length = 0;

  await run(page);

  await page.locator('.result-window', { hasText: 'unreadNotificationCount' }).waitFor();
  expect(sent.map((body) => /refreshSession|StudentHome/.exec(body)?.[0])).toEqual([
    'StudentHome',
    'refreshSession',
    'StudentHome',
  ]);
});

/** Like a browser over plain HTTP on another machine: without Web Locks. */
const withoutLocks = (page: Page) =>
  page
    .context()
    .addInitScript(() => Object.defineProperty(Navigator.prototype, 'locks', { value: undefined }));

test.each([
  ['with Web Locks', () => Promise.resolve()],
  ['where there are no Web Locks', withoutLocks],
])('a duplicated tab shares the session: one refreshes it for both, %s', async (_where, prepare) => {
  const { page, sent } = await openEditor(browser(), { prepare });
  await signInAs(page, 'Student');
  await withEndedToken(page);
  await editorIsReady(page);
  const opened = page.waitForEvent('popup');
  await page.evaluate(() => void window.open(location.href));
  const other = await opened;
  await editorIsReady(other);
  const before = await storedSession(page);
  expect(await storedSession(other)).toEqual(before);
  sent.length = 0;

  await Promise.all([page, other].map((tab) => tab.getByRole('button', { name: /Execute query/ }).click()));

  for (const tab of [page, other]) {
    await tab.locator('.result-window', { hasText: 'unreadNotificationCount' }).waitFor();
    await expect.poll(async () => (await storedSession(tab)).accessToken).not.toBe('ended');
  }
  expect(sent.filter((body) => body.includes('refreshSession'))).toHaveLength(1);
  expect(await storedSession(other)).toEqual(await storedSession(page));
  const kept = await page.evaluate(() => location.href + JSON.stringify({ ...localStorage }));
  expect(kept).not.toContain((await storedSession(page)).refreshToken);

  const { accessToken, refreshToken } = await storedSession(page);
  await signInAs(other, 'Teacher');
  expect((await run(page)).data?.me).not.toBeNull();
  expect(await storedSession(page)).toMatchObject({ accessToken, refreshToken });
});

test('signing out in a tab signs out its duplicate', async () => {
  const { page } = await openEditor(browser());
  await signInAs(page, 'Student');
  const opened = page.waitForEvent('popup');
  await page.evaluate(() => void window.open(location.href));
  const other = await opened;

  await other.getByRole('button', { name: 'Sign out' }).click();

  await page.getByText('You have signed out in another tab.').waitFor();
  expect(await storedInTab(page)).toEqual({});
});

test('a session that expires while the page is open ends with a notice, and the response says why', async () => {
  const { page } = await openEditor(browser());
  await signInAs(page, 'Student');
  await endSession(page);

  expect((await run(page)).errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED');

  await page.getByText('Your session has ended. Please sign in again.').waitFor();
  await page.getByRole('list', { name: 'Errors' }).getByText('UNAUTHENTICATED').waitFor();
});

test('a session that was revoked elsewhere ends with a notice at the next refresh', async () => {
  const { page, errors } = await openEditor(browser(), { prepare: (page) => page.clock.install() });
  await signInAs(page, 'Student');
  const { refreshToken } = await storedSession(page);
  const LOG_OUT = 'mutation($input: LogoutInput!) { logout(input: $input) { userErrors { code } } }';
  await ask(LOG_OUT, { input: { refreshToken } });

  await page.clock.fastForward('14:30');

  await page.getByText('Your session has ended. Please sign in again.').waitFor();
  expect(await storedInTab(page)).toEqual({});
  await write(page, '{ me { id } }');
  expect((await run(page)).data).toEqual({ me: null });
  expect(errors).toEqual([]);
});

test('neither the URL, nor the history, nor the stored editor state has a token or password', async () => {
  const { page } = await openEditor(browser());
  await signInAs(page, 'Student');
  await run(page);
  const { accessToken, refreshToken } = await storedSession(page);
  await page.getByRole('button', { name: 'Headers', exact: true }).click();
  await page.locator('.graphiql-editor-tool .monaco-editor:visible').click({ position: { x: 200, y: 30 } });
  await page.keyboard.insertText(`{"authorization": "Bearer ${accessToken}"}`);
  await write(page, `query Mine { me { name } } # refreshToken: "${refreshToken}", password: "sesame"`);
  await run(page);
  await page.getByRole('button', { name: 'Share a link' }).click();

  const elsewhere = await page.evaluate(() => {
    const encoded = location.hash.replace('#operation=', '').replaceAll('-', '+').replaceAll('_', '/');
    return location.href + atob(encoded) + JSON.stringify({ ...localStorage });
  });
  expect(accessToken).toBeTruthy();
  expect(elsewhere).toContain('Mine');
  expect(elsewhere).not.toContain(accessToken);
  expect(elsewhere).not.toContain(refreshToken);
  expect(elsewhere).not.toContain('sesame');
});
