import { expect, test } from 'vitest';
import { findSample, readSamples } from './playground-settings';

const student = { label: 'Student', email: 'student@example.com', password: 'secret-enough' };

test('a development server offers its samples', () => {
  expect(readSamples({ development: true, samples: [student] })).toEqual([student]);
});

test('any other server offers none', () => {
  expect(readSamples({ development: false, samples: [student] })).toEqual([]);
  expect(readSamples({ samples: [student] })).toEqual([]);
  expect(readSamples(null)).toEqual([]);
});

test('a sample that lacks something is left out', () => {
  expect(readSamples({ development: true, samples: [student, { label: 'Teacher' }, null] })).toEqual([
    student,
  ]);
});

test('a sample is found by its label in any letter case', () => {
  expect(findSample([student], 'student')).toBe(student);
});
