import type { Page, Request } from 'playwright-core';
import { expect, test } from 'vitest';
import { startProxy } from './proxy.ts';
import {
  bell,
  browserOfThisFile,
  goTo,
  isSignedIn,
  isSignedOut,
  newPerson,
  openPaidCourse,
  openTab,
  PASSWORD,
  signUp,
  store,
  toast,
} from './store';

const visitor = browserOfThisFile();
const KEY = 'lyceum-store:session';

test('two tabs whose tokens expire at once renew them once, and stay signed in', async () => {
  const { context, page } = await visitor('/');
  await signUp(page, newPerson('Two Tabs'));
  const other = await openTab(context, '/my-courses');
  await isSignedIn(other);
  const renewals: string[] = [];
  context.on('request', (request) => {
    if (request.postData()?.includes('mutation RefreshSession')) renewals.push(request.url());
  });

  // A token that has expired for the page; in both tabs, as if the machine had slept. Meanwhile they show no page of the
  // shop, which would renew it before both are asked.
  await other.goto('/health');
  await expireToken(page);
  await Promise.all([goTo(page, '/'), goTo(other, '/my-courses')]);
  await Promise.all([isSignedIn(page), isSignedIn(other)]);
  expect(renewals).toHaveLength(1);
  await Promise.all([goTo(page, '/account'), goTo(other, '/account')]);
  await Promise.all([isSignedIn(page), isSignedIn(other)]);
  await page.getByText('This one').waitFor();
});

test('signing out in one tab ends the others, and signing in begins them', async () => {
  const { context, page } = await visitor('/');
  const person = newPerson('Ends Everywhere');
  await signUp(page, person);
  const other = await openTab(context, '/account');
  await other.getByRole('heading', { name: 'My account' }).waitFor();
  await goTo(page, '/account');

  const closed = other.waitForEvent('requestfailed', (request) => isStream(request));
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await isSignedOut(page);
  await closed;
  // A page for members leads to the sign-in page.
  await other.getByRole('heading', { name: 'Welcome back' }).waitFor();
  expect(new URL(other.url()).searchParams.get('next')).toBe('/account');

  await other.getByLabel('E-mail address').fill(person.email);
  await other.getByLabel('Password').fill(PASSWORD);
  await other.getByRole('button', { name: 'Sign in' }).click();
  await other.getByRole('heading', { name: 'My account' }).waitFor();
  await isSignedIn(page);
});

