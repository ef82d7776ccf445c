import { buildSchema, introspectionFromSchema } from 'graphql';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { openEditor, openPanel, write } from './playground';

/** More than this graph has or answers: the page is shown what another server might send. */

const browser = browserOfThisFile();
const LARGE_MS = 120_000;

/** Answers requests whose body has a text. */
function answer(text: string, body: () => string) {
  return (page: Page) =>
    page.route('**/graphql', (route) =>
      route.request().postData()?.includes(text)
        ? route.fulfill({ contentType: 'application/json', body: body() })
        : route.continue(),
    );
}

function schemaOf(types: number) {
  const things = Array.from(
    { length: types },
    (_, index) => `type Thing${index} { id: ID!, name: String, next: Thing${(index + 1) % types} }`,
  );
  const schema = buildSchema(`type Query { first: Thing0 }\n${things.join('\n')}`);
  return JSON.stringify({ data: introspectionFromSchema(schema) });
}

test(
  'with a schema of 3,000 types, the docs find one of them, and documents are checked against it',
  async () => {
    const { page, errors } = await openEditor(browser(), {
      prepare: answer('IntrospectionQuery', () => schemaOf(3_000)),
    });
    await openPanel(page, 'Documentation Explorer');
    await page.getByRole('link', { name: 'Query', exact: true }).click();
    await page.getByRole('link', { name: 'Thing0', exact: true }).click();
    await page.getByRole('link', { name: 'Thing1', exact: true }).waitFor();

    await write(page, '{ first { next { name, unknown } } }');
    await page.locator('.graphiql-query-editor .squiggly-error').first().waitFor();
    await write(page, '{ first { next { name } } }');
    await expect.poll(() => page.locator('.graphiql-query-editor .squiggly-error').count()).toBe(0);
    expect(errors).toEqual([]);
  },
  LARGE_MS,
);

test(
  'a response of 20 MB can be scrolled to its end, and the page goes on',
  async () => {
    const line = 'x'.repeat(100);
    const nodes = Array.from({ length: 150_000 }, (_, index) => ({ id: index, title: line }));
    const { page, errors } = await openEditor(browser(), {
      prepare: answer('query Much', () =>
        JSON.stringify({ data: { nodes: [...nodes, { id: 'the last' }] } }),
      ),
    });
    await write(page, 'query Much { courses(first: 1) { totalCount } }');
    await page.getByRole('button', { name: /Execute query/ }).click();
    await page.getByText(/No errors · \d+ ms · (1[89]|2\d)\.\d MB/).waitFor();

    const result = page.locator('.result-window');
    await result.locator('.view-lines').click();
    await page.keyboard.press('ControlOrMeta+End');
    await result.locator('.view-line', { hasText: 'the last' }).waitFor();

    await write(page, 'query Next { courses(first: 1) { totalCount } }');
    await page.getByRole('button', { name: /Execute query/ }).click();
    await result.locator('.view-line', { hasText: 'totalCount' }).waitFor();
    expect(errors).toEqual([]);
  },
  LARGE_MS,
);
