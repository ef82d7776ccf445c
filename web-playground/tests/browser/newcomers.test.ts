import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import {
  editorIsReady,
  open,
  openEditor,
  openPanel,
  paste,
  run,
  signInAs,
  storedQuery,
  url,
  variablesShow,
  write,
} from './playground';

/** What made people stumble who saw the page for the first time. */

const browser = browserOfThisFile();
const response = (page: Page, text: string) => page.locator('.result-window', { hasText: text });
const operation = (page: Page, name: string) =>
  page
    .getByRole('region', { name: 'Operations', exact: true })
    .getByRole('button', { name: new RegExp(`^${name}\\b`) });

async function setVariables(page: Page, text: string): Promise<void> {
  await page
    .locator('.graphiql-editor-tool .monaco-editor')
    .first()
    .click({ position: { x: 200, y: 30 } });
  await paste(page, text);
}

describe('an operation that needs somebody', () => {
  test('says whom, marks the values that it lacks, and is not sent without them', async () => {
    const { page, sent } = await openEditor(browser());
    await operation(page, 'PurchaseCourse').click();
    await storedQuery(page, 'mutation PurchaseCourse');

    await page.getByText('This operation is for a student. Nobody is signed in.').waitFor();
    await page.locator('.placeholder-missing').first().waitFor();
    sent.length = 0;
    await page.getByRole('button', { name: /Execute query/ }).click();

    await page.getByRole('alert').getByText('the variables have no value for unboughtCourseId').waitFor();
    expect(sent.filter((body) => body.includes('PurchaseCourse'))).toEqual([]);
  });

  test('gets its values when that person signs in, by one click', async () => {
    const { page } = await openEditor(browser());
    await operation(page, 'PurchaseCourse').click();
    await page.locator('.placeholder-missing').first().waitFor();

    await page.locator('.needs').getByRole('button', { name: 'Sign in as student' }).click();

    await expect.poll(() => page.locator('.placeholder-missing').count(), { timeout: 20_000 }).toBe(0);
    await expect.poll(() => page.getByText('This operation is for').count()).toBe(0);
    const variables = await page.locator('.graphiql-editor-tool .view-lines').first().textContent();
    expect(variables).not.toContain('{{');
  });

  test('says so to somebody else, too', async () => {
    const { page } = await openEditor(browser());
    await signInAs(page, 'Student');
    await operation(page, 'VerifyTeacher').click();
    await page.getByText('This operation is for an admin. You are signed in as a student.').waitFor();

    await page.locator('.needs').getByRole('button', { name: 'Sign in as admin' }).click();

    await expect.poll(() => page.locator('.placeholder-missing').count(), { timeout: 20_000 }).toBe(0);
  });
});

describe('each tab', () => {
  test('has its own run: another one is run while a stream goes on', async () => {
    const { page } = await openEditor(browser());
    await signInAs(page, 'Teacher');
    await write(page, 'subscription Bell { notificationAdded { id title } }');
    await page.getByRole('button', { name: /Execute query/ }).click();
    await page.getByText('Live: waiting for events').waitFor();

    await page.getByRole('button', { name: 'New tab' }).click();
    await page.getByText('Run the operation to see its response here').waitFor();
    await page.getByRole('button', { name: 'Execute query (Ctrl-Enter)' }).waitFor();
    await write(page, 'query Me { me { name } }');
    await run(page);
    await response(page, '"me"').waitFor();

    await page.locator('.graphiql-tab-button', { hasText: 'Bell' }).click();
    await page.getByText('Live: waiting for events').waitFor();
    expect(await response(page, '"me"').count()).toBe(0);
    await page.locator('.graphiql-tab-button', { hasText: 'Me' }).click();
    await response(page, '"me"').waitFor();
    await page.getByText('No errors').waitFor();
  });

  test('has its own figures', async () => {
    const { page } = await openEditor(browser());
    await write(page, '{ courses(first: 1) { totalCount } }');
    await run(page);
    await page.getByText('No errors').waitFor();

    await page.getByRole('button', { name: 'New tab' }).click();

    await page.getByText('Run the operation to see its response here').waitFor();
    expect(await page.getByText('No errors').count()).toBe(0);
  });
});

