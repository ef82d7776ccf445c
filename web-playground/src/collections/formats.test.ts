import { describe, expect, test } from 'vitest';
import { exportCollections, importCollections } from './formats';

const QUERY = 'query Mine($first: Int) { me { name } }';

test('what is exported can be imported, without headers and secrets', () => {
  const operation = {
    name: 'Mine',
    query: QUERY,
    variables: '{"password": "sesame"}',
    headers: '{"a": "b"}',
    extensions: '{"tenant": "a", "apiToken": "sesame"}',
  };

  const text = exportCollections([{ name: 'Own', operations: [operation] }]);

  expect(text).not.toContain('sesame');
  expect(importCollections(text)).toEqual([
    {
      name: 'Own',
      operations: [
        {
          ...operation,
          variables: '{"password": ""}',
          headers: '',
          extensions: '{"tenant": "a", "apiToken": ""}',
        },
      ],
    },
  ]);
});

describe('a collection of Postman', () => {
  const request = (body: object) => ({
    method: 'POST',
    header: [
      { key: 'x-one', value: '1' },
      { key: 'x-two', value: '2', disabled: true },
    ],
    body,
    url: { raw: 'https://example.com/graphql' },
  });
  const file = {
    info: {
      name: 'Shop',
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    item: [
      {
        name: 'Me',
        request: request({ mode: 'graphql', graphql: { query: QUERY, variables: '{"first": 1}' } }),
      },
      { name: 'Ping', request: { method: 'GET', url: 'https://example.com' } },
      {
        name: 'Folder',
        item: [
          {
            name: '',
            request: request({
              mode: 'raw',
              raw: JSON.stringify({ query: QUERY, variables: { first: 2 }, extensions: { tenant: 'a' } }),
            }),
          },
        ],
      },
    ],
  };

  test('is read with its folders, variables and enabled headers; other requests are left out', () => {
    expect(importCollections(JSON.stringify(file))).toEqual([
      {
        name: 'Shop',
        operations: [
          {
            name: 'Me',
            query: QUERY,
            variables: '{"first": 1}',
            headers: '{\n  "x-one": "1"\n}',
            extensions: '',
          },
        ],
      },
      {
        name: 'Shop / Folder',
        operations: [
          {
            name: 'Mine',
            query: QUERY,
            variables: '{\n  "first": 2\n}',
            headers: '{\n  "x-one": "1"\n}',
            extensions: '{\n  "tenant": "a"\n}',
          },
        ],
      },
    ]);
  });
});

describe('a file of Altair', () => {
  const window = {
    version: 1,
    type: 'window',
    query: QUERY,
    apiUrl: 'https://example.com/graphql',
    variables: '{"first": 3}',
    subscriptionUrl: '',
    headers: [
      { key: 'x-one', value: '1', enabled: true },
      { key: '', value: '' },
    ],
    windowName: 'Window',
  };
  const operation = {
    name: 'Window',
    query: QUERY,
    variables: '{"first": 3}',
    headers: '{\n  "x-one": "1"\n}',
    extensions: '',
  };

  test('with a collection is read, with those in it', () => {
    const file = {
      version: 1,
      type: 'collection',
      title: 'Outer',
      queries: [window],
      collections: [{ title: 'Inner', queries: [window] }],
    };
    expect(importCollections(JSON.stringify(file))).toEqual([
      { name: 'Outer', operations: [operation] },
      { name: 'Outer / Inner', operations: [operation] },
    ]);
  });

  test('with one window is read, too', () => {
    expect(importCollections(JSON.stringify(window))).toEqual([{ name: 'Altair', operations: [operation] }]);
  });
});

test.each([
  ['no JSON', 'not JSON', '<html>'],
  ['something else', 'neither this page nor Postman nor Altair', '{"openapi": "3.1.0"}'],
  ['nothing', 'neither this page nor Postman nor Altair', 'null'],
  ['no operation', 'no GraphQL operation', '{"type": "collection", "queries": [{"query": 5}, null]}'],
])('a file with %s is refused with a reason', (_what, reason, text) => {
  expect(() => importCollections(text)).toThrow(reason);
});
