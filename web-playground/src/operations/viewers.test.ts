import { expect, test } from 'vitest';
import { describeViewers, isFor, viewersOf } from './viewers';

test('an operation says whom it is for', () => {
  expect(viewersOf('# Screen: x\n# Viewer: student, teacher\n{ a }')).toEqual(['student', 'teacher']);
  expect(viewersOf('{ a }')).toEqual([]);
});

test('it makes sense for them, for anybody where nobody need sign in, and where it does not say', () => {
  expect(isFor(['student'], 'STUDENT')).toBe(true);
  expect(isFor(['student'], 'ADMIN')).toBe(false);
  expect(isFor(['student'], undefined)).toBe(false);
  expect(isFor(['anonymous', 'student'], undefined)).toBe(true);
  expect(isFor([], undefined)).toBe(true);
});

test('viewers are described in words', () => {
  expect(describeViewers(['student', 'admin'])).toBe('a student or an admin');
});
