import { expect, test } from 'vitest';
import { browserOfThisFile } from './browser';
import { lastResponse, openEditor, openPanel, run, signInAs, write } from './playground';

const browser = browserOfThisFile();

const DEEP = `{ ${'courses { nodes { teacher { '.repeat(6)} name ${'} } } '.repeat(6)} }`;
const LARGE = `query Large {
  courses(first: 100) { nodes { teacher { courses(first: 100) { nodes { id title
    ${[...'abcdefghijklmno'].map((alias) => `${alias}: description`).join(' ')} } } } } }
}`;

/** Runs in the page. */
async function sizeOfAnswer(query: string): Promise<number> {
  const headers = { 'Content-Type': 'application/json' };
  const lastResponse = await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) });
  return (await lastResponse.text()).length;
}

test.each([
  ['a syntax error', '{ me { id ', 'GRAPHQL_PARSE_FAILED', 'not valid GraphQL'],
  ['an unknown field', '{ me { nickname } }', 'GRAPHQL_VALIDATION_FAILED', 'does not fit the schema'],
  ['an operation over the depth limit', DEEP, 'MAX_DEPTH_EXCEEDED', 'nested too deeply'],
  ['a field for others', '{ payments(first: 1) { totalCount } }', 'UNAUTHENTICATED', 'requires signing in'],
])('%s is shown by its code, with a link to what it means', async (_what, document, code, meaning) => {
  const { page } = await openEditor(browser());
  await write(page, document);

  await run(page);

  const errors = page.getByRole('list', { name: 'Errors' });
  await errors.getByText(code, { exact: true }).first().waitFor();
  await errors.getByRole('link', { name: 'What does it mean?' }).first().click();
  const chosen = page.getByRole('region', { name: 'Errors', exact: true }).locator('[aria-current="true"]');
  await chosen.getByText(code, { exact: true }).waitFor();
  expect(await chosen.textContent()).toContain(meaning);
  expect(page.url()).not.toContain('#');
});

test('the message of the parser is shown, and the meaning of a code', async () => {
  const { page } = await openEditor(browser());
  await write(page, '{ me { id ');

  await run(page);

  const message = page.getByRole('list', { name: 'Errors' }).locator('.response-error-message');
  await message.waitFor();
  expect(await message.innerText()).toBe('Syntax error: expected "}".');
  await openPanel(page, 'Errors');
  const meanings = page.getByRole('region', { name: 'Errors', exact: true });
  await meanings.locator('dd code', { hasText: 'extensions.field' }).waitFor();
  expect(await meanings.textContent()).not.toContain('`');
});

test('an error has its path, and in development its subgraph', async () => {
  const { page } = await openEditor(browser());
  await signInAs(page, 'Student');
  await write(page, '{ payments(first: 1) { totalCount } }');

  await run(page);

  const error = page.getByRole('list', { name: 'Errors' }).getByRole('listitem').first();
  await error.getByText('FORBIDDEN', { exact: true }).waitFor();
  await error.getByText('payments', { exact: true }).waitFor();
  await error.getByText('payment', { exact: true }).waitFor();
});

test('the userErrors of a mutation are shown, too', async () => {
  const { page } = await openEditor(browser());
  await write(
    page,
    'mutation { login(input: { email: "nobody@example.com", password: "not the password" }) { userErrors { code message field } } }',
  );

  await run(page);

  await page.getByRole('list', { name: 'Errors' }).getByText('INVALID_CREDENTIALS').waitFor();
});

test('a response of more than 5 MB is shown, and the page still works', async () => {
  const { page, errors } = await openEditor(browser());
  await write(page, LARGE);

  expect((await lastResponse(page)).status()).toBe(200);

  expect(await page.evaluate(sizeOfAnswer, LARGE)).toBeGreaterThan(5_000_000);
  await page.getByText(/No errors · \d+ ms · [5-9]\.\d MB|No errors · \d+ ms · \d\d\.\d MB/).waitFor();
  await page.locator('.result-window', { hasText: '"courses"' }).waitFor();
  await write(page, '{ me { id } }');
  expect((await run(page)).data).toEqual({ me: null });
  expect(errors).toEqual([]);
});

test('invalid JSON in the variables is reported before execution', async () => {
  const { page, sent } = await openEditor(browser());
  await page
    .locator('.graphiql-editor-tool .monaco-editor')
    .first()
    .click({ position: { x: 200, y: 30 } });
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.insertText('{ "first": oops');

  await page.getByRole('button', { name: /Execute query/ }).click();

  await page.getByRole('alert').getByText('Request not sent').waitFor();
  expect(sent).toEqual([]);
});
