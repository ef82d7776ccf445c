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
  await Promise.all([page.goto('/health'), other.goto('/health')]);
  await page.evaluate((key) => {
    const session = JSON.parse(localStorage.getItem(key) ?? '{}');
    localStorage.setItem(key, JSON.stringify({ ...session, expiresAt: '2020-01-01T00:00:00Z' }));
  }, KEY);
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
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await isSignedOut(page);
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
    const title = await openPaidCourse(elsewhere, 2);
    await elsewhere.getByRole('button', { name: 'Buy this course' }).click();
    await elsewhere.getByRole('button', { name: /^Pay €/ }).click();
    await elsewhere.getByText('You are on this course').waitFor();
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
  const title = await openPaidCourse(elsewhere, 5);
  await elsewhere.getByRole('button', { name: 'Buy this course' }).click();
  await elsewhere.getByRole('button', { name: /^Pay €/ }).click();
  await elsewhere.getByText('You are on this course').waitFor();

  const resumed = page.waitForRequest((request) => isStream(request));
  await look(page, 'visible');
  const { variables } = (await resumed).postDataJSON() as { variables: { after?: string } };
  expect(variables.after).toMatch(/^[0-9a-f-]{36}$/);
  await page.getByRole('status').filter({ hasText: title }).first().waitFor();
  await isSignedIn(page);
});

function isStream(request: Request): boolean {
  return request.postData()?.includes('subscription NotificationAdded') === true;
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
