import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** In pixels. */
const DISTANCES = [0, 2, 4, 8, 12, 16, 20, 24];
const TYPE_SIZES = [12, 13, 14, 16, 20];
const FAMILIES = ['inherit', 'var(--sans)', 'var(--mono)'];

const STYLES = 'src';
const declarations = readdirSync(STYLES, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.css'))
  .flatMap((name) => {
    const text = readFileSync(join(STYLES, name), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
    return [...text.matchAll(/([\w-]+):\s*([^;{}]+);/g)].map(([, property = '', value = '']) => ({
      name,
      property,
      value: value.replaceAll(/\s+/g, ' '),
    }));
  });

const describe = ({ name, property, value }: (typeof declarations)[number]) =>
  `${name}: ${property}: ${value}`;
const pixels = (value: string) => [...value.matchAll(/([\d.]+)px/g)].map(([, number]) => Number(number));

test('there are styles', () => {
  expect(declarations.length).toBeGreaterThan(500);
});

test('distances are of one scale', () => {
  const distances = declarations.filter(({ property }) => /^(padding|margin|gap|\w+-gap)\b/.test(property));
  const others = distances.filter(({ value }) => pixels(value).some((one) => !DISTANCES.includes(one)));
  expect(others.map(describe)).toEqual([]);
});

test('sizes of type are of one scale', () => {
  const sizes = declarations.filter(({ property }) => /^(font|font-size|--font-size-.*)$/.test(property));
  const others = sizes.filter(({ property, value }) => {
    // In `13px / 18px`, the second one is the height of a line; a size of 0 hides a text.
    const [size = 0] = pixels(property === 'font' ? value.replace(/ \/ [\w.]+/, '') : value);
    return size > 0 && !TYPE_SIZES.includes(size);
  });
  expect(others.map(describe)).toEqual([]);
});

test('there is one family of type, and its monospaced companion', () => {
  const families = declarations.filter(({ property }) =>
    /^(font|font-family|--font-family.*)$/.test(property),
  );
  const others = families.filter(({ value }) => !FAMILIES.some((family) => value.endsWith(family)));
  expect(others.map(describe)).toEqual([]);
});
