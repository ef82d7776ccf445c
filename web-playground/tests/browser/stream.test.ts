import type { Page, Request } from 'playwright-core';
import { afterEach, expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { CuttableProxy } from './cuttable-proxy';
import {
  ask,
  faults,
  isPlan,
  openEditor,
  openPanel,
  PANELS,
  signInAs,
  storedQuery,
  write,
} from './playground';

const browser = browserOfThisFile();
const passages: CuttableProxy[] = [];

afterEach(async () => {
  await Promise.all(passages.splice(0).map((proxy) => proxy.cut()));
});

/** A new student, so that the lists of the sample users do not change. */
class Student {
  readonly email = `stream.${Date.now().toString(36)}.${Math.random().toString(36).slice(2)}@example.com`;
  readonly password = 'correct horse battery staple';
  #token = '';
  #courses: string[] = [];

  static async register(): Promise<Student> {
    const student = new Student();
    const { email, password } = student;
    const response = await ask(
      `mutation($input: RegisterInput!) { register(input: $input) { session { accessToken } userErrors { message } } }`,
      { input: { email, password, name: 'Ada Lovelace', role: 'STUDENT' } },
    );
    student.#token = response.data?.register.session.accessToken;
    const courses = await ask('{ courses(first: 20, filter: { isFree: true }) { nodes { id } } }', {});
    student.#courses = courses.data?.courses.nodes.map(({ id }: { id: string }) => id);
    await student.#hasNotifications(1);
    return student;
  }

  /** Triggers a notification for the student. */
  async enroll(): Promise<void> {
    const before = await this.#notifications();
    const response = await ask(
      'mutation($input: EnrollInput!) { enroll(input: $input) { enrollment { id } userErrors { code } } }',
      { input: { courseId: this.#courses.shift() } },
      this.#token,
    );
    expect(response.data?.enroll).toMatchObject({ userErrors: [] });
    await this.#hasNotifications(before + 1);
  }

  async deleteNotifications(): Promise<void> {
    const response = await ask('{ me { notifications(first: 20) { nodes { id } } } }', {}, this.#token);
    for (const { id } of response.data?.me.notifications.nodes ?? []) {
      await ask(
        'mutation($input: DeleteNotificationInput!) { deleteNotification(input: $input) { userErrors { code } } }',
        { input: { notificationId: id } },
        this.#token,
      );
    }
    await this.#hasNotifications(0);
  }

  async signIn(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Sign in as…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('E-mail address').fill(this.email);
    await dialog.getByLabel('Password').fill(this.password);
    await dialog.getByRole('button', { name: 'Sign in', exact: true }).click();
    await dialog.waitFor({ state: 'hidden' });
  }

  async #notifications(): Promise<number> {
    const response = await ask('{ me { notifications(first: 1) { totalCount } } }', {}, this.#token);
    return response.data?.me.notifications.totalCount;
  }

  async #hasNotifications(count: number): Promise<void> {
    await expect.poll(() => this.#notifications(), { timeout: 20_000 }).toBe(count);
  }
}

const execute = (page: Page) => page.getByRole('button', { name: /Execute query/ }).click();
const events = (page: Page) => page.getByRole('region', { name: 'Events', exact: true });
const listed = (page: Page) =>
  events(page).getByRole('list', { name: 'Events, newest first' }).locator(':scope > li');

test('events are listed as they arrive, until the stream is stopped', async () => {
  const student = await Student.register();
  const { page, errors, foreignRequests } = await openEditor(browser());
  await student.signIn(page);
  await page.getByRole('button', { name: /NotificationAdded/ }).click();
  await storedQuery(page, 'subscription NotificationAdded');

  await execute(page);
  await events(page).getByText('Live').waitFor();
  await openPanel(page, 'Trace');
  await page.getByText('Subscriptions have no trace').waitFor();
  await student.enroll();
  await expect.poll(() => listed(page).count()).toBe(1);
  await student.enroll();
  await expect.poll(() => listed(page).count()).toBe(2);
  await page.locator('.result-window', { hasText: 'notificationAdded' }).waitFor();

  await listed(page).first().locator('summary').click();
  const editor = await page.locator('.graphiql-query-editor').boundingBox();
  expect((await events(page).boundingBox())?.x).toBeGreaterThan((editor?.x ?? 0) + (editor?.width ?? 0));

  await events(page).getByRole('button', { name: 'Stop' }).click();
  await events(page).getByText('Ended').waitFor();
  await student.enroll();
  expect(await listed(page).count()).toBe(2);
  expect(errors).toEqual([]);
  expect(foreignRequests).toEqual([]);
});

test.each([
  { when: 'after the last one', isFirst: false },
  { when: 'the first one of all, too', isFirst: true },
])('what comes before a stream stands is listed, $when', async ({ isFirst }) => {
  const student = await Student.register();
  if (isFirst) await student.deleteNotifications();
  const { page } = await openEditor(browser());
  await student.signIn(page);
  const stream = await holdStream(page);
  await write(page, 'subscription { bell: notificationAdded { id title } }');
  await execute(page);
  await stream.held;

  await student.enroll();
  stream.letGo();
  await expect.poll(() => listed(page).count()).toBe(1);
  await listed(page).first().locator('summary', { hasText: '"title"' }).waitFor();
  await student.enroll();
  await expect.poll(() => listed(page).count()).toBe(2);
  expect(await page.getByText('may be missing').count()).toBe(0);
});

test('what comes is listed where the page may not ask for the latest events', async () => {
  const student = await Student.register();
  await student.deleteNotifications();
  const { page } = await openEditor(browser());
  await student.signIn(page);
  await page.route('**/graphql', (route) => {
    if (!route.request().postData()?.includes('query LatestEvents')) return route.continue();
    const refused = { message: 'too deep', extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } };
    return route.fulfill({ status: 400, json: { errors: [refused] } });
  });
  await write(page, 'subscription { bell: notificationAdded { id title } }');
  await execute(page);
  await events(page).getByText('Live').waitFor();

  await student.enroll();

  await expect.poll(() => listed(page).count()).toBe(1);
  await listed(page).first().locator('summary', { hasText: '"title"' }).waitFor();
});

/** Lets the page's subscription begin only when it is let go. */
async function holdStream(page: Page): Promise<{ held: Promise<unknown>; letGo: () => void }> {
  const isStream = (request: Request) =>
    !isPlan(request) && request.postData()?.includes('subscription') === true;
  let letGo = () => {};
  const free = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await page.route('**/graphql', async (route) => {
    if (isStream(route.request())) await free;
    await route.continue();
  });
  return { held: page.waitForRequest(isStream), letGo: () => letGo() };
}

/** A student with a subscription, through a proxy that can be cut. */
async function follow(fields: string) {
  const proxy = new CuttableProxy();
  passages.push(proxy);
  await proxy.open();
  const student = await Student.register();
  const { page } = await openEditor(browser(), { at: proxy.address });
  await student.signIn(page);
  await write(page, `subscription { notificationAdded { ${fields} } }`);
  await execute(page);
  await events(page).getByText('Live').waitFor();
  return { proxy, student, page };
}

test('a stream resumes when the server is back, including missed events', async () => {
  const { proxy, student, page } = await follow('id title');
  await student.enroll();
  await expect.poll(() => listed(page).count()).toBe(1);

  await proxy.cut();
  await events(page).getByText('Reconnecting').waitFor();
  await student.enroll();
  await student.enroll();
  await proxy.open();

  await expect.poll(() => listed(page).count(), { timeout: 20_000 }).toBe(3);
  await events(page).getByText('connection lost once').waitFor();
  await student.enroll();
  await expect.poll(() => listed(page).count()).toBe(4);
  const titles = await listed(page)
    .locator('pre')
    .evaluateAll((all) => all.map((one) => one.textContent ?? ''));
  const ids = titles.map((text) => JSON.parse(text).data.notificationAdded.id as string);
  expect(new Set(ids).size).toBe(4);
});

test('a stream that is disconnected before its first event misses nothing', async () => {
  const { proxy, student, page } = await follow('id title');

  await proxy.cut();
  await events(page).getByText('Reconnecting').waitFor();
  await student.enroll();
  await proxy.open();

  await expect.poll(() => listed(page).count(), { timeout: 20_000 }).toBe(1);
  expect(await page.getByText('may be missing').count()).toBe(0);
});

test('a stream without ids says that events may be missing', async () => {
  const { proxy, student, page } = await follow('title');
  await student.enroll();
  await expect.poll(() => listed(page).count()).toBe(1);

  await proxy.cut();

  await events(page).getByText('may be missing').waitFor();
});

test.each(['light', 'dark'] as const)(
  'axe finds no serious violation while a stream runs, in the %s theme',
  async (theme) => {
    const student = await Student.register();
    const { page } = await openEditor(browser(), { theme });
    await student.signIn(page);
    await write(page, 'subscription { notificationAdded { id title } }');
    await execute(page);
    await events(page).getByText('Live').waitFor();
    await student.enroll();
    await student.enroll();
    await expect.poll(() => listed(page).count()).toBe(2);
    await listed(page).first().locator('summary').click();

    for (const panel of ['Documentation Explorer', ...PANELS]) {
      await openPanel(page, panel);
      await page.getByRole('button', { name: `Hide ${panel}`, exact: true }).waitFor();
      expect({ panel, faults: await faults(page) }).toEqual({ panel, faults: [] });
    }
    await events(page).getByRole('button', { name: 'Stop' }).click();
    await events(page).getByText('Ended').waitFor();
    expect(await faults(page)).toEqual([]);
  },
  120_000,
);

test('a rejected subscription says why', async () => {
  const { page } = await openEditor(browser());
  await write(page, 'subscription { notificationAdded { id title } }');

  await execute(page);

  await page.locator('.result-window', { hasText: 'UNAUTHENTICATED' }).waitFor();
  await events(page).getByText('Ended').waitFor();
});

test('a truncated response is reported, and the next one is complete', async () => {
  const proxy = new CuttableProxy();
  passages.push(proxy);
  await proxy.open();
  const { page } = await openEditor(browser(), { at: proxy.address });
  await proxy.cut();

  await execute(page);
  await page.getByRole('alert').getByText('The server is unreachable.').waitFor();
  await proxy.open();
  await signInAs(page, 'Student');
  await execute(page);

  await page.locator('.result-window', { hasText: 'unreadNotificationCount' }).waitFor();
});

test('a quiet stream outlives its tokens', async () => {
  const { page } = await openEditor(browser());
  await signInAs(page, 'Teacher');
  let connections = 0;
  await page.route('**/graphql', async (route) => {
    const isStream = (route.request().headers().accept ?? '').includes('text/event-stream;') === false;
    const isSubscription = route.request().postData()?.includes('subscription Quiet') && isStream;
    if (!isSubscription || route.request().headers()['hive-expose-query-plan']) return route.continue();
    connections += 1;
    if (connections > 3) return route.continue();
    // As the server does when the token of a stream ends: after a while without any event.
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const error = { errors: [{ message: 'ended', extensions: { code: 'UNAUTHENTICATED' } }] };
    return route.fulfill({
      contentType: 'text/event-stream',
      body: `event: next\ndata: ${JSON.stringify(error)}\n\nevent: complete\ndata:\n\n`,
    });
  });
  await write(page, 'subscription Quiet { notificationAdded { id title } }');

  await execute(page);

  await expect.poll(() => connections, { timeout: 30_000 }).toBe(4);
  await events(page).getByText('Live').waitFor();
});
