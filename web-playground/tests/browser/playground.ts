import axe from 'axe-core';
import {
  type Browser,
  type BrowserContext,
  chromium,
  type Page,
  type Request,
  type Response,
} from 'playwright-core';
import { redactSecrets } from '../../src/storage/secrets';

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

/** The running system, from the environment. */
export const url = new URL(process.env.LYCEUM_URL ?? 'http://localhost:4000/');

export const PANELS = [
  'Explorer',
  'Operations',
  'Collections',
  'History',
  'Plan',
  'Trace',
  'Performance',
  'Map',
  'Errors',
  'Mail',
];

export function launch(flags: string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [...FLAGS, ...flags],
  });
}

export interface Playground {
  page: Page;
  /** Requests to other origins. */
  foreignRequests: string[];
  /** Errors of the console, of scripts and of the content security policy. */
  errors: string[];
  /** The executed operations, without introspection. */
  sent: string[];
}

interface Options {
  theme?: Theme;
  /** Another URL of the system, or one with a fragment. */
  at?: string;
  /** Prepares the page before its first request. */
  prepare?: (page: Page) => Promise<unknown>;
}

type Theme = 'light' | 'dark';

/** Profiles that later tests of a file use again, so that they need not load and compile the page's code anew. */
const reusable = new WeakMap<Browser, Partial<Record<Theme, BrowserContext>>>();

/** Opens a page in an empty browser profile, and records its requests and errors. */
export async function open(
  browser: Browser,
  { theme = 'light', at = url.href, prepare }: Options = {},
): Promise<Playground> {
  const context = prepare ? await newContext(browser, theme) : await unusedContext(browser, theme);
  const page = await context.newPage();
  await forget(context, page, new URL(at).origin);
  const foreignRequests: string[] = [];
  const errors: string[] = [];
  const sent: string[] = [];

  context.on('request', (request) => {
    const target = new URL(request.url());
    const isForeign = target.protocol.startsWith('http') && target.origin !== new URL(at).origin;
    if (isForeign) foreignRequests.push(request.url());
    const body = request.postData();
    if (body && !body.includes('IntrospectionQuery') && !isPlan(request)) sent.push(body);
  });
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));

  await prepare?.(page);
  await page.goto(at, { waitUntil: 'commit' });
  return { page, foreignRequests, errors, sent };
}

/** A profile without open pages. */
async function unusedContext(browser: Browser, theme: Theme): Promise<BrowserContext> {
  const ours = reusable.get(browser) ?? {};
  if (ours[theme]?.pages().length) return newContext(browser, theme);
  ours[theme] ??= await newContext(browser, theme);
  reusable.set(browser, ours);
  return ours[theme];
}

async function newContext(browser: Browser, theme: Theme): Promise<BrowserContext> {
  const context = await browser.newContext({ colorScheme: theme, viewport: { width: 1400, height: 900 } });
  context.setDefaultTimeout(30_000);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  return context;
}

/** Removes what an earlier test has stored; the cache remains. A page that was opened has no session storage yet. */
async function forget(context: BrowserContext, page: Page, origin: string): Promise<void> {
  context.removeAllListeners('request');
  const devtools = await context.newCDPSession(page);
  await devtools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'local_storage,cookies' });
  await devtools.detach();
}

/** Closes all pages, and the profiles that are not used again. */
export async function closePages(browser: Browser): Promise<void> {
  const kept = Object.values(reusable.get(browser) ?? {});
  await Promise.all(
    browser
      .contexts()
      .map((context) =>
        kept.includes(context) ? Promise.all(context.pages().map((page) => page.close())) : context.close(),
      ),
  );
}

/** Opens a page, and waits for the editor. */
export async function openEditor(browser: Browser, options: Options = {}): Promise<Playground> {
  const playground = await open(browser, options);
  await editorIsReady(playground.page);
  return playground;
}

/** Waits until the editor is loaded. */
export async function editorIsReady(page: Page): Promise<void> {
  await page.locator('.graphiql-query-editor .view-lines').waitFor();
  await page.getByRole('button', { name: /Execute query/ }).waitFor();
}

/** Waits until the variables editor has this text. */
export async function variablesShow(page: Page, text: string): Promise<void> {
  await page.locator('.graphiql-editor-tool .view-lines', { hasText: spaced(text) }).waitFor();
}