test('what is wrong with a form is said in plain words, where it is wrong', async () => {
  const { page } = await visitor('/sign-in');
  await page.getByLabel('E-mail address').fill('nobody@lyceum.example');
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('do not belong together').waitFor();

  await page.getByRole('link', { name: 'New here? Join' }).click();
  await page.getByLabel('Name').fill('Weak');
  await page.getByLabel('E-mail address').fill('student1@lyceum.example');
  await page.getByLabel('Password').fill('password');
  await page.getByRole('button', { name: 'Create my account' }).click();
  const password = page.getByLabel('Password');
  await expect.poll(() => password.getAttribute('aria-invalid')).toBe('true');
  expect(await page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('password');

  await password.fill(PASSWORD);
  await page.getByRole('button', { name: 'Create my account' }).click();
  await page.getByText('There is an account with this e-mail address already').waitFor();
});

test('a next page elsewhere is not gone to', async () => {
  const { page } = await visitor('/sign-in?next=//example.org/trap');
  await page.getByRole('button', { name: 'Student', exact: true }).click();
  await isSignedIn(page);
  expect(new URL(page.url()).origin).toBe(new URL(store).origin);
});

test('notifications that were sent while the connection was broken come later, each once', async () => {
  const proxy = await startProxy(new URL(store));
  try {
    const { context, page } = await visitor('/', { at: `${proxy.url}/store` });
    const person = newPerson('Broken Line');
    await signUp(page, person);
    // That of the new account.
    await expect.poll(() => bell(page).getAttribute('aria-label')).toMatch(/unread/);

    const live = page.waitForRequest((request) => request.postData()?.includes('notificationAdded') === true);
    proxy.cut();
    // Resumes after the last one that it has seen.
    const { variables } = JSON.parse((await live).postData() ?? '{}') as { variables: { after?: string } };
    expect(variables.after).toMatch(/^[0-9a-f-]{36}$/);

    const elsewhere = await openTab(context, '/');
    const title = await buy(elsewhere, 2);
    await toast(page, title).first().waitFor();
    proxy.cut();
    await bell(page).click();
    await page.getByRole('main').getByRole('listitem').filter({ hasText: title }).first().waitFor();
    const titles = await page.getByRole('main').getByRole('listitem').allInnerTexts();
    expect(new Set(titles).size).toBe(titles.length);
  } finally {
    proxy.close();
  }
});

test.each([
  { when: 'before the page knows of any', isDeletedBefore: true },
  { when: 'and the one that the page knows of is deleted', isDeletedBefore: false },
])('notifications that come before the stream stands are said, $when', async ({ isDeletedBefore }) => {
  const { context, page } = await visitor('/');
  await signUp(page, newPerson('Early Bird'));
  await expect.poll(() => bell(page).getAttribute('aria-label')).toMatch(/unread/);
  if (isDeletedBefore) await deleteTheOnlyNotification(page);
  const stream = await holdStream(page);
  await recordToasts(page);
  await page.reload();
  await stream.held;

  const elsewhere = await openTab(context, '/');
  if (!isDeletedBefore) await deleteTheOnlyNotification(elsewhere);
  const title = await buy(elsewhere, 6);
  await goTo(elsewhere, '/notifications');
  const listed = elsewhere.getByRole('main').getByRole('listitem').filter({ hasText: title });
  await expect.poll(() => listed.count()).toBe(NEWS_OF_A_PURCHASE);

  stream.letGo();
  await expect.poll(() => toastsWith(page, title)).toBe(NEWS_OF_A_PURCHASE);
  // Where the last one was deleted, it counts here until the page asks again.
  if (isDeletedBefore) await expect.poll(() => bell(page).getAttribute('aria-label')).toMatch(/ 2 unread$/);
});

test('a stream whose token ends goes on with a new one, once there is one to be had', async () => {
  const { context, page } = await visitor('/');
  await signUp(page, newPerson('Token Ends'));
  await expect.poll(() => bell(page).getAttribute('aria-label')).toMatch(/unread/);
  const used = await page.evaluate((key) => JSON.parse(localStorage.getItem(key) ?? '{}').accessToken, KEY);
  const renewals: string[] = [];
  await page.route('**/graphql', (route) => {
    const request = route.request();
    if (isStream(request) && request.headers().authorization === `Bearer ${used}`)
      return route.fulfill({ contentType: 'text/event-stream', body: ENDED_STREAM });
    if (!request.postData()?.includes('mutation RefreshSession')) return route.continue();
    renewals.push(request.url());
    return renewals.length < 3 ? route.fulfill({ status: 503, body: 'away' }) : route.continue();
  });

  const resumed = page.waitForRequest(
    (request) => isStream(request) && request.headers().authorization !== `Bearer ${used}`,
  );
  await page.reload();
  expect((await resumed).postDataJSON()).toMatchObject({ variables: { after: expect.stringMatching(ID) } });
  expect(renewals).toHaveLength(3);
  const elsewhere = await openTab(context, '/');
  const title = await buy(elsewhere, 7);
  await toast(page, title).first().waitFor();
});

test('a device that was signed out from another one says so, and signs in to where it was', async () => {
  const { page } = await visitor('/');
  const person = newPerson('Lost Phone');
  await signUp(page, person);
  const phone = await visitor('/sign-in', { width: 390 });
  await signInWith(phone.page, person.email, PASSWORD);

  await goTo(page, '/account');
  await page.getByRole('button', { name: /^Sign out Chrome/ }).click();
  await expect.poll(() => page.getByRole('button', { name: /^Sign out Chrome/ }).count()).toBe(0);
  await expireToken(phone.page);
  await phone.page.goto('./my-courses');
  await phone.page.getByRole('heading', { name: 'Welcome back' }).waitFor();
  expect(await phone.page.evaluate((key) => localStorage.getItem(key), KEY)).toBeNull();
  await signInWith(phone.page, person.email, PASSWORD);
  await phone.page.getByRole('heading', { name: 'My courses' }).waitFor();
  await isSignedIn(page);
});

test('a sign-out in one tab is not undone by another one that renews the tokens meanwhile', async () => {
  const { context, page } = await visitor('/');
  await signUp(page, newPerson('Gone Meanwhile'));
  const other = await context.newPage();
  await other.goto('/health');
  await expireToken(page);
  let answered = () => {};
  const renewed = new Promise<void>((resolve) => {
    answered = resolve;
  });
  let letGo = () => {};
  const signedOut = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await page.route('**/graphql', async (route) => {
    if (!route.request().postData()?.includes('mutation RefreshSession')) return route.continue();
    const response = await route.fetch();
    answered();
    await signedOut;
    await route.fulfill({ response });
  });

  await page.goto('./my-courses');
  await renewed;
  // What signing out does in all tabs, by a tab that needs no new tokens for it.
  await other.evaluate((key) => localStorage.removeItem(key), KEY);
  await isSignedOut(page);
  const delivered = page.waitForResponse(
    (response) => response.request().postData()?.includes('mutation RefreshSession') === true,
  );
  letGo();
  await delivered;
  // Whoever renews has this lock, until what came of it is stored.
  await page.evaluate((key) => navigator.locks.request(key, () => {}), KEY);
  await page.reload();
  await page.getByRole('heading', { name: 'Welcome back' }).waitFor();
  expect(await page.evaluate((key) => localStorage.getItem(key), KEY)).toBeNull();
});

test('a tab that sleeps for an hour lets go of its stream, and goes on where it was', async () => {
  const { context, page } = await visitor('/');
  await signUp(page, newPerson('Deep Sleeper'));
  await expect.poll(() => bell(page).getAttribute('aria-label')).toMatch(/unread/);
  await page.clock.install();
  const stream = page.waitForRequest((request) => isStream(request));
  await page.reload();
  const closed = page.waitForEvent('requestfailed', (request) => isStream(request));
  await stream;

  await look(page, 'hidden');
  await page.clock.fastForward('01:00:00');
  await closed;
  const elsewhere = await openTab(context, '/');
  const title = await buy(elsewhere, 5);

  const resumed = page.waitForRequest((request) => isStream(request));
  await look(page, 'visible');
  expect((await resumed).postDataJSON()).toMatchObject({ variables: { after: expect.stringMatching(ID) } });
  await page.getByRole('status').filter({ hasText: title }).first().waitFor();
  await isSignedIn(page);
});

test('a machine that sleeps for an hour wakes up with a dead stream, and goes on where it was', async () => {
  const proxy = await startProxy(new URL(store));
  try {
    const { context, page } = await visitor('/', { at: `${proxy.url}/store` });
    await signUp(page, newPerson('Closed Lid'));
    await expect.poll(() => bell(page).getAttribute('aria-label')).toMatch(/unread/);
    await page.clock.install();
    const stream = page.waitForResponse((response) => isStream(response.request()));
    await page.reload();
    await stream;
    proxy.freeze();
    const elsewhere = await openTab(context, '/');
    const title = await buy(elsewhere, 8);
    expect(await toast(page, title).count()).toBe(0);

    const resumed = page.waitForRequest((request) => isStream(request));
    await page.clock.fastForward('01:00:00');
    expect((await resumed).postDataJSON()).toMatchObject({ variables: { after: expect.stringMatching(ID) } });
    await toast(page, title).first().waitFor();
    await isSignedIn(page);
  } finally {
    proxy.close();
  }
});

const ID = /^[0-9a-f-]{36}$/;
/** That of the payment, and that of the place on the course. */
const NEWS_OF_A_PURCHASE = 2;
/** What the server sends when the token of a stream ends. */
const ENDED_STREAM = `event: next\ndata: ${JSON.stringify({
  errors: [{ message: 'ended', extensions: { code: 'UNAUTHENTICATED' } }],
})}\n\nevent: complete\ndata:\n\n`;

function isStream(request: Request): boolean {
  return request.postData()?.includes('subscription NotificationAdded') === true;
}

/** Lets the page's stream begin only when it is let go. */
async function holdStream(page: Page): Promise<{ held: Promise<unknown>; letGo: () => void }> {
  let letGo = () => {};
  const free = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await page.route('**/graphql', async (route) => {
    if (isStream(route.request())) await free;
    await route.continue();
  });
  return {
    held: page.waitForRequest((request) => isStream(request)),
    letGo: () => letGo(),
  };
}

/** From the next page on, keeps what toasts say: they disappear after a while. */
async function recordToasts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const said: string[] = [];
    Object.assign(window, { said });
    new MutationObserver((changes) => {
      for (const node of changes.flatMap(({ addedNodes }) => [...addedNodes]))
        if (node instanceof HTMLElement && node.matches('.toast')) said.push(node.innerText);
    }).observe(document, { childList: true, subtree: true });
  });
}

