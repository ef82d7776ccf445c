import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { faults, isPlan, openEditor, openPanel, run, signInAs, write } from './playground';

const browser = browserOfThisFile();

test('a response shows where its time was spent: phases, fetches, and their SQL', async () => {
  const { page, errors } = await openEditor(browser());
  await signInAs(page, 'Student');
  await openPanel(page, 'Trace');
  const panel = page.getByRole('region', { name: 'Trace', exact: true });
  await panel.getByText('Run an operation').waitFor();

  const response = await run(page);

  await panel.getByText('StudentHome took').waitFor();
  expect(await panel.getByRole('list', { name: 'Phases' }).getByRole('listitem').count()).toBeGreaterThan(2);
  const fetches = panel.getByRole('list', { name: 'Fetches' }).locator(':scope > li');
  const names = await fetches.evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.subgraph));
  expect(new Set(names)).toEqual(new Set(['identity', 'enrollment', 'notification', 'payment', 'course']));
  const statements = panel.getByRole('list', { name: 'Statements of enrollment' }).getByRole('listitem');
  expect(await statements.first().textContent()).toMatch(/select.*\d+ rows?.*(µs|ms)/is);

  const { trace } = response.extensions as { trace: object };
  expect(JSON.stringify(trace)).not.toContain(response.data?.me.name);
  expect(JSON.stringify(trace)).not.toContain(response.data?.me.id);
  expect(errors).toEqual([]);
});

test('a phase says whether it was cached, and catalog lookups are not listed as statements', async () => {
  const { page } = await openEditor(browser());
  // What the page asks beforehand, for the plan and the cost, would parse the document first.
  await page.route('**/graphql', (route) => (isPlan(route.request()) ? route.abort() : route.continue()));
  await openPanel(page, 'Trace');
  const unique = `Fresh${Date.now()}`;
  await write(page, `query ${unique} { courses(first: 1) { nodes { id level } } }`);
  const parse = page.getByRole('list', { name: 'Phases' }).getByRole('listitem').filter({ hasText: 'parse' });

  await run(page);
  await page.getByText(`${unique} took`).waitFor();
  await parse.getByText('parsed').waitFor();
  const { trace } = (await run(page)).extensions as { trace: { fetches: { statements: object[] }[] } };
  await parse.getByText('cached').waitFor();

  const own = trace.fetches.flatMap(({ statements }) => statements.filter((one) => !('catalog' in one)));
  const shown = page.getByRole('list', { name: /Statements of/ }).getByRole('listitem');
  await expect.poll(() => shown.count()).toBe(own.length);
  expect((await shown.allTextContents()).join()).not.toContain('pg_');
});

test('the JSON of the response does not include the trace', async () => {
  const { page } = await openEditor(browser());
  await write(page, 'query Short { courses(first: 1) { totalCount } }');

  const response = await run(page);

  expect(response.extensions).toHaveProperty('trace');
  await page.locator('.result-window', { hasText: 'totalCount' }).waitFor();
  expect(await page.locator('.result-window').textContent()).not.toContain('trace');
});

test('on a production server, only admins request a trace', async () => {
  const { page } = await openEditor(browser(), {
    prepare: (page) =>
      page.route('**/playground.json', (route) =>
        route.fulfill({ json: { development: false, diagnostics: 'admins' } }),
      ),
  });
  await openPanel(page, 'Trace');
  await page.getByText('Traces are available on development servers, and to admins.').waitFor();

  const asked = page.waitForRequest((request) => request.postData()?.includes('StudentHome') ?? false);
  await run(page);

  expect((await asked).headers()['lyceum-trace']).toBeUndefined();
});

test('every bar is on one scale with an axis, which zooms; a statement is shown whole', async () => {
  const { page } = await openEditor(browser());
  await signInAs(page, 'Student');
  await run(page);
  await openPanel(page, 'Trace');
  const waterfall = page.getByRole('group', { name: 'Waterfall' });
  await waterfall.waitFor();

  const lefts = await waterfall
    .locator('.trace-track, .trace-axis-track')
    .evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().left)));
  expect(lefts.length).toBeGreaterThan(10);
  expect(new Set(lefts).size).toBe(1);
  const axis = () => waterfall.locator('.trace-tick').allTextContents();
  const whole = await axis();
  expect(whole[0]).toBe('0');
  await waterfall.getByRole('button', { name: 'Zoom in' }).click();
  expect(await axis()).not.toEqual(whole);
  await waterfall.focus();
  await page.keyboard.press('0');
  await expect.poll(axis).toEqual(whole);
  await waterfall.locator('.trace-track').first().hover();
  await waterfall.locator('.trace-at').waitFor();

  const statement = waterfall.locator('.trace-statement').first();
  await statement.locator('summary').click();
  const text = statement.locator('pre');
  expect(await text.evaluate((pre) => pre.scrollWidth <= pre.clientWidth)).toBe(true);
});

