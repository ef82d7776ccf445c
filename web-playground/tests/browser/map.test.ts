import type { Locator } from 'playwright-core';
import { expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { openEditor, openPanel, write } from './playground';

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
