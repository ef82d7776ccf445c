import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import FLAGS from './chromium-flags.json';

export const store = inject('store');

/** What is on the console when a request fails, which some tests want. */
const FAILED_REQUEST = /^Failed to load resource/;

export interface Options {
  theme?: 'light' | 'dark';
  width?: number;
  /** The shop behind another address. */
  at?: string;
}

/** One browser for the tests of a file. After each test nothing may have gone wrong on any page. */
export function browserOfThisFile() {
  let browser: Browser;
  const wrong: string[] = [];
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: FLAGS,
    });
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    expect(wrong.splice(0)).toEqual([]);
  });
  afterAll(() => browser.close());

  /** A person at a browser of their own, with one tab. */
  return async function visitor(path: string, { theme = 'light', width = 1280, at = store }: Options = {}) {
    const context = await browser.newContext({
      baseURL: `${at}/`,
      colorScheme: theme,
      viewport: { width, height: width < 600 ? 800 : 900 },
    });
    context.setDefaultTimeout(20_000);
    context.on('page', (page) => watch(page, at, wrong));
    return { context, page: await openTab(context, path) };
  };
}

function watch(page: Page, at: string, wrong: string[]): void {
  page.on('console', (message) => {
    const isBad = message.type() === 'error' || message.type() === 'warning';
    if (isBad && !FAILED_REQUEST.test(message.text())) wrong.push(message.text());
  });
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(at).origin) wrong.push(`a request to ${request.url()}`);
  });
}

export async function openTab(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`.${path}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  return page;
}

export async function goTo(page: Page, path: string): Promise<void> {
  await page.goto(`.${path}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
}

export const PASSWORD = 'correct horse battery';

export interface Person {
  name: string;
  email: string;
}

let people = 0;

export function newPerson(name: string): Person {
  people += 1;
  return { name, email: `store-${Date.now().toString(36)}-${people}@lyceum.example` };
}

/** Fills in the form for a new account, as a person does. */
export async function signUp(page: Page, { name, email }: Person): Promise<void> {
  await page.getByRole('banner').getByRole('link', { name: 'Join' }).click();
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Create my account' }).click();
  await isSignedIn(page);
}

/** Signs in as one of the sample people of a development server. */
export async function signInAs(page: Page, label: string): Promise<void> {
  await goTo(page, '/sign-in');
  await page.getByRole('button', { name: label, exact: true }).click();
  await isSignedIn(page);
}

export async function isSignedIn(page: Page): Promise<void> {
  await bell(page).waitFor();
}

export async function isSignedOut(page: Page): Promise<void> {
  await page.getByRole('banner').getByRole('link', { name: 'Join' }).waitFor();
}

export function bell(page: Page): Locator {
  return page.getByRole('banner').getByRole('link', { name: /^Notifications/ });
}

export function toast(page: Page, text: string | RegExp): Locator {
  return page.locator('.toast').filter({ hasText: text });
}

export function cards(page: Page): Locator {
  return page.getByRole('main').getByRole('article');
}

/** Opens the catalogue's first course for money, and returns its title. */
export async function openPaidCourse(page: Page, number = 0): Promise<string> {
  await goTo(page, '/?price=paid');
  const link = cards(page).nth(number).getByRole('link');
  const title = await link.innerText();
  await link.click();
  await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
  return title;
}

/** Serious and critical violations that axe finds. */
export async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    const options = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };
    const result = await axe.run(document, options);
    return result.violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      nodes: nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`),
    }));
  });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).join(' | ')}`);
}