/** The editor uses non-breaking spaces. */
function spaced(text: string): RegExp {
  return new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(' ', '\\s'));
}

/** Replaces the document by pasting: typing would make the editor insert closing brackets. */
export async function write(page: Page, document: string): Promise<void> {
  await page
    .locator('.graphiql-query-editor .monaco-editor')
    .first()
    .click({ position: { x: 200, y: 30 } });
  await page.locator('.graphiql-query-editor .monaco-editor.focused').waitFor();
  await paste(page, document);
  // GraphiQL parses the document, and so knows the operation name, only when typing pauses.
  await storedQuery(page, redactSecrets(document));
}

/** Replaces the text of the focused editor by pasting. */
export async function paste(page: Page, text: string): Promise<void> {
  await page.keyboard.press('ControlOrMeta+A');
  await page.evaluate((content) => navigator.clipboard.writeText(content), text);
  await page.keyboard.press('ControlOrMeta+V');
}

/** Waits until GraphiQL has stored the document with this text. */
export async function storedQuery(page: Page, text: string): Promise<void> {
  await page.waitForFunction(
    (wanted) => localStorage.getItem('lyceum:graphiql:query')?.includes(wanted),
    text,
    { polling: 50 },
  );
}

export interface GraphQLResponse {
  // biome-ignore lint/suspicious/noExplicitAny: the type depends on the test.
  data?: Record<string, any>;
  errors?: { message: string; extensions?: { code?: string } }[];
  extensions?: Record<string, unknown>;
}

/** Runs the operation in the editor and returns the whole response; the editor renders only visible lines. */
export async function run(page: Page): Promise<GraphQLResponse> {
  return (await lastResponse(page)).json();
}

/** Runs the operation in the editor. The browser does not keep the body of a very large response. */
export async function lastResponse(page: Page): Promise<Response> {
  const answered = page.waitForResponse((response) => {
    const body = response.request().postData() ?? '';
    const isOperation = !/IntrospectionQuery|refreshSession|logout/.test(body);
    return response.url().endsWith('/graphql') && isOperation && !isPlan(response.request());
  });
  await page.getByRole('button', { name: /Execute query/ }).click();
  return answered;
}

/** Whether the request is a dry run for the query plan. */
export function isPlan(request: Request): boolean {
  return request.headers()['hive-expose-query-plan'] !== undefined;
}

/** Signs in as one of the sample users. */
export async function signInAs(page: Page, label: string): Promise<void> {
  await page.getByRole('button', { name: 'Sign in as…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: label, exact: true }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
}

/** Opens a panel and returns its region. */
export async function openPanel(page: Page, name: string): Promise<void> {
  const show = page.getByRole('button', { name: `Show ${name}`, exact: true });
  if (await show.count()) await show.click();
}

/** The stored session. */
export function storedSession(page: Page): Promise<{ accessToken: string; refreshToken: string }> {
  return page.evaluate(() => JSON.parse(sessionStorage.getItem('lyceum:session') ?? '{}'));
}

/** What the tab stores, besides the texts of its editors. */
export function storedInTab(page: Page): Promise<Record<string, string>> {
  return page.evaluate(() => {
    const isText = (key: string) => /^lyceum:(graphiql:(tabState|query|variables)|extensions)$/.test(key);
    return Object.fromEntries(Object.entries(sessionStorage).filter(([key]) => !isText(key)));
  });
}

/** Reloads the page with the tokens of a session that the server has revoked. */
export async function endSession(page: Page): Promise<void> {
  await page.evaluate(() => {
    const session = JSON.parse(sessionStorage.getItem('lyceum:session') ?? '{}');
    const over = { ...session, accessToken: 'ended', refreshToken: 'used' };
    sessionStorage.setItem('lyceum:session', JSON.stringify(over));
  });
  await page.reload();
  await editorIsReady(page);
}

/** The serious violations that axe finds. */
export async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) =>
        nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.failureSummary}`),
      );
  });
}

/** Sends an operation directly to the system. */
export async function ask(query: string, variables: object, token?: string): Promise<GraphQLResponse> {
  const response = await fetch(new URL('/graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as GraphQLResponse;
}