test('two runs are compared, and a trace is saved, opened elsewhere, and exported', async () => {
  const { page } = await openEditor(browser());
  await signInAs(page, 'Student');
  await run(page);
  await openPanel(page, 'Trace');
  const panel = page.getByRole('region', { name: 'Trace', exact: true });
  const saved = async (button: string) => {
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      panel.getByRole('button', { name: button, exact: true }).click(),
    ]);
    return { name: file.suggestedFilename(), content: await readFile(await file.path()) };
  };
  const trace = await saved('Save');
  expect(trace.name).toBe('StudentHome.trace.json');
  const spans = JSON.parse((await saved('OpenTelemetry')).content.toString());
  expect(spans.resourceSpans.length).toBeGreaterThan(4);
  const events = JSON.parse((await saved('Chrome')).content.toString());
  expect(events.traceEvents.length).toBeGreaterThan(10);

  await panel.getByRole('button', { name: 'Keep to compare' }).click();
  await run(page);
  const comparison = panel.getByRole('group', { name: 'Comparison' });
  await comparison.getByRole('row', { name: /^Total/ }).waitFor();
  expect(await faults(page)).toEqual([]);
  await panel.getByRole('button', { name: 'Compare', exact: true }).click();
  await panel.getByRole('group', { name: 'Waterfall' }).waitFor();

  const elsewhere = await openEditor(browser());
  await openPanel(elsewhere.page, 'Trace');
  const file = elsewhere.page.locator('input[type="file"]');
  await file.setInputFiles({ name: trace.name, mimeType: 'application/json', buffer: trace.content });
  await elsewhere.page.getByText('StudentHome took').waitFor();
  await elsewhere.page.getByText('From a file').waitFor();
  await file.setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('{}') });
  await elsewhere.page.getByRole('alert').getByText('x.json was not opened').waitFor();
});

test('a statement is explained by one click: its plan is drawn, and a large table read as a whole is marked', async () => {
  const { page, errors } = await openEditor(browser());
  await write(page, 'query Search { courses(filter: { search: "rust" }) { totalCount } }');
  const response = await run(page);
  expect(response.errors).toBeUndefined();
  await openPanel(page, 'Trace');
  const statement = page
    .getByRole('list', { name: 'Statements of course' })
    .getByRole('listitem')
    .filter({ hasText: 'count(' })
    .first();
  const status = statement.getByRole('status');

  await statement.locator('summary').press('Enter');
  await statement.getByRole('button', { name: 'Explain' }).press('Enter');

  await status
    .getByText(/^\d+ steps?, cost [\d.,]+, about [\d,]+ rows?\. Read as a whole.*courses/)
    .waitFor();
  const plan = statement.getByRole('list', { name: 'Plan of the statement' });
  const scan = plan.locator('[data-scan="large table"]');
  expect(await scan.textContent()).toMatch(/Seq Scan on courses.*whole large table, [\d,]+ rows.*cost/s);
  expect(await plan.getByRole('term').first().textContent()).toBe('Filter');
  expect(await plan.getByRole('definition').first().textContent()).toContain('$');
  const color = (name: string) =>
    scan.evaluate((row, of) => getComputedStyle(row).getPropertyValue(of), name);
  expect(await color('background-color')).not.toBe('rgba(0, 0, 0, 0)');
  expect(await faults(page)).toEqual([]);
  expect(errors).toEqual([]);

  await page.route('**/playground/explain/*', (route) =>
    route.fulfill({ status: 404, json: { error: 'This statement is not remembered.' } }),
  );
  await statement.getByRole('button', { name: 'Explain' }).click();
  await status.getByText('This statement is not remembered.').waitFor();
  expect(await plan.count()).toBe(0);
});

test('on a production server, no statement is explained', async () => {
  const { page } = await openEditor(browser(), {
    prepare: (page) =>
      page.route('**/playground.json', (route) =>
        route.fulfill({ json: { development: false, diagnostics: 'everyone' } }),
      ),
  });
  await write(page, 'query Few { courses(first: 3) { nodes { id } } }');
  await run(page);
  await openPanel(page, 'Trace');
  const statement = page.getByRole('list', { name: 'Statements of course' }).getByRole('listitem').first();

  await statement.locator('summary').click();
  await statement.locator('pre').waitFor();

  expect(await page.getByRole('button', { name: 'Explain' }).count()).toBe(0);
});
