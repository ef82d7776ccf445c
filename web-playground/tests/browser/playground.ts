import { type Browser, chromium, type Page } from 'playwright-core';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The running system; whoever starts the tests says where it is. */
export const url = new URL(process.env.LYCEUM_URL ?? 'http://localhost:4000/');

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
}

export interface Playground {
  page: Page;
  /** Requests that left the page's own origin. */
  foreignRequests: string[];
  /** Errors of the console, of scripts and of the content security policy. */
  errors: string[];
}

interface Options {
  theme?: 'light' | 'dark';
  /** What is to be done with the page before its first request. */
  prepare?: (page: Page) => Promise<unknown>;
}

/** A page in a fresh browser profile, watched from before its first request. */
export async function open(
  browser: Browser,
  { theme = 'light', prepare }: Options = {},
): Promise<Playground> {
  const context = await browser.newContext({ colorScheme: theme, viewport: { width: 1400, height: 900 } });
  const page = await context.newPage();
  const foreignRequests: string[] = [];
  const errors: string[] = [];

  context.on('request', (request) => {
    const target = new URL(request.url());
    const isForeign = target.protocol.startsWith('http') && target.origin !== url.origin;
    if (isForeign) foreignRequests.push(request.url());
  });
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));

  await prepare?.(page);
  await page.goto(url.href, { waitUntil: 'commit' });
  return { page, foreignRequests, errors };
}

/** Waits until the editor, which follows the page, can be used. */
export async function editorIsReady(page: Page): Promise<void> {
  await page.locator('.graphiql-query-editor .view-lines').waitFor();
  await page.getByRole('button', { name: /Execute query/ }).waitFor();
}

/** Waits until the variables editor holds this text. */
export async function variablesShow(page: Page, text: string): Promise<void> {
  const spaced = text.replaceAll(' ', '\\s');
  await page.locator('.graphiql-editor-tool .view-lines', { hasText: new RegExp(spaced) }).waitFor();
}

/** Runs the operation in the editor; the whole answer, of which the editor draws only the lines in sight. */
export async function run(page: Page): Promise<{ data?: Record<string, unknown>; errors?: unknown[] }> {
  const answered = page.waitForResponse((response) => {
    const isOperation = !response.request().postData()?.includes('IntrospectionQuery');
    return response.url().endsWith('/graphql') && isOperation;
  });
  await page.getByRole('button', { name: /Execute query/ }).click();
  return (await answered).json();
}
