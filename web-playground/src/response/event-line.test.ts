import { expect, test } from 'vitest';
import { eventLine } from './event-line';

test('an event is told by what it says, and its id comes last', () => {
  const data = { notificationAdded: { id: '1', type: 'ENROLLMENT', title: 'You are enrolled' } };

  expect(eventLine({ data })).toBe('{"type":"ENROLLMENT","title":"You are enrolled","id":"1"}');
});

test('errors, and what is no object, stand as they came', () => {
  expect(eventLine({ data: null, errors: [{ message: 'no' }] })).toBe('[{"message":"no"}]');
  expect(eventLine({ data: { tick: 3 } })).toBe('3');
  expect(eventLine({ data: null })).toBe('null');
});

test('a long one is cut', () => {
  expect(eventLine({ data: { body: 'x'.repeat(500) } })).toHaveLength(140);
});