describe('what was somebody’s', () => {
  test('ends with their signing out: streams and responses', async () => {
    const { page } = await openEditor(browser());
    await signInAs(page, 'Student');
    await write(page, 'query Private { me { email } }');
    await run(page);
    await response(page, 'student1@').waitFor();
    await page.getByRole('button', { name: 'New tab' }).click();
    await write(page, 'subscription { notificationAdded { id title } }');
    await page.getByRole('button', { name: /Execute query/ }).click();
    await page.getByText('Live: waiting for events').waitFor();

    await page.getByRole('button', { name: 'Sign out' }).click();

    await page
      .getByText(/This was for .*, and ended with signing out/)
      .first()
      .waitFor();
    await page.locator('.graphiql-tab-button', { hasText: 'Private' }).click();
    await page
      .getByText(/This was for .*, and ended with signing out/)
      .first()
      .waitFor();
    expect(await page.content()).not.toContain('student1@');
  });

  test('ends when somebody else signs in', async () => {
    const { page } = await openEditor(browser());
    await signInAs(page, 'Student');
    await write(page, 'subscription { notificationAdded { id title } }');
    await page.getByRole('button', { name: /Execute query/ }).click();
    await page.getByText('Live: waiting for events').waitFor();

    await signInAs(page, 'Teacher');

    await page
      .getByText(/This was for .*, and ended when .* signed in/)
      .first()
      .waitFor();
  });
});

test('a panel that cannot be loaded says so, and loads when tried again; the text is kept', async () => {
  let isAway = true;
  const { page } = await openEditor(browser(), {
    prepare: (page) =>
      page.route(/\/assets\/graph-map-.*\.js/, (route) => (isAway ? route.abort() : route.continue())),
  });
  await write(page, 'query Kept { me { id } }');

  await openPanel(page, 'Map');
  const problem = page.getByRole('alert', { name: 'Map' });
  await problem.getByText('could not be loaded').waitFor();
  expect(await page.locator('.graphiql-query-editor').textContent()).toContain('Kept');

  isAway = false;
  await problem.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('heading', { name: 'identity' }).waitFor();
});

/** Run in the page before its scripts. */
const fullStorage = () => {
  Storage.prototype.setItem = () => {
    throw new DOMException('full', 'QuotaExceededError');
  };
};
const forbiddenStorage = () => {
  for (const name of ['localStorage', 'sessionStorage']) {
    Object.defineProperty(window, name, {
      get() {
        throw new DOMException('forbidden', 'SecurityError');
      },
    });
  }
};

test.each([
  ['full', fullStorage],
  ['forbidden', forbiddenStorage],
])('the page works where storage is %s, and says so once', async (_what, script) => {
  const { page } = await openEditor(browser(), { prepare: (page) => page.addInitScript(script) });

  await page.getByText('does not let the page store anything').waitFor();
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await signInAs(page, 'Student');
  expect((await run(page)).data?.me).not.toBeNull();
  await response(page, 'unreadNotificationCount').waitFor();
  expect(await page.getByText('does not let the page store anything').count()).toBe(0);
});

test.each(['light', 'dark'] as const)(
  'the selected row of the completion list is readable, %s theme',
  async (theme) => {
    const { page } = await openEditor(browser(), { theme });
    await write(page, 'query Complete { me { n } }');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Control+Space');
    const row = page.locator('.suggest-widget .monaco-list-row.focused');
    await row.locator('.highlight').first().waitFor();

    const colors = await row.evaluate((element) => ({
      match: getComputedStyle(element.querySelector('.highlight') ?? element).color,
      surface: getComputedStyle(element).backgroundColor,
    }));
    expect(contrast(colors.match, colors.surface)).toBeGreaterThan(4.5);
  },
);

test.each(['light', 'dark'] as const)(
  'every letter in the editors and in the response is readable, %s theme',
  async (theme) => {
    const { page } = await openEditor(browser(), { theme });
    await signInAs(page, 'Student');
    await run(page);
    await response(page, 'unreadNotificationCount').waitFor();

    const colors = await page
      .locator('.view-line span span')
      .evaluateAll((all) => [
        ...new Set(all.filter((one) => one.textContent?.trim()).map((one) => getComputedStyle(one).color)),
      ]);
    const surface = await page
      .locator('.graphiql-container')
      .evaluate((element) => getComputedStyle(element).backgroundColor);
    expect(colors.length).toBeGreaterThan(5);
    const faint = colors.filter((color) => contrast(color, surface) < 4.5);
    expect(faint).toEqual([]);
  },
);

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

