import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { SNIPPETS, type SnippetRequest, snippet } from './snippets';

const REQUEST: SnippetRequest = {
  url: 'http://localhost:4000/graphql',
  query:
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what a template literal would take for its own.
    'query Find($text: String) {\n  courses(filter: { search: $text }) { totalCount } # it\'s `code` ${here} \\ "x"\n}',
  variables: { text: "it's" },
  operationName: 'Find',
  extensions: { tenant: "o'reilly" },
  isSubscription: false,
  headers: { 'x-request-id': "o'clock" },
  token: undefined,
};

test('cURL gets the arguments as they are, whatever quotes are in them', () => {
  const code = snippet('curl', REQUEST).replace(/^curl/, 'printf "%s\\0"');
  const parts = execFileSync('sh', ['-c', code]).toString().split('\0');

  expect(parts).toContain("x-request-id: o'clock");
  const body = JSON.parse(parts[parts.indexOf('--data-raw') + 1] ?? '');
  const { query, variables, operationName, extensions } = REQUEST;
  expect(body).toEqual({ query, variables, operationName, extensions });
});

test('fetch sends the same', async () => {
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
  const calls: [string, RequestInit][] = [];
  const fakeFetch = async (url: string, init: RequestInit) => {
    calls.push([url, init]);
    return { json: async () => ({ data: null }) };
  };
  await new AsyncFunction('fetch', snippet('fetch', REQUEST))(fakeFetch);

  const [url, init] = calls[0] ?? [];
  expect(url).toBe(REQUEST.url);
  const { query, variables, operationName, extensions } = REQUEST;
  expect(JSON.parse(String(init?.body))).toEqual({ query, variables, operationName, extensions });
});

describe.each(SNIPPETS.map(({ id }) => id))('%s', (id) => {
  test('has the token only when it is given', () => {
    expect(snippet(id, REQUEST)).not.toContain('Bearer ey');
    expect(snippet(id, { ...REQUEST, token: 'ey.secret' })).toContain('Bearer ey.secret');
  });

  test('has the extensions, or says that they are missing', () => {
    expect(snippet(id, REQUEST)).toMatch(/o'\\?'?'?reilly|extensions are left out/);
    expect(snippet(id, { ...REQUEST, extensions: undefined })).not.toContain('extensions');
  });

  test('writes something for a subscription', () => {
    const query = 'subscription { notificationAdded { id } }';
    expect(snippet(id, { ...REQUEST, query, isSubscription: true }).trim()).not.toBe('');
  });
});
