import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MEANINGS } from './meanings';

/** The part of the router that decides which codes clients get to see. */
function publicForms(): string {
  const source = readFileSync('../router/src/plugins/errors.rs', 'utf8');
  const begin = source.indexOf('fn public(');
  return source.slice(begin, source.indexOf('\n}\n', begin));
}

function publicCodes(): string[] {
  const arms = publicForms().replaceAll(/\/\/.*/g, '');
  const kept = [...arms.matchAll(/((?:\s*\|?\s*"[A-Z_]+")+)\s*=> Public::AsIs/g)].map((arm) => arm[1]);
  const given = [...arms.matchAll(/Public::(?:Code|Says|Status)\(([^"]*"[A-Z_]+")/g)].map((arm) => arm[1]);
  const codes = [...kept, ...given].flatMap((text) => text?.match(/[A-Z]+_[A-Z_]+|[A-Z]{6,}/g) ?? []);
  return [...new Set(codes)].filter((code) => !/^(UNAUTHORIZED|UNSUPPORTED_MEDIA_TYPE)$/.test(code)).sort();
}

test('every code that the router gives out is explained, and no other', () => {
  expect(publicCodes()).toContain('UNAUTHENTICATED');
  expect(Object.keys(MEANINGS).sort()).toEqual(publicCodes());
});
