import { expect, test } from 'vitest';
import { eventLine } from './event-line';

test('an event is shown with its id last', () => {
  const data = { notificationAdded: { id: '1', type: 'ENROLLMENT', title: 'You are enrolled' } };

  expect(eventLine({ data })).toBe('{"type":"ENROLLMENT","title":"You are enrolled","id":"1"}');
});

test('errors, and values that are not objects, are unchanged', () => {
  expect(eventLine({ data: null, errors: [{ message: 'no' }] })).toBe('[{"message":"no"}]');
  expect(eventLine({ data: { tick: 3 } })).toBe('3');
  expect(eventLine({ data: null })).toBe('null');
});

test('a long one is truncated', () => {
  expect(eventLine({ data: { body: 'x'.repeat(500) } })).toHaveLength(140);
});
