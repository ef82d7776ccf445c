import { beforeAll, expect, test, vi } from 'vitest';
import type { fillPlaceholders as FillPlaceholders } from './placeholders';

let fillPlaceholders: typeof FillPlaceholders;

beforeAll(async () => {
  vi.stubGlobal('sessionStorage', { getItem: () => null, setItem: () => {}, removeItem: () => {} });
  ({ fillPlaceholders } = await import('./placeholders'));
});

test('each placeholder is replaced everywhere, and looked up once', async () => {
  const firstCourseId = vi.fn(async () => 'c1');

  const filled = await fillPlaceholders('{"a": "{{firstCourseId}}", "b": "{{firstCourseId}}"}', {
    firstCourseId,
  });

  expect(JSON.parse(filled)).toEqual({ a: 'c1', b: 'c1' });
  expect(firstCourseId).toHaveBeenCalledOnce();
});

test('a value is escaped for JSON', async () => {
  const filled = await fillPlaceholders('{"a": "{{name}}"}', { name: async () => 'says "hi"\n' });

  expect(JSON.parse(filled)).toEqual({ a: 'says "hi"\n' });
});

test('a placeholder that is unknown, empty or fails is kept', async () => {
  const variables = '{"a": "{{unknown}}", "b": "{{empty}}", "c": "{{broken}}"}';

  const filled = await fillPlaceholders(variables, {
    empty: async () => undefined,
    broken: () => Promise.reject(new Error('away')),
  });

  expect(filled).toBe(variables);
});
