import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { faults, openEditor, openPanel, paste, run, signInAs, storedSession, write } from './playground';

/** What people know from other clients. */

const browser = browserOfThisFile();
const LIST = 'query Listed { courses(first: 5) { nodes { title price teacher { name } } } }';

test('an operation is copied as code, with the token only when asked for', async () => {
  const { page } = await openEditor(browser());
  await signInAs(page, 'Student');
  await write(page, LIST);
  const { accessToken } = await storedSession(page);

  await page.getByRole('button', { name: 'Copy as…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Copy as code' });
  for (const kind of ['cURL', 'fetch', 'Apollo Client', 'urql', 'graphql-request', 'Python, gql']) {
    await dialog.getByRole('button', { name: kind, exact: true }).click();
    const code = await dialog.locator('pre').innerText();
    expect(code).toContain('Listed');
    expect(code).not.toContain(accessToken);
  }
  expect(await faults(page)).toEqual([]);
  await dialog.getByRole('checkbox').check();
  await dialog.getByRole('button', { name: 'Copy', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(accessToken);
});

test('the response has its status and headers, and is a table, a tree, and a file', async () => {
  const { page, errors } = await openEditor(browser());
  await write(page, LIST);
  const nodes: { title: string }[] = (await run(page)).data?.courses.nodes ?? [];
  const titles = nodes.map(({ title }) => title);
  const bar = page.getByRole('toolbar', { name: 'Response' });

  await bar.getByRole('button', { name: 'Status 200, headers' }).click();
  await page.getByText('content-type', { exact: true }).waitFor();
  await bar.getByRole('button', { name: 'Status 200, headers' }).click();

  await page.locator('.result-window .codicon-folding-expanded').first().click();
  await page.locator('.result-window .codicon-folding-collapsed').waitFor();

  await bar.getByRole('button', { name: 'Table' }).click();
  const table = page.getByRole('group', { name: 'Table of courses.nodes' });
  await table.getByRole('button', { name: 'title' }).click();
  const column = () => table.locator('tbody td:first-child').allTextContents();
  const collator = new Intl.Collator('en', { numeric: true });
  await expect.poll(column).toEqual(titles.toSorted(collator.compare));
  await table.getByRole('button', { name: 'title' }).click();
  await expect.poll(column).toEqual(titles.toSorted(collator.compare).reverse());
  expect(await faults(page)).toEqual([]);
  const [csv] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save as CSV' }).click(),
  ]);
  expect((await readFile(await csv.path())).toString()).toContain('title,price,teacher.name');

  await bar.getByRole('button', { name: 'Tree' }).click();
  await bar.getByRole('searchbox').fill(titles[4] ?? '');
  const tree = page.getByRole('group', { name: 'Response as a tree' });
  await tree
    .locator('.view-match', { hasText: titles[4] ?? '' })
    .first()
    .waitFor();
  expect(await faults(page)).toEqual([]);

  const [json] = await Promise.all([
    page.waitForEvent('download'),
    bar.getByRole('button', { name: 'Save the response as a file' }).click(),
  ]);
  expect(json.suggestedFilename()).toBe('Listed.json');
  expect(JSON.parse((await readFile(await json.path())).toString()).data.courses.nodes).toHaveLength(5);
  expect(errors).toEqual([]);
});

test('own operations are saved, exported, and imported; Postman’s and Altair’s are read', async () => {
  const { page } = await openEditor(browser());
  await write(page, LIST);
  await openPanel(page, 'Collections');
  const panel = page.getByRole('region', { name: 'Collections', exact: true });
  await panel.getByRole('button', { name: 'Save', exact: true }).click();
  await panel.getByRole('button', { name: 'Listed', exact: true }).waitFor();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    panel.getByRole('button', { name: 'Export' }).click(),
  ]);
  const own = await readFile(await file.path());

  const importFile = (name: string, content: string | Buffer) =>
    panel
      .locator('input[type="file"]')
      .setInputFiles({ name, mimeType: 'application/json', buffer: Buffer.from(content) });
  await importFile('own.json', own);
  await panel.getByRole('region', { name: 'Mine 2' }).waitFor();
  await importFile(
    'shop.postman_collection.json',
    JSON.stringify({
      info: { name: 'Shop', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
      item: [{ name: 'P', request: { body: { mode: 'graphql', graphql: { query: '{ me { id } }' } } } }],
    }),
  );
  await panel.getByRole('region', { name: 'Shop' }).getByRole('button', { name: 'P', exact: true }).waitFor();
  await importFile(
    'a.agc',
    JSON.stringify({
      type: 'collection',
      title: 'Alt',
      queries: [{ query: '{ me { name } }', windowName: 'A' }],
    }),
  );
  await panel.getByRole('region', { name: 'Alt' }).getByRole('button', { name: 'A', exact: true }).click();
  await page.locator('.graphiql-query-editor', { hasText: 'name' }).waitFor();
  await importFile('broken.json', '{');
  await page.getByRole('alert').getByText('broken.json was not imported. The file is not JSON.').waitFor();
  expect(await faults(page)).toEqual([]);
});

