import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { expect, test } from 'vitest';
import { selectedParts } from './operation-way';

const schema = buildSchema(readFileSync('../api.graphql', 'utf8'), { assumeValid: true });

test('the types and fields on the way of an operation are found, also in fragments', () => {
  const parts = selectedParts(
    '{ me { ...F } } fragment F on User { name courses(first: 1) { nodes { title } } }',
    schema,
  );

  expect([...parts].sort()).toEqual([
    'Course',
    'Course.title',
    'CourseConnection',
    'CourseConnection.nodes',
    'Query',
    'Query.me',
    'User',
    'User.courses',
    'User.name',
  ]);
});

test('what the schema does not have is left out, and an invalid document selects nothing', () => {
  expect([...selectedParts('{ me { nickname } nonsense }', schema)]).toEqual(['Query', 'Query.me']);
  expect(selectedParts('{ me {', schema).size).toBe(0);
});