test.each([
  ['a phone', { width: 390, height: 844 }],
  ['a tablet held upright', { width: 768, height: 1024 }],
  ['200 % zoom', { width: 640, height: 400 }],
])('on %s there is one pane at a time, and nothing is cut off', async (_what, viewport) => {
  const { page } = await openEditor(browser(), { prepare: (page) => page.setViewportSize(viewport) });
  const panes = page.getByRole('navigation', { name: 'Panes' });
  const button = page.getByRole('button', { name: /Execute query/ });
  const box = await button.boundingBox();
  expect((box?.x ?? -1) >= 0 && (box?.x ?? 0) + (box?.width ?? 0) <= viewport.width).toBe(true);

  await button.click();
  const result = page.locator('.result-window');
  await response(page, '"me"').waitFor();
  expect((await result.boundingBox())?.width).toBeGreaterThan(viewport.width * 0.9);

  await panes.getByRole('button', { name: 'Operations' }).click();
  await page.getByRole('region', { name: 'Operations', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Sign in as…' }).click();
  const dialog = await page.getByRole('dialog').boundingBox();
  expect((dialog?.y ?? -1) >= 0 && (dialog?.y ?? 0) + (dialog?.height ?? 0) <= viewport.height).toBe(true);
  await page.keyboard.press('Escape');
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(viewport.width);
});

test('a variable with a default value may be left out; another one may not', async () => {
  const { page } = await openEditor(browser());
  const marks = page.locator('.graphiql-editor-tool :is(.squiggly-error, .squiggly-warning)');
  await write(
    page,
    'query Defaults($order: CourseOrder! = NEWEST, $first: Int) { courses(orderBy: $order, first: $first) { totalCount } }',
  );
  await setVariables(page, '{ "first": 6, "unknown": 1 }');
  await marks.first().waitFor();
  await setVariables(page, '{ "first": 6 }');
  await expect.poll(() => marks.count()).toBe(0);

  await write(page, 'query Needed($first: Int!) { courses(first: $first) { totalCount } }');
  await setVariables(page, '{}');
  await marks.first().waitFor();
});

test('without signing in, a null `me` is explained, and signing in offered', async () => {
  const { page } = await openEditor(browser());
  await run(page);
  await page.getByText('Nobody is signed in, so').waitFor();

  await page.locator('.response-hint').getByRole('button', { name: 'Sign in as student' }).click();

  await expect.poll(() => page.getByText('Nobody is signed in, so').count()).toBe(0);
  expect((await run(page)).data?.me).not.toBeNull();
});

test('of several operations, the one at the cursor is planned and run', async () => {
  const { page } = await openEditor(browser());
  await openPanel(page, 'Plan');
  await write(page, 'query First { courses(first: 1) { totalCount } }\n\nquery Second { me { name } }');
  const panel = page.getByRole('region', { name: 'Plan', exact: true });
  await panel.getByText('1 fetch in 1 step: identity').waitFor();
  expect((await run(page)).data).toEqual({ me: null });

  await page.locator('.graphiql-query-editor .view-line').first().click();
  await panel.getByText('1 fetch in 1 step: course').waitFor();
  expect((await run(page)).data).toHaveProperty('courses');
});

test('formatting and clicks in the explorer can be undone', async () => {
  const { page } = await openEditor(browser());
  const text = 'query Messy {   me {id} }';
  await write(page, text);
  await page.getByRole('button', { name: /Prettify query/ }).click();
  await page.locator('.graphiql-query-editor .view-line', { hasText: /^\s*me\s\{$/ }).waitFor();
  await page.locator('.graphiql-query-editor .view-lines').click();
  await page.keyboard.press('Control+Z');
  await storedQuery(page, text);

  await openPanel(page, 'Explorer');
  await page.getByRole('checkbox', { name: 'email of me', exact: true }).click();
  await storedQuery(page, 'email');
  await page.locator('.graphiql-query-editor .view-lines').click();
  await page.keyboard.press('Control+Z');
  await storedQuery(page, text);
});

test('what cannot be formatted says why', async () => {
  const { page } = await openEditor(browser());
  await write(page, 'query Broken { me {');
  await page.getByRole('button', { name: /Prettify query/ }).click();

  await page.getByText(/cannot be formatted: Syntax Error: .* Line 1, column/).waitFor();
});

test('a server that is away is said in a sentence, and tried again', async () => {
  let isAway = false;
  const { page } = await openEditor(browser(), {
    prepare: (page) =>
      page.route('**/graphql', (route) => (isAway ? route.abort('connectionrefused') : route.continue())),
  });
  await write(page, '{ me { id } }');
  isAway = true;
  await page.getByRole('button', { name: /Execute query/ }).click();
  const problem = page.getByRole('alert').filter({ hasText: 'The server is unreachable' });
  await problem.waitFor();
  expect(await page.locator('.result-window').textContent()).not.toContain('stack');
  expect(await page.getByText('Run the operation to see its response here').count()).toBe(0);

  isAway = false;
  await problem.getByRole('button', { name: 'Try again' }).click();
  await response(page, '"me"').waitFor();
});

test('the first stop of the Tab key leads to the editor', async () => {
  const { page } = await openEditor(browser());
  await page.keyboard.press('Tab');
  await page.getByRole('button', { name: 'Skip to the editor' }).and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.graphiql-query-editor .monaco-editor.focused').waitFor();
});

test('1440 pixels have room for 80 characters of code, and nothing covers it', async () => {
  const { page } = await openEditor(browser(), {
    prepare: (page) => page.setViewportSize({ width: 1440, height: 900 }),
  });
  const line = `# ${'0'.repeat(78)}`;
  await write(page, `${line}\n{ me { id } }`);
  await page.keyboard.press('Control+Home');
  const text = page.locator('.graphiql-query-editor .view-line').first().locator('span span').first();
  const [drawn, room, bar] = [
    await text.boundingBox(),
    await page.locator('.graphiql-query-editor').boundingBox(),
    await page.getByRole('toolbar', { name: 'Editor commands' }).boundingBox(),
  ];
  expect((drawn?.x ?? 0) + (drawn?.width ?? 0)).toBeLessThanOrEqual((room?.x ?? 0) + (room?.width ?? 0));
  expect(drawn?.y).toBeGreaterThanOrEqual((bar?.y ?? 0) + (bar?.height ?? 0));
});

test('running the operation SignIn offers to sign the page in', async () => {
  const { page } = await openEditor(browser());
  await operation(page, 'SignIn').click();
  await variablesShow(page, 'student1@');
  await run(page);

  await page.getByRole('button', { name: 'Sign in with it' }).click();

  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  await write(page, '{ me { role } }');
  expect((await run(page)).data).toEqual({ me: { role: 'STUDENT' } });
});

test('what the operation SignIn has answered ends with that session', async () => {
  const { page } = await openEditor(browser());
  await operation(page, 'SignIn').click();
  await variablesShow(page, 'student1@');
  const { data } = await run(page);
  const { accessToken } = (data as { login: { session: { accessToken: string } } }).login.session;
  await page.getByRole('button', { name: 'Sign in with it' }).click();

  await page.getByRole('button', { name: 'Sign out' }).click();

  await page.getByText('ended with signing out').first().waitFor();
  expect(await page.content()).not.toContain(accessToken);
  expect(await page.getByRole('button', { name: 'Sign in with it' }).count()).toBe(0);
});

test('a page that opens while the server is away can be used when it is back', async () => {
  let isAway = true;
  const { page } = await open(browser(), {
    at: url.href,
    prepare: (page) =>
      page.route('**/graphql', (route) => (isAway ? route.abort('connectionrefused') : route.continue())),
  });
  await editorIsReady(page);
  await page.getByRole('alert').getByText('The schema could not be loaded').waitFor();

  isAway = false;
  await page.getByRole('button', { name: 'Load it again' }).click();

  await expect.poll(() => page.getByText('The schema could not be loaded').count()).toBe(0);
});
