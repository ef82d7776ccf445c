import { beforeAll, expect, test, vi } from 'vitest';

let environments: typeof import('./environments');
const stored = new Map<string, string>();

beforeAll(async () => {
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
  environments = await import('./environments');
});

const STAGE = {
  name: 'stage',
  variables: { course: 'c"1', apiToken: 'secret' },
  headers: { Authorization: 'Bearer {{apiToken}}', 'x-stage': 'yes' },
};

test('values are filled in and escaped; others are kept', () => {
  const tab = {
    query: '{ a }',
    variables: '{"id": "{{course}}", "other": "{{unknown}}"}',
    headers: '',
    extensions: '{"for": "{{course}}"}',
  };

  const filled = environments.applyEnvironment(tab, STAGE);

  expect(JSON.parse(filled.variables)).toEqual({ id: 'c"1', other: '{{unknown}}' });
  expect(JSON.parse(filled.extensions)).toEqual({ for: 'c"1' });
});

test('headers are added, and those of the tab win, whatever their letter case', () => {
  const filled = environments.applyEnvironment(
    { query: '', variables: '', headers: '{"X-Stage": "no"}', extensions: '' },
    STAGE,
  );

  expect(JSON.parse(filled.headers)).toEqual({ authorization: 'Bearer secret', 'x-stage': 'no' });
});

test('secrets are used, and not stored', () => {
  environments.saveEnvironment(STAGE, '');

  expect(environments.activeEnvironment()).toEqual(STAGE);
  expect([...stored.values()].join()).toContain('x-stage');
  expect([...stored.values()].join()).not.toContain('secret');
  expect([...stored.values()].join()).not.toContain('Bearer');
});
