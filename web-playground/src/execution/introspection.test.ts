import { expect, test } from 'vitest';
import { sortTypes } from './introspection';

test('types are listed by name, whatever order they came in', () => {
  const schema = {
    queryType: { name: 'Query' },
    types: [{ name: 'User' }, { name: 'Course' }, { name: 'ID' }],
  };

  expect(sortTypes({ data: { __schema: schema } })).toEqual({
    data: { __schema: { ...schema, types: [{ name: 'Course' }, { name: 'ID' }, { name: 'User' }] } },
  });
});

test('an answer without a schema stays as it is', () => {
  const refused = { errors: [] };

  expect(sortTypes(refused)).toBe(refused);
});
