import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { openEditor, openPanel, write } from './playground';

const browser = browserOfThisFile();

test('the plan of the operation in the editor is drawn, and nothing is executed', async () => {
  const plans: boolean[] = [];
  const recordPlans = async (page: Page) => {
    page.on('request', (request) => {
      const isIntrospection = request.postData()?.includes('IntrospectionQuery');
      if (request.url().endsWith('/graphql') && !isIntrospection)
        plans.push(request.headers()['hive-expose-query-plan'] === 'dry-run');
    });
  };
  const { page, errors } = await openEditor(browser(), { prepare: recordPlans });

  await openPanel(page, 'Plan');
  const panel = page.getByRole('region', { name: 'Plan', exact: true });
  await panel.getByText('6 fetches in 4 steps').waitFor();

  const boxes = panel.getByRole('button', { name: /step/ });
  const names = await boxes.evaluateAll((all) => all.map((box) => (box as HTMLElement).dataset.subgraph));
  expect(names[0]).toBe('identity');
  expect([...names].sort()).toEqual([
    'course',
    'enrollment',
    'identity',
    'identity',
    'notification',
    'payment',
  ]);
  expect(await panel.getByText('Course { id }').count()).toBe(1);
  expect(plans.length).toBeGreaterThan(0);
  expect(plans.every(Boolean)).toBe(true);

  await boxes.first().focus();
  await page.keyboard.press('Enter');
  await panel
    .getByRole('region', { name: 'Fetch' })
    .getByText('unreadNotificationCount')
    .waitFor({ state: 'detached' });
  await panel.getByRole('region', { name: 'Fetch' }).getByText('me {').waitFor();
  expect(errors).toEqual([]);
});

test('a plan in a narrow panel is readable, without truncated text', async () => {
  const { page } = await openEditor(browser());
  await openPanel(page, 'Plan');
  await page.getByText('6 fetches in 4 steps').waitFor();
  const content = page.locator('.canvas-content');

  const drawn = (await content.boundingBox())?.width ?? 0;
  expect(drawn / (await content.evaluate((element) => element.clientWidth))).toBeGreaterThan(0.65);
  const cut = await page
    .locator('.plan-box, .plan-name, .plan-line-text')
    .evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).length);
  expect(cut).toBe(0);
});

test('the plan follows the editor, and says why there is none', async () => {
  const { page } = await openEditor(browser());
  await openPanel(page, 'Plan');
  const panel = page.getByRole('region', { name: 'Plan', exact: true });

  await write(page, '{ courses(first: 1) { totalCount } }');
  await panel.getByText('1 fetch in 1 step: course').waitFor();
  await write(page, '{ nonsense }');
  await panel.getByText('does not have a field').waitFor();
});

test('the plan of a mutation changes nothing', async () => {
  const { page } = await openEditor(browser());
  await openPanel(page, 'Plan');

  await write(
    page,
    'mutation { login(input: { email: "nobody@example.com", password: "not the password" }) { userErrors { code } } }',
  );

  await page.getByText('mutation · step 1').waitFor();
  expect(await page.getByText('INVALID_CREDENTIALS').count()).toBe(0);
});

test('a subscription has a plan, too', async () => {
  const { page, errors } = await openEditor(browser());
  await openPanel(page, 'Plan');

  await write(page, 'subscription { notificationAdded { id title } }');

  await page.getByText('1 fetch in 1 step: notification').waitFor();
  expect(errors).toEqual([]);
});

test('the plan depends on the variables', async () => {
  const { page } = await openEditor(browser());
  await openPanel(page, 'Plan');
  const panel = page.getByRole('region', { name: 'Plan', exact: true });

  await write(
    page,
    'query Maybe($enrollments: Int!) { courses(first: $enrollments) { nodes { teacher { name } } } }',
  );

  // The variable still has the value of the student home.
  await panel.getByText('2 fetches in 2 steps: course, identity').waitFor();
});

test('a mutation is not sent when a proxy drops the plan header', async () => {
  const { page } = await openEditor(browser(), {
    prepare: (page) =>
      page.route('**/graphql', (route) => {
        const { 'hive-expose-query-plan': _, ...headers } = route.request().headers();
        return route.continue({ headers });
      }),
  });
  const bodies: string[] = [];
  page.on('request', (request) => bodies.push(request.postData() ?? ''));
  await openPanel(page, 'Plan');

  await write(page, 'mutation Lost { logout(input: { refreshToken: "x" }) { userErrors { code } } }');

  await expect.poll(() => bodies.filter((body) => body.includes('{ __typename }'))).not.toEqual([]);
  await page.waitForLoadState('networkidle');
  expect(bodies.filter((body) => body.includes('Lost'))).toEqual([]);
});