test('request extensions are sent, checked, copied and kept', async () => {
  const { page, sent } = await openEditor(browser());
  const query = 'query Extended { courses(first: 1) { totalCount } }';
  const text = page.getByRole('region', { name: 'Extensions', exact: true }).locator('.view-lines').last();
  const fill = async (extensions: string) => {
    await page
      .getByRole('region', { name: 'Extensions', exact: true })
      .locator('.graphiql-editor:not(.hidden)')
      .click({ position: { x: 200, y: 30 } });
    await paste(page, extensions);
  };
  await write(page, query);
  await page.getByRole('button', { name: 'Extensions', exact: true }).click();
  await fill('{ "persistedQuery": { "version": 2 } }');

  const { errors } = await run(page);
  expect(errors?.[0]?.message).toContain('extensions.persistedQuery.version');
  expect(JSON.parse(sent.at(-1) ?? '').extensions).toEqual({ persistedQuery: { version: 2 } });
  expect(await faults(page)).toEqual([]);
  await fill('[1]');
  await page.keyboard.press('ControlOrMeta+Enter');
  await page.getByText('Request not sent. Request extensions are not a JSON object.').waitFor();
  await fill('{ "tenant": ');
  await page.keyboard.press('ControlOrMeta+Enter');
  await page.getByText('Request not sent. Request extensions are invalid JSON').waitFor();
  await fill('{ "tenant": "a" }');
  expect((await run(page)).data?.courses.totalCount).toBeGreaterThan(0);

  await page.getByRole('button', { name: 'Copy as…' }).click();
  await page.getByRole('dialog').locator('pre', { hasText: '"extensions":{"tenant":"a"}' }).waitFor();
  await page.keyboard.press('Escape');
  await openPanel(page, 'Collections');
  const saved = page.getByRole('region', { name: 'Collections', exact: true });
  await saved.getByRole('button', { name: 'Save', exact: true }).click();

  await page.getByRole('button', { name: 'New tab' }).click();
  await expect.poll(() => text.innerText()).toBe('');
  await saved.getByRole('button', { name: 'Extended', exact: true }).click();
  await expect.poll(() => text.innerText()).toContain('tenant');
  await page.reload();
  await page.getByRole('button', { name: 'Extensions', exact: true }).click();
  await expect.poll(() => text.innerText()).toContain('tenant');
  await page.getByRole('button', { name: 'New tab' }).click();
  await openPanel(page, 'History');
  await page.locator('.graphiql-history').getByRole('button', { name: 'Extended' }).first().click();
  await expect.poll(() => text.innerText()).toContain('tenant');
});

test('an environment gives values and headers', async () => {
  const { page } = await openEditor(browser());
  await write(page, 'query Found($search: String) { courses(filter: { search: $search }) { totalCount } }');
  await page
    .locator('.graphiql-editor-tool .monaco-editor')
    .first()
    .click({ position: { x: 200, y: 30 } });
  await paste(page, '{ "search": "{{text}}" }');
  await openPanel(page, 'Collections');
  const panel = page.getByRole('region', { name: 'Environments' });
  await panel.getByRole('button', { name: 'New' }).click();
  await panel.getByLabel('Name').fill('Stage');
  await panel.getByLabel('Variables, as JSON').fill('{ "text": "no such course" }');
  await panel.getByLabel('Headers, as JSON').fill('{ "x-request-id": "from-stage" }');
  await panel.getByRole('button', { name: 'Save' }).click();

  const sent = page.waitForRequest(
    (request) =>
      request.postData()?.includes('query Found') === true && !request.headers()['hive-expose-query-plan'],
  );
  const response = await run(page);

  expect((await sent).headers()['x-request-id']).toBe('from-stage');
  expect(response.data).toEqual({ courses: { totalCount: 0 } });
  await page.getByRole('combobox', { name: 'Environment' }).waitFor();
});

test('the history is searched, and `?` lists the keys', async () => {
  const { page } = await openEditor(browser());
  await write(page, 'query Alpha { me { id } }');
  await run(page);
  await write(page, 'query Beta { me { name } }');
  await run(page);
  await openPanel(page, 'History');
  const list = page.locator('.graphiql-history').getByRole('listitem');
  await expect.poll(() => list.count()).toBe(2);
  await page.getByRole('region', { name: 'History' }).getByRole('searchbox').fill('me name');
  await expect.poll(() => list.count()).toBe(1);
  await list.getByRole('button', { name: 'Beta', exact: true }).waitFor();

  await page.getByRole('button', { name: 'Share a link' }).focus();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Help' }).getByText('Ctrl+Enter').waitFor();
});

