import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { browserOfThisFile, cards, faults, goTo, openPaidCourse, openTab, signInAs } from './store';

const visitor = browserOfThisFile();
const MANY_PAGES_MS = 180_000;
/** Where pictures of all pages are put, if one wants to look at them. */
const PICTURES = process.env.STORE_PICTURES;

const PUBLIC = { catalogue: '/', 'sign-in': '/sign-in', 'sign-up': '/sign-up', nowhere: '/nowhere' };
const STUDENTS = { 'my-courses': '/my-courses', notifications: '/notifications', account: '/account' };
const TEACHERS = { teaching: '/teaching', 'new-course': '/teaching/new' };

describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
  describe.each(PICTURES ? [375, 768, 1440] : [375, 1440])('%i pixels wide', (width) => {
    test(
      'axe finds no serious violation on any page, and nothing is wider than the page',
      async () => {
        const { context, page } = await visitor('/', { theme, width });
        const look = (name: string) => lookAt(page, `${name}-${width}-${theme}`);
        for (const [name, path] of Object.entries(PUBLIC)) {
          await goTo(page, path);
          await look(name);
        }
        await openPaidCourse(page);
        await look('course');
        await signInAs(page, 'Student');
        for (const [name, path] of Object.entries(STUDENTS)) {
          await goTo(page, path);
          await look(name);
        }
        await openPaidCourse(page, 3);
        await page.getByRole('button', { name: 'Buy this course' }).click();
        await page.getByRole('dialog').waitFor();
        await look('checkout');
        await context.clearCookies();
        await page.evaluate(() => localStorage.clear());
        await signInAs(page, 'Teacher');
        for (const [name, path] of Object.entries(TEACHERS)) {
          await goTo(page, path);
          await look(name);
        }
        await goTo(page, '/teaching');
        await page.locator('.row-title a').first().click();
        await page.getByLabel('Title').waitFor();
        await look('edit-course');
      },
      MANY_PAGES_MS,
    );
  });
});

async function lookAt(page: Page, name: string): Promise<void> {
  await settled(page);
  if (PICTURES) await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
  expect({ name, faults: await faults(page) }).toEqual({ name, faults: [] });
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect({ name, overflow }).toEqual({ name, overflow: 0 });
}

test('the keyboard reaches all: skip link, filters, a course, its dialog and out of it', async () => {
  const { page } = await visitor('/');
  await cards(page).first().waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
  await page.keyboard.press('Tab');
  expect(await focused(page)).toContain('Search courses');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await page.waitForURL(/level=BEGINNER/);

  await signInAs(page, 'Student');
  await openPaidCourse(page, 4);
  // Whoever does not see the page hears its heading.
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1');
  const buy = page.getByRole('button', { name: 'Buy this course' });
  await buy.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  // The next stop is the browser's own controls, never what is behind the dialog.
  const isBehind = () => {
    const element = document.activeElement;
    return element !== document.body && element?.closest('dialog') === null;
  };
  expect(await page.evaluate(isBehind)).toBe(false);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  expect(await buy.evaluate((element) => element === document.activeElement)).toBe(true);
});

test('on a phone the navigation is at the thumb, and buttons are large enough for it', async () => {
  const { context, page } = await visitor('/', { width: 390 });
  await signInAs(page, 'Student');
  const nav = await page.getByRole('navigation', { name: 'Main' }).boundingBox();
  expect(nav && nav.y + nav.height).toBe(800);
  for (const path of ['/', '/my-courses', '/notifications']) {
    const tab = await openTab(context, path);
    await settled(tab);
    const small = await tab.evaluate(() =>
      [...document.querySelectorAll('button, .button, .chip, .tab, select')]
        .map((element) => ({ text: element.textContent, height: element.getBoundingClientRect().height }))
        .filter(({ height }) => height > 0 && height < 40),
    );
    expect({ path, small }).toEqual({ path, small: [] });
    await tab.close();
  }
});

/** Waits for what loads; the stream of notifications never ends. */
async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => !document.querySelector('.loading, .skeleton'));
  await page.evaluate(() => document.fonts.ready.then(() => {}));
}

function focused(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? '');
}
