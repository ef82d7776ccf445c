import { afterEach, expect, test, vi } from 'vitest';
import { errorCodes, send, sendMeasured } from './send';

afterEach(() => vi.unstubAllGlobals());

function answerWith(lastResponse: () => Response) {
  const fetch = vi.fn(async (_url: string, _init: RequestInit) => lastResponse());
  vi.stubGlobal('fetch', fetch);
  return fetch;
}

test('an operation is posted as JSON to this origin', async () => {
  const fetch = answerWith(() => Response.json({ data: { me: null } }));

  const response = await send({ query: '{ me { id } }' }, { authorization: 'Bearer abc' });

  const [url, init] = fetch.mock.calls[0] ?? [];
  const headers = new Headers(init?.headers);
  expect(url).toBe('/graphql');
  expect(headers.get('authorization')).toBe('Bearer abc');
  expect(headers.get('content-type')).toBe('application/json');
  expect(response.data).toEqual({ me: null });
});

test('a response is measured in bytes, not characters', async () => {
  const text = '{"data":{"me":{"name":"Zoë 学"}}}';
  answerWith(() => new Response(text));

  const { response, bytes } = await sendMeasured({ query: '{ me { name } }' });

  expect(bytes).toBe(text.length + 3);
  expect(response.data).toEqual({ me: { name: 'Zoë 学' } });
});

test('a response that is not JSON is reported', async () => {
  answerWith(() => new Response('<h1>Bad gateway</h1>', { status: 502 }));

  await expect(send({ query: '{ me { id } }' })).rejects.toThrow('502');
});

test('an unreachable server is reported', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed')));

  await expect(send({ query: '{ me { id } }' })).rejects.toThrow('is unreachable');
});

test('error codes are distinct', () => {
  const forbidden = { message: 'no', extensions: { code: 'FORBIDDEN' } };

  expect([...errorCodes({ errors: [forbidden, forbidden, { message: 'uncoded' }] })]).toEqual(['FORBIDDEN']);
});
