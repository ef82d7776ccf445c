import { readFileSync } from 'node:fs';
import { buildSchema, getOperationAST, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { operations, studentHome } from './all';
import { VIEWERS } from './operation';

const schema = buildSchema(readFileSync('../api.graphql', 'utf8'));

test('the playground opens with the student home', () => {
  expect(studentHome.document).toContain('query StudentHome');
});

describe.each(operations)('$name', ({ name, document, variables, screen, viewers }) => {
  test('is valid against the graph', () => {
    expect(validate(schema, parse(document)).map((error) => error.message)).toEqual([]);
  });

  test('holds one operation, named as its file', () => {
    expect(getOperationAST(parse(document))?.name?.value).toBe(name);
  });

  test('says which screen and viewers send it', () => {
    expect(screen).not.toBe('');
    expect(VIEWERS.map(({ viewer }) => viewer)).toEqual(expect.arrayContaining(viewers));
  });

  test('has example variables for its own variables, the required ones among them', () => {
    const given = Object.keys(JSON.parse(variables));
    const definitions = getOperationAST(parse(document))?.variableDefinitions ?? [];
    const known = definitions.map((definition) => definition.variable.name.value);
    const required = definitions
      .filter((definition) => definition.type.kind === 'NonNullType' && !definition.defaultValue)
      .map((definition) => definition.variable.name.value);

    expect(known).toEqual(expect.arrayContaining(given));
    expect(given).toEqual(expect.arrayContaining(required));
  });
});
