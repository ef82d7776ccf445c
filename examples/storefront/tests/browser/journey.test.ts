import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { DECLINED_AMOUNT, PENDING_AMOUNT } from './provider.ts';
import {
  bell,
  browserOfThisFile,
  cards,
  goTo,
  newPerson,
  openPaidCourse,
  openTab,
  signInAs,
  signUp,
  toast,
} from './store';

const visitor = browserOfThisFile();

test('a new student buys a course once, is told so at once, and goes through it', async () => {
  const { page } = await visitor('/');
  await signUp(page, newPerson('Ada Example'));
  const title = await openPaidCourse(page);
  const purchases: string[] = [];
  page.on('request', (request) => {
    if (request.postData()?.includes('mutation PurchaseCourse')) purchases.push(request.postData() ?? '');
  });

  await page.getByRole('button', { name: 'Buy this course' }).click();
  await page.getByRole('dialog', { name: 'Buy this course' }).waitFor();
  await page.getByRole('button', { name: /^Pay €/ }).dblclick();
  await page.getByText('You are on this course').waitFor();
  expect(purchases).toHaveLength(1);

  await toast(page, title).first().waitFor();
  await expect.poll(() => bell(page).getAttribute('aria-label')).toMatch(/[1-9]\d* unread/);
  await bell(page).click();
  const news = page.getByRole('main').getByRole('listitem').filter({ hasText: title });
  await news.first().waitFor();
  await page.getByRole('button', { name: 'Mark all as read' }).click();
  await expect.poll(() => bell(page).getAttribute('aria-label')).toBe('Notifications');

  await page.getByRole('link', { name: 'My courses' }).click();
  const place = page.getByRole('listitem').filter({ hasText: title });
  await place.getByRole('button', { name: /^Start/ }).click();
  await place.getByText('In progress').waitFor();
  await place.getByRole('button', { name: /^Mark as completed/ }).click();
  await place.getByText('Completed').waitFor();
  await page.getByRole('radio', { name: 'Not started' }).check({ force: true });
  await page.getByText('None of your courses is here.').waitFor();
  await page.getByRole('radio', { name: 'All' }).check({ force: true });

  await place.getByRole('button', { name: /^Leave/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Leave' }).click();
  await page.getByText('No courses yet.').waitFor();
  await page.goBack();
  await page.goBack();
  await page.getByRole('button', { name: 'Come back to it' }).click();
  await page.getByText('You are on this course').waitFor();
  expect(purchases).toHaveLength(1);
});

test('a free course is joined with one click', async () => {
  const { page } = await visitor('/');
  await signUp(page, newPerson('Bo Example'));
  await goTo(page, '/?price=free');
  await cards(page).first().getByRole('link').click();
  await page.getByRole('button', { name: 'Join for free' }).click();
  await page.getByText('You are on this course').waitFor();
  await goTo(page, '/teaching');
  await page.getByRole('heading', { name: 'This desk is for teachers' }).waitFor();
});

test('who has to sign in first comes back to the course', async () => {
  const { page } = await visitor('/');
  const title = await openPaidCourse(page, 1);
  await page.getByRole('link', { name: 'Sign in to buy' }).click();
  await page.getByRole('button', { name: 'Unverified teacher' }).click();
  await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
  await page.getByRole('button', { name: 'Buy this course' }).waitFor();
});

test('a teacher writes a draft, publishes it, and sees it sold; then it is withdrawn', async () => {
  const { page } = await visitor('/');
  await signInAs(page, 'Teacher');
  const title = `Stone Carving ${Date.now().toString(36)}`;
  await writeCourse(page, title, '12,50');
  await page.getByText('Draft', { exact: true }).waitFor();

  const student = await visitor('/');
  await signUp(student.page, newPerson('Cy Example'));
  await goTo(student.page, `/?q=${encodeURIComponent(title)}`);
  await student.page.getByText('Nothing here by that name.').waitFor();

  await page.getByRole('button', { name: /^Publish/ }).click();
  await page.getByText('On sale', { exact: true }).waitFor();
  await goTo(student.page, `/?q=${encodeURIComponent(title)}`);
  await buyFirst(student.page);
  await student.page.getByText('You are on this course').waitFor();

  await goTo(page, '/teaching');
  const row = page.getByRole('listitem').filter({ hasText: title });
  await row.getByText('1 sold for €12.50').waitFor();
  await row.getByRole('link', { name: /^1 student of/ }).click();
  await page.getByRole('row').filter({ hasText: 'Cy Example' }).waitFor();

  await goTo(page, '/teaching');
  await row.getByRole('button', { name: /^Withdraw/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
  await row.getByText('Withdrawn').waitFor();
  await row.getByRole('link', { name: title, exact: true }).click();
  await page.getByRole('button', { name: 'Delete…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByText('Somebody is on this course').waitFor();
});

// With the provider of the tests, which the system was started for.
describe.runIf(process.env.PAYMENT_PROVIDER_PORT)('when the bank', () => {
  test('declines, it says so, nothing is charged, and one may try again', async () => {
    const { page, student } = await courseAt(DECLINED_AMOUNT);
    await buyFirst(student);
    await student.getByRole('alert').getByText('Your bank has declined the payment').waitFor();
    await student.getByRole('button', { name: 'Try again' }).click();
    await expect.poll(() => student.getByRole('alert').innerText()).toContain('declined');
    await student.getByRole('button', { name: 'Not now' }).click();
    await goTo(student, '/account');
    await expect.poll(() => student.getByText('Declined', { exact: true }).count()).toBe(2);
    await page.close();
  });

  test('takes its time, the page waits and then has the course', async () => {
    const { student } = await courseAt(PENDING_AMOUNT);
    await buyFirst(student);
    await student.getByText('Your bank is confirming the payment').waitFor();
    await student.reload();
    await student.getByText('You are on this course').waitFor({ timeout: 60_000 });
  });

  async function courseAt(price: string) {
    const { context, page } = await visitor('/');
    await signInAs(page, 'Teacher');
    const title = `Banking ${Date.now().toString(36)}`;
    await writeCourse(page, title, price);
    await page.getByRole('button', { name: /^Publish/ }).click();
    await page.getByText('On sale', { exact: true }).waitFor();
    await context.close();
    const student = await visitor('/');
    await signUp(student.page, newPerson('Di Example'));
    await goTo(student.page, `/?q=${encodeURIComponent(title)}`);
    return { page: await openTab(student.context, '/'), student: student.page };
  }
});

async function buyFirst(page: Page): Promise<void> {
  await cards(page).first().getByRole('link').click();
  await page.getByRole('button', { name: 'Buy this course' }).click();
  await page.getByRole('button', { name: /^Pay €/ }).click();
}

async function writeCourse(page: Page, title: string, price: string): Promise<void> {
  await goTo(page, '/teaching');
  await page.getByRole('link', { name: 'New course' }).click();
  await page.getByLabel('Title').fill(title);
  await page.getByLabel('Description').fill('From the quarry to the capital.\n\nBring gloves.');
  await page.getByRole('radio', { name: 'Paid' }).check({ force: true });
  await page.getByLabel('Price in euros').fill(price);
  await page.getByRole('button', { name: 'Save the draft' }).click();
  await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
}
