import { expect, test } from 'vitest';
import { operations } from '../../src/operations/all';
import { browserOfThisFile } from './browser';
import { openEditor, run, signInAs, storedQuery } from './playground';

const browser = browserOfThisFile();

test.each([
  ['anonymous', 'Anonymous'],
  ['student', 'Student'],
  ['teacher', 'Teacher'],
  ['admin', 'Admin'],
])('the operations of the viewer %s have variables that work on the seed data', async (viewer, label) => {
  const { page, errors } = await openEditor(browser());
  await signInAs(page, label);
  // What needs something that no sample has, such as the token of a mail, says so.
  const own = operations.filter(
    ({ viewers, document }) => viewers[0] === viewer && !/^# Needs: /m.test(document),
  );
  expect(own.length).toBeGreaterThan(2);

  for (const { name, document } of own) {
    const list = page.getByRole('region', { name: 'Operations', exact: true });
    await list.getByRole('button', { name: new RegExp(`^${name}\\b`) }).click();
    await storedQuery(page, ` ${name}`);
    const variables = await page.locator('.graphiql-editor-tool .view-lines').first().textContent();
    expect({ name, variables }).toEqual({ name, variables: expect.not.stringContaining('{{') });

    // Mutations are covered by the server's tests: the data here are shared.
    if (!/^query /m.test(document)) continue;
    expect({ name, errors: (await run(page)).errors }).toEqual({ name, errors: undefined });
  }
  expect(errors).toEqual([]);
});
