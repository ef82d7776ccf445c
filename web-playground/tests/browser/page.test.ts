import { availableParallelism, loadavg } from 'node:os';
import type { BrowserContext } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import {
  editorIsReady,
  open,
  openEditor,
  openPanel,
  PANELS,
  paste,
  run,
  storedQuery,
  url,
  variablesShow,
  write,
} from './playground';

/** What a first visit may transfer, the schema and the headers included. */
const MAX_COLD_BYTES = 1_000_000;
const EDITOR_SCRIPT = /\/assets\/editor-.*\.js$/;
const browser = browserOfThisFile();

describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
  test('the icon of the open panel stands out, and the others do not', async () => {
    const { page } = await openEditor(browser(), { theme });

    for (const panel of PANELS) {
      await openPanel(page, panel);
      const icon = page.getByRole('button', { name: `Hide ${panel}`, exact: true });
      await icon.waitFor();
      await page.mouse.move(700, 20);
      const { mark, color, surface } = await icon.evaluate((element) => ({
        mark: getComputedStyle(element).boxShadow,
        color: getComputedStyle(element).color,
        surface: getComputedStyle(document.body).backgroundColor,
      }));
      expect(mark).toContain(color);
      expect(contrast(color, surface)).toBeGreaterThan(3);
      expect(await page.locator('.graphiql-sidebar button.active').count()).toBe(1);
    }
  });

  test('the page opens on the student home, without a request to any other host', async () => {
    const { page, foreignRequests, errors } = await openEditor(browser(), { theme });

    expect(await page.locator('.graphiql-query-editor').textContent()).toContain('StudentHome');
    await page.waitForLoadState('networkidle');
    expect(foreignRequests).toEqual([]);
    expect(errors).toEqual([]);
  });
});

/** The contrast of two colours, as WCAG defines it. */
function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = (color.match(/[\d.]+/g) ?? []).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

test('the page shows within a second, and can be used within two', async () => {
  await open(browser());
  const context = await browser().newContext();
  const cold = await visit(context);
  const warm = await visit(context);

  process.stdout.write(`cold: ${describeVisit(cold)}\nwarm: ${describeVisit(warm)}\n`);
  const { paint, usable } = cold;
  expect(paint).toBeGreaterThan(0);
  expect(usable).toBeGreaterThan(paint);
  expect(warm.bytes).toBeLessThan(cold.bytes);
  expect(cold.bytes).toBeLessThan(MAX_COLD_BYTES);
  // The machine may be busy: the published figures are measured on a quiet one.
  if (isQuiet()) {
    expect(paint).toBeLessThan(1_000);
    expect(usable).toBeLessThan(2_000);
  }
});

interface Visit {
  /** In milliseconds from the start of the navigation. */
  paint: number;
  usable: number;
  /** What the main thread worked until the network was idle; it depends little on what else the machine does. */
  cpu: number;
  /** What was transferred until then, with headers. */
  bytes: number;
}

async function visit(context: BrowserContext): Promise<Visit> {
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  await page.addInitScript(noteUsable);
  await page.goto(url.href);
  await editorIsReady(page);
  await page.waitForFunction(() => performance.getEntriesByName('usable').length > 0);
  // The last of what is loaded: it checks the operation in the editor.
  await page.waitForFunction(() =>
    performance.getEntriesByType('resource').some(({ name }) => name.includes('graphql.worker')),
  );
  await page.waitForLoadState('networkidle');
  const { metrics } = await devtools.send('Performance.getMetrics');
  const cpu = 1000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0);
  const inPage = await page.evaluate(() => {
    const loads = ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type));
    return {
      paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
      usable: performance.getEntriesByName('usable')[0]?.startTime ?? 0,
      bytes: loads.reduce((sum, load) => sum + (load as PerformanceResourceTiming).transferSize, 0),
    };
  });
  await page.close();
  return { ...inPage, cpu };
}

function describeVisit({ paint, usable, cpu, bytes }: Visit): string {
  const times = `first paint ${Math.round(paint)} ms, usable ${Math.round(usable)} ms`;
  return `${times}, ${Math.round(cpu)} ms of the main thread, ${Math.round(bytes / 1000)} kB transferred`;
}

