import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Locator } from 'playwright-core';
import { expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { faults, openEditor, openPanel, write } from './playground';

const browser = browserOfThisFile();

async function openMap() {
  const playground = await openEditor(browser());
  await openPanel(playground.page, 'Map');
  const map = playground.page.getByRole('region', { name: 'Map', exact: true });
  await map.getByRole('heading', { name: 'identity' }).waitFor();
  return { ...playground, map };
}

test('the map shows the five subgraphs, and each field where it is resolved', async () => {
  const { map, errors } = await openMap();

  expect(await map.locator('.map-lane').allTextContents()).toEqual([
    'identity',
    'course',
    'enrollment',
    'payment',
    'notification',
    'shared',
  ]);
  const added = map.locator('.map-card[data-subgraph="enrollment"]', { hasText: 'enrollmentCount' });
  expect(await added.locator('.map-type').textContent()).toContain('Course');
  expect(errors).toEqual([]);
});

test('a field shows its subgraph, type and access', async () => {
  const { map } = await openMap();

  await map.getByRole('searchbox', { name: 'Find a type or a field' }).fill('user.email');
  await map.getByRole('list', { name: 'Search results' }).getByRole('button', { name: 'User.email' }).click();

  const details = map.getByRole('region', { name: 'Selection' });
  await details.getByRole('heading', { name: 'User.email' }).waitFor();
  await details.getByText('identity').waitFor();
  await details.getByText('The e-mail address with which the user signs in.').waitFor();
  await details.getByText('The owner and admins; null for everyone else').waitFor();
});

test('a long description has paragraphs', async () => {
  const { map } = await openMap();
  await map.getByRole('searchbox').fill('purchaseCourse');
  await map.getByRole('button', { name: 'Mutation.purchaseCourse' }).click();

  const text = map.getByRole('region', { name: 'Selection' }).locator('p', { hasText: 'Buys a course' });
  expect((await text.innerText()).split('\n\n').length).toBeGreaterThan(1);
});

test('a type is found by keyboard alone, and its fields can be followed', async () => {
  const { page, map } = await openMap();

  await map.getByRole('searchbox').focus();
  await page.keyboard.type('course');
  await page.keyboard.press('Enter');

  const details = map.getByRole('region', { name: 'Selection' });
  await details.getByRole('heading', { name: 'Course', exact: true }).waitFor();
  await details.getByRole('button', { name: 'teacher', exact: true }).click();
  await details.getByRole('heading', { name: 'Course.teacher' }).waitFor();
  await details.getByRole('button', { name: 'User', exact: true }).click();
  await details.getByText('key id').waitFor();
});

test('the map is panned and zoomed by pointer and by keyboard, and can be shown in full', async () => {
  const { page, map } = await openMap();
  const content = map.locator('.canvas-content');
  const frame = map.getByRole('group', { name: /Map of the graph/ });
  const transform = () => content.evaluate((element) => (element as HTMLElement).style.transform);
  const scale = async () => Number(/scale\(([\d.]+)\)/.exec(await transform())?.[1]);

  const seen = [await transform()];
  const changed = async (what: () => Promise<void>) => {
    await what();
    await expect.poll(transform).not.toBe(seen.at(-1));
    seen.push(await transform());
  };
  await changed(async () => {
    const box = await frame.boundingBox();
    if (!box) throw new Error('the map has no place');
    await page.mouse.move(box.x + 100, box.y + 300);
    await page.mouse.down();
    await page.mouse.move(box.x + 40, box.y + 260, { steps: 4 });
    await page.mouse.up();
  });
  await changed(() => page.mouse.wheel(0, 80));
  await changed(async () => {
    await frame.focus();
    await page.keyboard.press('ArrowRight');
  });
  const before = await scale();
  await changed(() => page.keyboard.press('+'));
  expect(await scale()).toBeGreaterThan(before);

  await map.getByRole('button', { name: 'Show all' }).click();
  const [whole, room] = [await content.boundingBox(), await frame.boundingBox()];
  expect(whole?.width).toBeLessThanOrEqual(room?.width ?? 0);
  expect(whole?.height).toBeLessThanOrEqual(room?.height ?? 0);
  const buttons = await map.locator('.canvas-controls').boundingBox();
  expect((whole?.y ?? 0) + (whole?.height ?? 0)).toBeLessThanOrEqual(buttons?.y ?? 0);
});

test('no name is truncated, and a narrow panel has no horizontal overflow', async () => {
  const { map } = await openMap();

  const cut = await map
    .locator('.map-type, .map-field, .map-type span, .map-field span')
    .evaluateAll(
      (all) => all.filter((one) => one.scrollWidth > one.clientWidth && one.clientWidth > 0).length,
    );
  expect(cut).toBe(0);
  const frame = await map.getByRole('group', { name: /Map of the graph/ }).boundingBox();
  const content = await map.locator('.canvas-content').boundingBox();
  expect(content?.x).toBeGreaterThanOrEqual(frame?.x ?? 0);
  expect((content?.x ?? 0) + (content?.width ?? 0)).toBeLessThanOrEqual(
    (frame?.x ?? 0) + (frame?.width ?? 0),
  );
  // The text is not much smaller than that of the panel.
  const scale =
    (content?.width ?? 0) / (await map.locator('.canvas-content').evaluate((it) => it.clientWidth));
  expect(scale).toBeGreaterThan(0.7);
});

test.each(['narrow', 'wide'])('a map that is shown in full stays so when details open: %s', async (width) => {
  const { map } = await openMap();
  if (width === 'wide') await map.getByRole('button', { name: 'Widen' }).click();

  await map.getByRole('button', { name: 'Show all' }).click();
  await map.locator('.map-card[data-subgraph="identity"] .map-type', { hasText: 'User' }).first().click();
  await map.getByRole('region', { name: 'Selection' }).waitFor();

  await expect
    .poll(async () => {
      const frame = await map.getByRole('group', { name: /Map of the graph/ }).boundingBox();
      const content = await map.locator('.canvas-content').boundingBox();
      if (!frame || !content) return 'not there';
      const isInside =
        content.x >= frame.x &&
        content.y >= frame.y &&
        content.x + content.width <= frame.x + frame.width &&
        content.y + content.height <= frame.y + frame.height;
      return isInside ? 'all' : `${JSON.stringify(content)} in ${JSON.stringify(frame)}`;
    })
    .toBe('all');
});

/** Whether an element is completely visible: nothing covers or clips it. */
async function isInSight(element: Locator, frame: Locator): Promise<boolean> {
  const [box, room] = [await element.boundingBox(), await frame.boundingBox()];
  if (!box || !room) return false;
  const isAcross = box.x >= room.x && box.x + box.width <= room.x + room.width;
  return isAcross && box.y >= room.y && box.y + box.height <= room.y + room.height;
}

test('the selection stays visible beside its details, until the user pans', async () => {
  const { page, map } = await openMap();
  const frame = map.getByRole('group', { name: /Map of the graph/ });
  const row = (name: string) =>
    map
      .locator('.map-card[data-subgraph="identity"]', { hasText: 'unverifiedTeachers' })
      .locator('.map-field', {
        hasText: name,
      });
  expect(await isInSight(row('unverifiedTeachers'), frame)).toBe(true);

  await row('unverifiedTeachers').click();
  await map.getByRole('heading', { name: 'Query.unverifiedTeachers' }).waitFor();
  await expect.poll(() => isInSight(row('unverifiedTeachers'), frame)).toBe(true);

  await page.setViewportSize({ width: 1400, height: 640 });
  await expect.poll(() => isInSight(row('unverifiedTeachers'), frame)).toBe(true);

  await frame.focus();
  for (let press = 0; press < 12; press += 1) await page.keyboard.press('ArrowUp');
  await page.setViewportSize({ width: 1400, height: 700 });
  await expect.poll(() => isInSight(row('unverifiedTeachers'), frame)).toBe(false);
});

test('a zoomed map shows a selection at its edge beside the details', async () => {
  const { page, map } = await openMap();
  await map.getByRole('button', { name: 'Widen' }).click();
  const frame = map.getByRole('group', { name: /Map of the graph/ });
  const type = map.locator('.map-type', { hasText: 'UserErrorCode' });
  await type.waitFor();
  await frame.focus();
  await page.keyboard.press('+');
  for (let press = 0; press < 4; press += 1) await page.keyboard.press('ArrowRight');

  await type.click();
  await map.getByRole('heading', { name: 'UserErrorCode' }).waitFor();

  await expect.poll(() => isInSight(type, frame)).toBe(true);
});

test('no edge of the map is clipped', async () => {
  const { map } = await openMap();
  await map.getByRole('button', { name: 'Widen' }).click();
  await map.getByRole('button', { name: 'Show all' }).click();
  const frame = await map.getByRole('group', { name: /Map of the graph/ }).boundingBox();

  const right = await map
    .locator('.map-edge')
    .evaluateAll((lines) => Math.max(...lines.map((line) => line.getBoundingClientRect().right)));
  const content = await map.locator('.canvas-content').boundingBox();
  expect(right).toBeLessThanOrEqual((content?.x ?? 0) + (content?.width ?? 0) + 1);
  expect(right).toBeLessThan((frame?.x ?? 0) + (frame?.width ?? 0));
});

test('a panel can be expanded to the whole window, and Escape restores it', async () => {
  const { page, map } = await openMap();

  await map.getByRole('button', { name: 'Widen' }).click();
  expect((await map.boundingBox())?.width).toBe(1400);
  await page.keyboard.press('Escape');

  await expect.poll(async () => (await map.boundingBox())?.width).toBeLessThan(700);
});

test('the whole map can be read on a laptop, and a search leads from it to a field', async () => {
  const { page, map } = await openMap();
  await page.setViewportSize({ width: 1440, height: 900 });
  await map.getByRole('button', { name: 'Widen' }).click();
  await map.getByRole('button', { name: 'Show all' }).click();
  const content = map.locator('.canvas-content');
  const scale = async () =>
    ((await content.boundingBox())?.width ?? 0) / (await content.evaluate((it) => it.clientWidth));
  await expect.poll(scale).toBeGreaterThan(0.6);
  await map
    .locator('.map-type', { hasText: /^User\d+ fields$/ })
    .first()
    .waitFor();

  await map.getByRole('searchbox').fill('email');
  await page.keyboard.press('Enter');

  await map.getByRole('heading', { name: 'User.email' }).waitFor();
  const row = map.locator('.map-field[aria-pressed="true"]');
  await expect.poll(() => isInSight(row, map.getByRole('group', { name: /Map of the graph/ }))).toBe(true);
  await map.getByRole('button', { name: 'Show all' }).click();
  await map.getByRole('button', { name: 'Show fields' }).click();
  await map.locator('.map-field').first().waitFor();
});

test('the map marks what the operation in the editor selects', async () => {
  const { page, map } = await openMap();
  await write(page, '{ me { name courses(first: 1) { nodes { title } } } }');
  expect(await map.locator('.map-field-way').count()).toBe(0);

  await map.getByRole('button', { name: 'Mark operation' }).click();

  const marked = () => map.locator('.map-field-way > span:first-child').allTextContents();
  await expect.poll(async () => (await marked()).sort()).toEqual(['courses', 'me', 'name', 'title']);
  await write(page, '{ me { role } }');
  await expect.poll(async () => (await marked()).sort()).toEqual(['me', 'role']);
});

const REPORT = new URL('fixtures/schema-check-report.json', import.meta.url);

/** Opens the report that the schema check has written of a change. */
async function openReport() {
  const opened = await openMap();
  await opened.map.getByLabel('Open the report of a schema check').setInputFiles(fileURLToPath(REPORT));
  const report = opened.map.getByRole('region', { name: 'Schema change' });
  await report.getByText('4 added, 2 removed').waitFor();
  return { ...opened, report };
}

test('the report of a schema check shows what the change does to the map', async () => {
  const { map, report, errors } = await openReport();

  await report.getByText('Failed').waitFor();
  for (const count of ['2 breaking', '1 dangerous', '3 safe'])
    await report.getByRole('button', { name: count }).waitFor();
  const field = (name: string) => map.locator('.map-card .map-field', { hasText: name });
  const removed = field('durationMinutes');
  expect(await removed.getAttribute('data-level')).toBe('breaking');
  expect(await removed.textContent()).toContain('removed, breaking');
  expect(await removed.locator('.map-name').evaluate((it) => getComputedStyle(it).textDecorationLine)).toBe(
    'line-through',
  );
  expect(await field('slug').textContent()).toContain('added');
  expect(await field('DISPUTED').textContent()).toContain('added, dangerous');
  const card = map.locator('.map-card[data-subgraph="course"]', { hasText: 'Recommendation' }).last();
  expect(await card.textContent()).toContain('added');

  await report.getByRole('button', { name: '1 dangerous' }).click();
  expect(await report.getByRole('list', { name: 'Changes' }).getByRole('listitem').count()).toBe(1);
  await report.getByRole('button', { name: '1 dangerous' }).click();
  await report.getByRole('heading', { name: /\d+ operations affected/ }).waitFor();
  await report
    .getByRole('list', { name: 'Operations affected' })
    .getByRole('button', { name: 'CoursePage', exact: true })
    .click();
  await map.page().locator('.graphiql-tab-button', { hasText: 'CoursePage' }).waitFor();

  await report.getByRole('button', { name: 'Close the report' }).click();
  await expect.poll(() => map.locator('[data-level]').count()).toBe(0);
  expect(errors).toEqual([]);
});

test('a change leads to its field, with what is known about it', async () => {
  const { map, report } = await openReport();
  const frame = map.getByRole('group', { name: /Map of the graph/ });

  await report.getByRole('button', { name: 'Course.durationMinutes' }).click();

  const details = map.getByRole('region', { name: 'Selection' });
  await details.getByRole('heading', { name: 'Course.durationMinutes' }).waitFor();
  await details.getByText('was removed from object type').waitFor();
  await details.getByText(/Used by Catalogue, CoursePage/).waitFor();
  await expect.poll(() => isInSight(map.locator('.map-field[aria-pressed="true"]'), frame)).toBe(true);

  await report.getByRole('button', { name: 'PaymentStatus.DISPUTED' }).click();
  await details.getByRole('heading', { name: 'PaymentStatus.DISPUTED' }).waitFor();
  await expect.poll(() => isInSight(map.locator('.map-field[aria-pressed="true"]'), frame)).toBe(true);
});

/** Lets a file fall onto an element. */
async function drop(target: Locator, name: string, text: string): Promise<void> {
  const files = await target.page().evaluateHandle(
    ([name, text]) => {
      const files = new DataTransfer();
      files.items.add(new File([text ?? ''], name ?? '', { type: 'application/json' }));
      return files;
    },
    [name, text],
  );
  await target.dispatchEvent('dragover', { dataTransfer: files });
  await target.page().getByText('Drop the report of a schema check here').waitFor();
  await target.dispatchEvent('drop', { dataTransfer: files });
}

test('a report is dropped onto the map, and nothing of it leaves the page', async () => {
  const { page, map, foreignRequests } = await openMap();
  const requests: string[] = [];
  page.on('request', (request) => requests.push(`${request.url()} ${request.postData() ?? ''}`));
  const text = await readFile(REPORT, 'utf8');

  await drop(map.locator('.map-drop'), 'report.json', text);
  await map.getByRole('region', { name: 'Schema change' }).getByText('4 added, 2 removed').waitFor();
  await map.getByRole('button', { name: 'CourseFilter.teacherId' }).click();
  await map.getByRole('heading', { name: 'CourseFilter.teacherId' }).waitFor();

  const stored = await page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]),
  );
  for (const part of ['DISPUTED', 'Recommendation']) {
    expect(requests.filter((request) => request.includes(part))).toEqual([]);
    expect(stored).not.toContain(part);
  }
  expect(foreignRequests).toEqual([]);
});

