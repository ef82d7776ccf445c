import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { addField } from './add-field';
import { pathText, reachableFields, searchFields } from './fields';

const schema = buildSchema(`
  type Query { me: User course(id: ID!): Course search(text: String!, first: Int = 20): [Found!]! }
  type Mutation { "Signs out." logout(all: Boolean): Boolean! }
  type User { id: ID! enrollments(first: Int, last: Int): Enrollments! }
  type Enrollments { nodes: [Enrollment!]! totalCount: Int }
  type Enrollment { id: ID! "How far the student has got." status: String! }
  type Course { id: ID! title: String! }
  union Found = Course | Lesson
  type Lesson { "In minutes." duration: Int }
`);
const fields = reachableFields(schema);
const find = (text: string) => {
  const [found] = searchFields(fields, text);
  if (!found) throw new Error(`There is no ${text}.`);
  return found;
};
const add = (document: string, text: string, values: Record<string, string> = {}, name?: string) => {
  const added = addField(document, name, find(text), values);
  expect(validate(schema, parse(added))).toEqual([]);
  return added.replaceAll(/\s+/g, ' ').trim();
};

test('the fields of all types are found, by name, way, type and description', () => {
  expect(pathText(find('status').path)).toBe('me.enrollments.nodes.status');
  expect(pathText(find('enrollments total').path)).toBe('me.enrollments.totalCount');
  expect(pathText(find('how far').path)).toBe('me.enrollments.nodes.status');
  expect(pathText(find('minutes').path)).toBe('search.Lesson:duration');
  expect(find('logout').operation).toBe('mutation');
  expect(find('status').type).toBe('String!');
  expect(find('search').args.map(({ name, type }) => `${name}: ${type}`)).toEqual([
    'text: String!',
    'first: Int',
  ]);
  expect(searchFields(fields, 'nothing like it')).toEqual([]);
  expect(searchFields(fields, ' ')).toEqual([]);
});

describe('a field is added to the operation', () => {
  test('with what leads to it, beside what is there', () => {
    expect(add('query Home { me { id } }', 'status')).toBe(
      'query Home { me { id enrollments { nodes { status } } } }',
    );
    expect(add('{ me { enrollments(first: 3) { totalCount } } }', 'status')).toBe(
      '{ me { enrollments(first: 3) { totalCount nodes { status } } } }',
    );
  });

  test('with its arguments; those that are required become variables', () => {
    expect(add('', 'enrollments', { first: '5' })).toBe(
      'query Me { me { enrollments(first: 5) { __typename } } }',
    );
    expect(add('', 'title')).toBe('query Course($id: ID!) { course(id: $id) { title } }');
    expect(add('{ me { enrollments(first: 3) { totalCount } } }', 'enrollments', { first: '9' })).toBe(
      '{ me { enrollments(first: 9) { totalCount } } }',
    );
    expect(() => add('', 'enrollments', { first: '{' })).toThrow('The value of first is not one of GraphQL');
  });

  test('of the type that has it', () => {
    expect(add('', 'minutes')).toBe(
      'query Search($text: String!) { search(text: $text) { ... on Lesson { duration } } }',
    );
  });

  test('of the same kind, and the one at the cursor', () => {
    expect(add('query A { me { id } } query B { me { id } }', 'total', {}, 'B')).toBe(
      'query A { me { id } } query B { me { id enrollments { totalCount } } }',
    );
    expect(add('query A { me { id } }', 'logout', { all: 'true' })).toBe(
      'query A { me { id } } mutation Logout { logout(all: true) }',
    );
  });
});
