import { expect, test } from 'vitest';
import { findSampleUser, readSettings } from './playground-settings';

const student = { label: 'Student', email: 'student@example.com', password: 'secret-enough' };

test('a development server has sample users', () => {
  expect(readSettings({ development: true, samples: [student] })).toEqual({
    development: true,
    diagnostics: 'nobody',
    samples: [student],
  });
});

test('any other server has none', () => {
  const nothing = { development: false, diagnostics: 'nobody', samples: [] };
  expect(readSettings({ development: false, samples: [student] })).toEqual(nothing);
  expect(readSettings({ samples: [student] })).toEqual(nothing);
  expect(readSettings(null)).toEqual(nothing);
});

test('an incomplete sample user is left out', () => {
  const { samples } = readSettings({ development: true, samples: [student, { label: 'Teacher' }, null] });
  expect(samples).toEqual([student]);
});

test('a sample user is found by label in any letter case', () => {
  expect(findSampleUser([student], 'student')).toBe(student);
});

test('the server decides who may request plans and traces', () => {
  expect(readSettings({ development: true, diagnostics: 'everyone' }).diagnostics).toBe('everyone');
  expect(readSettings({ diagnostics: 'admins' }).diagnostics).toBe('admins');
  expect(readSettings({ diagnostics: 'anybody' }).diagnostics).toBe('nobody');
});