test.each([
  ['no JSON', 'type Query { a: Int }', 'report.json was not opened. The file is not JSON.'],
  [
    'another file',
    '{"openapi": "3.1.0"}',
    'report.json was not opened. The file is JSON, but not the report',
  ],
  [
    'a damaged report',
    '{"version": 1, "verdict": "failed", "operations": 1, "findings": [{"section": 4}]}',
    'report.json was not opened. The report is damaged: `findings[0]',
  ],
])('a file that is %s is rejected, and the report on the map stays', async (_what, text, message) => {
  const { page, map, report, errors } = await openReport();

  await drop(map.locator('.map-drop'), 'report.json', text);

  await page.getByRole('alert').getByText(message).waitFor();
  await report.getByText('4 added, 2 removed').waitFor();
  expect(errors).toEqual([]);
});

test.each(['light', 'dark'] as const)(
  'axe finds no serious violation on a changed map: %s',
  async (theme) => {
    const { page } = await openEditor(browser(), { theme });
    await openPanel(page, 'Map');
    const map = page.getByRole('region', { name: 'Map', exact: true });
    await map.getByLabel('Open the report of a schema check').setInputFiles(fileURLToPath(REPORT));
    await map.getByRole('button', { name: 'Course.durationMinutes' }).click();
    await map.getByRole('heading', { name: 'Course.durationMinutes' }).waitFor();

    expect(await faults(page)).toEqual([]);
    await map.getByRole('button', { name: 'Widen' }).click();
    expect(await faults(page)).toEqual([]);
    await map.getByRole('button', { name: 'Show all' }).click();
    expect(await faults(page)).toEqual([]);
  },
);