function toastsWith(page: Page, text: string): Promise<number> {
  return page.evaluate((wanted) => {
    const { said } = window as unknown as { said: string[] };
    return said.filter((one) => one.includes(wanted)).length;
  }, text);
}

/** Makes the tokens of the browser such that the shop has to renew them. */
async function expireToken(page: Page): Promise<void> {
  await page.goto('/health');
  await page.evaluate((key) => {
    const session = JSON.parse(localStorage.getItem(key) ?? '{}');
    localStorage.setItem(key, JSON.stringify({ ...session, expiresAt: '2020-01-01T00:00:00Z' }));
  }, KEY);
}

async function deleteTheOnlyNotification(page: Page): Promise<void> {
  await goTo(page, '/notifications');
  await page.getByRole('button', { name: /^Delete/ }).click();
  await page.getByText('All quiet.').waitFor();
}

/** Buys the paid course of this number, and returns its title. */
async function buy(page: Page, number: number): Promise<string> {
  const title = await openPaidCourse(page, number);
  await page.getByRole('button', { name: 'Buy this course' }).click();
  await page.getByRole('button', { name: /^Pay €/ }).click();
  await page.getByText('You are on this course').waitFor();
  return title;
}

/** Puts the tab out of sight, or back. */
async function look(page: Page, state: 'hidden' | 'visible'): Promise<void> {
  await page.evaluate((visibility) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => visibility });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);
}