test('each operation of a document with several has a button that runs it', async () => {
  const { page, errors, sent } = await openEditor(browser());
  await write(page, 'query First { courses(first: 1) { totalCount } }');
  const buttons = page.getByRole('button', { name: /^Run (First|Second)$/ });
  expect(await buttons.count()).toBe(0);
  await write(
    page,
    'query First {\n  courses(first: 1) {\n    totalCount\n  }\n}\n\nquery Second {\n  courses(first: 2) {\n    totalCount\n  }\n}\n',
  );
  await expect.poll(() => buttons.count()).toBe(2);
  const names = () => sent.map((body) => JSON.parse(body).operationName);

  await page.getByRole('button', { name: 'Run First', exact: true }).click();
  await expect.poll(names).toEqual(['First']);
  await page.getByText('No errors').waitFor();
  await page.getByRole('button', { name: 'Run Second', exact: true }).focus();
  await page.keyboard.press('Enter');
  await expect.poll(names).toEqual(['First', 'Second']);
  await page.getByText('No errors').waitFor();
  const tops = await Promise.all([
    page.getByRole('button', { name: 'Run Second', exact: true }).boundingBox(),
    page.locator('.graphiql-query-editor .view-line', { hasText: /Second/ }).boundingBox(),
  ]);
  // Right above its operation, and over no text.
  expect(Math.round((tops[1]?.y ?? 0) - (tops[0]?.y ?? 0) - (tops[0]?.height ?? 0))).toBeGreaterThanOrEqual(
    -1,
  );
  expect((tops[1]?.y ?? 0) - (tops[0]?.y ?? 0)).toBeLessThan(40);
  expect(await faults(page)).toEqual([]);
  expect(errors).toEqual([]);
});

test('a field of any type is found, with its type, arguments and description, and added', async () => {
  const { page, errors } = await openEditor(browser());
  await write(
    page,
    'query Mine {\n  me {\n    name\n    enrollments(first: 2) {\n      nodes {\n        id\n      }\n    }\n  }\n}\n',
  );
  await openPanel(page, 'Explorer');
  const panel = page.getByRole('region', { name: 'Find a field' });
  await panel.getByRole('searchbox').fill('me enrollments');
  const field = panel.getByRole('listitem').filter({ hasText: 'query me.enrollments' }).first();
  await field.getByText('EnrollmentConnection', { exact: false }).first().waitFor();
  await field.locator('summary').click();
  const first = field.getByRole('textbox', { name: /^first: Int/ });
  await first.fill('{');
  await field.getByRole('button', { name: 'Add' }).click();
  await field.getByRole('alert').getByText('The value of first').waitFor();
  await first.fill('3');
  await field.getByRole('button', { name: 'Add' }).click();
  await page.locator('.graphiql-query-editor', { hasText: /enrollments\(first:\s3\)/ }).waitFor();

  await panel.getByRole('searchbox').fill('unreadNotificationCount');
  await panel.getByRole('listitem').first().getByRole('button', { name: 'Add' }).click();
  await page.locator('.graphiql-query-editor', { hasText: 'unreadNotificationCount' }).waitFor();
  expect(await faults(page)).toEqual([]);
  await signInAs(page, 'Student');
  const response = await run(page);
  expect(response.errors).toBeUndefined();
  expect(response.data?.me.unreadNotificationCount).toBeGreaterThanOrEqual(0);
  expect(response.data?.me.enrollments.nodes).toHaveLength(3);
  const enrollments = page.getByRole('checkbox', { name: 'enrollments of me', exact: true });
  await expect.poll(() => enrollments.getAttribute('data-type')).toBe('EnrollmentConnection');
  expect(await enrollments.getAttribute('aria-description')).toMatch(/^EnrollmentConnection\. \w+/);
  const argument = page.getByRole('checkbox', { name: 'first of enrollments of me', exact: true });
  expect(await argument.getAttribute('data-type')).toBe('Int');
  const nodes = page.getByRole('checkbox', { name: 'nodes of enrollments of me', exact: true });
  expect(await nodes.getAttribute('data-type')).toBe('[Enrollment!]!');
  expect(await faults(page)).toEqual([]);
  await panel.getByRole('searchbox').fill('no such field anywhere');
  await panel.getByText('No field has all of these words.').waitFor();
  expect(errors).toEqual([]);
});
