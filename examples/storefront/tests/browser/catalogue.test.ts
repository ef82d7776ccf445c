import { expect, test } from 'vitest';
import { browserOfThisFile, cards, goTo } from './store';

const visitor = browserOfThisFile();

test('a visitor searches, filters, orders and pages, and the address keeps it all', async () => {
  const { page } = await visitor('/');
  const count = page.getByRole('status').filter({ hasText: /\d courses?$/ });
  await count.waitFor();
  const all = Number((await count.innerText()).replaceAll(/\D/g, ''));
  expect(all).toBeGreaterThan(100);

  await page.getByRole('searchbox', { name: 'Search courses' }).fill('watercolour');
  await page.waitForURL(/q=watercolour/);
  await expect.poll(() => count.innerText()).not.toContain(all.toLocaleString('en-GB'));
  const titles = await cards(page).getByRole('heading').allInnerTexts();
  expect(titles.length).toBeGreaterThan(0);
  for (const title of titles) expect(title).toMatch(/watercolour/i);

  await page.getByRole('checkbox', { name: 'Beginner' }).check({ force: true });
  await expect
    .poll(async () => new Set(await cards(page).locator('.eyebrow').allTextContents()))
    .toEqual(new Set(['Beginner']));
  await page.reload();
  await cards(page).first().waitFor();
  expect(await page.getByRole('searchbox').inputValue()).toBe('watercolour');
  expect(await page.getByRole('checkbox', { name: 'Beginner' }).isChecked()).toBe(true);

  await page.getByRole('searchbox').fill('zzzz no such course');
  await page.getByRole('button', { name: 'Show all courses' }).click();
  await expect.poll(() => count.innerText()).toContain(all.toLocaleString('en-GB'));

  await page.getByRole('combobox', { name: 'Price' }).selectOption('Paid');
  await page.getByRole('combobox', { name: 'Order' }).selectOption('Cheapest first');
  await page.waitForURL(/sort=PRICE/);
  const prices = async () =>
    (await cards(page).locator('.price').allInnerTexts()).map((text) =>
      Number(text.replaceAll(/[^\d.]/g, '')),
    );
  await expect.poll(async () => (await prices()).every((price) => price > 0)).toBe(true);
  expect(await prices()).toEqual((await prices()).toSorted((one, other) => one - other));

  const before = await cards(page).count();
  await page.getByRole('button', { name: 'Show more' }).click();
  await expect.poll(() => cards(page).count()).toBe(2 * before);
  expect(await prices()).toEqual((await prices()).toSorted((one, other) => one - other));
});

test('a course leads to its teacher, and back keeps the place in the list', async () => {
  const { page } = await visitor('/');
  const link = cards(page).nth(5).getByRole('link');
  const title = await link.innerText();
  await link.click();
  await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
  expect(await page.title()).toContain(title);

  const teacher = page.getByRole('main').locator('a.fact');
  const name = (await teacher.innerText()).split(',')[0] ?? '';
  await teacher.click();
  await page.getByRole('heading', { level: 1, name, exact: true }).waitFor();

  await page.goBack();
  await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
  await page.goBack();
  await cards(page).nth(5).getByRole('link', { name: title, exact: true }).waitFor();
});

test('addresses deep in the shop open, and unknown ones say so', async () => {
  const { page } = await visitor('/courses/00000000-0000-4000-8000-000000000000');
  await page.getByRole('heading', { name: 'This course is not here' }).waitFor();
  await goTo(page, '/courses/nonsense');
  await page.getByRole('heading', { name: 'This course is not here' }).waitFor();
  await goTo(page, '/no/such/page');
  await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  await page.getByRole('link', { name: 'To the catalogue' }).click();
  await cards(page).first().waitFor();
  await goTo(page, '/teachers/nonsense');
  await page.getByRole('heading', { name: 'Unknown teacher' }).waitFor();
  await goTo(page, '/?q=more%20words%20than%20the%20server%20looks%20for%20at%20once&level=NONE&sort=NONE');
  await page.getByText('Nothing here by that name.').waitFor();
});

test('without a network it says so, and goes on when it is back', async () => {
  const { context, page } = await visitor('/');
  await cards(page).first().waitFor();
  await context.setOffline(true);
  await page.getByRole('searchbox').fill('history');
  await page.getByRole('alert').getByText('We cannot reach the server').waitFor();
  await context.setOffline(false);
  await page.getByRole('button', { name: 'Try again' }).click();
  await cards(page).first().waitFor();
});
