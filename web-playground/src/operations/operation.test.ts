import { expect, test } from 'vitest';
import { operations } from './all';
import descriptions from './descriptions.json';
import { groupOperations } from './operation';

test('each operation is described for a stranger, in a sentence', () => {
  expect(Object.keys(descriptions).sort()).toEqual(operations.map(({ name }) => name).sort());
  for (const { description } of operations) expect(description).toMatch(/^[A-Z].*\.$/);
});

test('each operation is in one group, whoever is signed in', () => {
  for (const role of [undefined, 'STUDENT', 'TEACHER', 'ADMIN']) {
    const names = groupOperations(operations, role, '').flatMap((group) =>
      group.operations.map(({ name }) => name),
    );
    expect(names.sort()).toEqual(operations.map(({ name }) => name).sort());
  }
});

test('an operation of several kinds of viewer is listed for the one who is signed in', () => {
  const [first] = groupOperations(operations, 'ADMIN', '');
  expect(first?.title).toBe('Admins');
  expect(first?.operations.map(({ name }) => name)).toContain('MyProfile');
});
