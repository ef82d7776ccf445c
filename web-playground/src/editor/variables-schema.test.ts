import { expect, test } from 'vitest';
import { withoutDefaults } from './variables-schema';

const schema = { type: 'object', required: ['order', 'first'] };

test('a variable with a default value is not required', () => {
  const document = 'query($order: Order! = NEWEST, $first: Int!) { a }';

  expect(withoutDefaults(schema, document)).toEqual({ ...schema, required: ['first'] });
});

test('a document that cannot be parsed changes nothing', () => {
  expect(withoutDefaults(schema, 'query(')).toEqual(schema);
  expect(withoutDefaults({ type: 'object' }, '{ a }')).toEqual({ type: 'object' });
});