test('the account: name, password, devices, export, and its end', async () => {
  const { page } = await visitor('/');
  const person = newPerson('Old Name');
  await signUp(page, person);
  const phone = await visitor('/sign-in', { width: 390 });
  await signInWith(phone.page, person.email, PASSWORD);

  await goTo(page, '/account');
  await page.getByLabel('Name').fill('New Name');
  await page.getByRole('button', { name: 'Save' }).click();
  await toast(page, 'Your name is saved').waitFor();
  await page.getByRole('banner').getByRole('link', { name: 'Account of New Name' }).waitFor();

  await page.getByRole('button', { name: /^Sign out Chrome/ }).click();
  await expect.poll(() => page.getByRole('button', { name: /^Sign out Chrome/ }).count()).toBe(0);

  await page.getByLabel('Current password').fill('wrong');
  await page.getByLabel('New password').fill('another good password');
  await page.getByRole('button', { name: 'Change the password' }).click();
  await page.getByText('do not belong together').waitFor();
  await page.getByLabel('Current password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await toast(page, 'Your password is changed').waitFor();

  await page.getByRole('button', { name: 'Collect my data' }).click();
  await page.getByRole('button', { name: 'Prepare the download' }).click();
  await page.getByRole('link', { name: 'Download the file' }).waitFor();

  await page.getByRole('button', { name: 'Delete my account…' }).click();
  await page.getByLabel('Your password').fill('another good password');
  await page.getByRole('button', { name: 'Delete it' }).click();
  await isSignedOut(page);
  await goTo(page, '/sign-in');
  await page.getByLabel('E-mail address').fill(person.email);
  await page.getByLabel('Password').fill('another good password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('do not belong together').waitFor();
});

async function signInWith(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await isSignedIn(page);
}
