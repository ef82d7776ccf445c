import { expect, test } from 'vitest';
import { sortTypes } from './introspection';

test('types are sorted by name', () => {
  const schema = {
    queryType: { name: 'Query' },
    types: [{ name: 'User' }, { name: 'Course' }, { name: 'ID' }],
  };

  expect(sortTypes({ data: { __schema: schema } })).toEqual({
    data: { __schema: { ...schema, types: [{ name: 'Course' }, { name: 'ID' }, { name: 'User' }] } },
  });
});

test('a response without a schema is unchanged', () => {
  const refused = { errors: [] };

  expect(sortTypes(refused)).toBe(refused);
});