/** Runs in the page before its scripts: records when the editor accepts input. */
function noteUsable() {
  const look = () => {
    const isThere =
      document.querySelector('.graphiql-query-editor .view-line') &&
      document.querySelector('.graphiql-execute-button');
    if (isThere) performance.mark('usable');
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

function isQuiet(): boolean {
  return (loadavg()[0] ?? 0) < availableParallelism() / 2;
}

test('the student home has its variables, and a reload keeps both', async () => {
  const { page } = await openEditor(browser());
  await variablesShow(page, '"enrollments": 20');

  await page.reload();

  await variablesShow(page, '"enrollments": 20');
  expect(await page.locator('.graphiql-tab').count()).toBe(1);
});

test('the page shows before the editor is loaded', async () => {
  const { page } = await open(browser(), { prepare: (page) => page.route(EDITOR_SCRIPT, () => {}) });

  await page.getByText('Loading the editor…').waitFor();
  await page.getByRole('button', { name: 'Sign in as…' }).click();
  await page.getByRole('dialog', { name: 'Sign in' }).waitFor();
});

test('the page shows an error when the editor cannot be loaded', async () => {
  const { page } = await open(browser(), {
    prepare: (page) => page.route(EDITOR_SCRIPT, (route) => route.abort()),
  });

  await page.getByRole('alert').getByText('The editor could not be loaded.').waitFor();
});

test('the content security policy allows only scripts of the page', async () => {
  const { page } = await open(browser());
  await editorIsReady(page);

  const policy = (await page.request.get(page.url(), { headers: { accept: 'text/html' } })).headers()[
    'content-security-policy'
  ];
  const scripts = /script-src ([^;]*)/.exec(policy ?? '')?.[1];
  expect(scripts).toBe("'self'");
  expect(policy).not.toContain('unsafe');
  expect(await page.evaluate(() => [...document.scripts].filter(({ src }) => !src).length)).toBe(0);
});

test('docs, tabs, prettify, history and keyboard shortcuts work as usual', async () => {
  const { page, errors } = await openEditor(browser());

  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page.getByRole('link', { name: 'Query', exact: true }).click();
  await page.locator('.graphiql-doc-explorer-section-title', { hasText: 'Fields' }).waitFor();

  await page.getByRole('button', { name: 'New tab' }).click();
  await page.locator('.graphiql-query-editor .view-lines').click();
  await page.keyboard.type('query Short { courses(first: 1) { totalCount', { delay: 5 });
  await storedQuery(page, 'query Short');
  await page.keyboard.press('ControlOrMeta+Enter');
  await page.getByText('No errors').waitFor();
  expect(await page.locator('.graphiql-tab').count()).toBe(2);

  await page.getByRole('button', { name: /Prettify query/ }).click();
  await page.locator('.graphiql-query-editor .view-line', { hasText: /^\s*totalCount$/ }).waitFor();

  await page.getByRole('button', { name: 'Show History' }).click();
  await page.locator('.graphiql-history').getByRole('button', { name: 'Short', exact: true }).waitFor();
  expect(errors).toEqual([]);
});

test('variables and headers are sent', async () => {
  const { page, errors } = await openEditor(browser());
  await write(page, 'query Typed($first: Int) { courses(first: $first) { nodes { id } } }');
  const typeInto = async (editor: string, text: string) => {
    await page.getByRole('button', { name: editor, exact: true }).click();
    await page.locator('.graphiql-editor-tool .monaco-editor:visible').click({ position: { x: 200, y: 30 } });
    await paste(page, text);
  };
  await typeInto('Variables', '{ "first": 3 }');
  await typeInto('Headers', '{ "x-request-id": "typed-by-hand" }');

  const asked = page.waitForRequest((request) => request.postData()?.includes('query Typed') ?? false);
  const response = await run(page);

  expect((await asked).headers()['x-request-id']).toBe('typed-by-hand');
  expect(response.data?.courses.nodes).toHaveLength(3);
  expect(errors).toEqual([]);
});

test('the theme can be chosen, and is there from the first paint after a reload', async () => {
  const { page } = await openEditor(browser(), { theme: 'light' });

  await page.getByRole('button', { name: /Open settings dialog/ }).click();
  await page.getByRole('button', { name: 'Dark', exact: true }).click();
  await page.keyboard.press('Escape');
  await page.reload();

  await page.getByText('Lyceum').first().waitFor();
  await expect.poll(() => page.evaluate(() => document.body.className)).toContain('graphiql-dark');
  await editorIsReady(page);
});

test('an operation of the sidebar opens with variables that work', async () => {
  const { page, errors } = await openEditor(browser());

  await page.getByRole('button', { name: /CoursePage/ }).click();
  await storedQuery(page, 'query CoursePage');
  const response = await run(page);

  expect(response.data?.course).toMatchObject({ id: expect.any(String), title: expect.any(String) });
  expect(errors).toEqual([]);
});

test('an operation opens at its beginning, even if the previous one was scrolled', async () => {
  const { page } = await openEditor(browser());
  await write(page, `query Wide { me { ${'id '.repeat(200)} } }`);
  const lines = page.locator('.graphiql-query-editor .lines-content');
  const scrolled = () => lines.evaluate((element) => element.getBoundingClientRect().left);
  const before = await page
    .locator('.graphiql-query-editor .monaco-scrollable-element')
    .first()
    .boundingBox();
  await expect.poll(scrolled).toBeLessThan((before?.x ?? 0) - 100);

  await page.getByRole('button', { name: /CoursePage/ }).click();
  await storedQuery(page, 'query CoursePage');

  await expect.poll(scrolled).toBeGreaterThanOrEqual(Math.floor(before?.x ?? 0));
});

test('the explorer can be used by keyboard and screen reader', async () => {
  const { page, errors } = await openEditor(browser());
  await write(page, 'query Keys { me { id } }');
  await page.getByRole('button', { name: 'Show Explorer' }).click();
  const box = (name: string) => page.getByRole('checkbox', { name, exact: true });
  await box('id of me').waitFor();
  expect(await box('id of me').getAttribute('aria-checked')).toBe('true');
  expect(await page.locator('.graphiql-explorer-root [role="checkbox"][tabindex="0"]').count()).toBe(1);

  // The first field is the next tab stop after the name of the operation.
  await page.getByRole('textbox', { name: 'Name of the operation' }).focus();
  await page.keyboard.press('Tab');
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('checkbox');
  await page.keyboard.press('Home');
  await box('course').and(page.locator(':focus')).waitFor();
  for (
    let press = 0;
    press < 40 && !(await box('email of me').and(page.locator(':focus')).count());
    press += 1
  ) {
    await page.keyboard.press('ArrowDown');
  }
  await page.keyboard.press('Space');
  await storedQuery(page, 'email');
  await expect.poll(() => box('email of me').getAttribute('aria-checked')).toBe('true');
  await box('email of me').and(page.locator(':focus')).waitFor();

  await page.keyboard.press('ArrowLeft');
  await box('me').and(page.locator(':focus')).waitFor();
  await box('enrollments of me').focus();
  await page.keyboard.press('ArrowRight');
  await storedQuery(page, 'enrollments');
  await box('enrollments of me').and(page.locator(':focus')).waitFor();
  await box('first of enrollments of me').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Value of first of enrollments of me' }).fill('3');
  await storedQuery(page, 'first: 3');
  await box('first of enrollments of me').focus();
  await page.keyboard.press('$');
  await storedQuery(page, '$first: Int');
  expect(errors).toEqual([]);
});

test('the explorer builds an operation by mouse alone: fields, a value, a variable, a fragment', async () => {
  const { page, errors } = await openEditor(browser());
  await write(page, 'query Mouse { me { id } }');
  await page.getByRole('button', { name: 'Show Explorer' }).click();
  const box = (name: string) => page.getByRole('checkbox', { name, exact: true });

  await box('email of me').click();
  await storedQuery(page, 'email');
  await box('enrollments of me').click();
  await box('first of enrollments of me').click();
  await storedQuery(page, 'first: 10');
  await box('first of enrollments of me').hover();
  await page.getByTitle('Extract the current value into a GraphQL variable').click();
  await storedQuery(page, '$first: Int');
  await box('me').hover();
  await page.getByTitle('Extract selections into a new reusable fragment').click();

  await storedQuery(page, 'fragment UserFragment on User');
  await page.getByRole('textbox', { name: 'Name of the fragment' }).waitFor();
  expect((await run(page)).data).toEqual({ me: null });
  expect(errors).toEqual([]);
});

test('a field’s selections become a fragment by keyboard, too', async () => {
  const { page } = await openEditor(browser());
  await write(page, 'query Keys { me { id } }');
  await page.getByRole('button', { name: 'Show Explorer' }).click();

  const me = page.getByRole('checkbox', { name: 'me', exact: true });
  await expect.poll(() => me.getAttribute('aria-keyshortcuts')).toBe('f');
  await me.focus();
  await page.keyboard.press('f');

  await storedQuery(page, 'fragment UserFragment on User');
});

test('empty panels say what to do', async () => {
  const { page } = await openEditor(browser());

  await page.getByText('Run the operation to see its response here').waitFor();
  await openPanel(page, 'History');
  await page.getByText('Executed operations').waitFor();
  await openPanel(page, 'Trace');
  await page.getByText('Run an operation to see its trace.').waitFor();
  await run(page);
  await page.getByText('Run the operation to see its response here').waitFor({ state: 'detached' });
});

test('the docs list the types by name, without truncated text', async () => {
  const { page } = await openEditor(browser());
  await openPanel(page, 'Documentation Explorer');
  const types = page.locator('.graphiql-doc-explorer-content a', { hasText: 'CourseConnection' });
  await types.waitFor();

  const names = await page.locator('.graphiql-doc-explorer-content a').allTextContents();
  const listed = names.slice(names.indexOf('Boolean'));
  expect(listed).toEqual(listed.toSorted((one, other) => one.localeCompare(other)));
  const search = page.locator('.graphiql-doc-explorer-search input');
  expect(await search.evaluate((input) => input.scrollWidth <= input.clientWidth)).toBe(true);
});
