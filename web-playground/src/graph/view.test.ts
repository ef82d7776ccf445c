import { expect, test } from 'vitest';
import { centerOn, fitView, isVisible, pan, zoomAt } from './view';

const frame = { width: 424, height: 324 };

test('a drawing that fits is shown at full scale, at the top', () => {
  expect(fitView({ width: 200, height: 100 }, frame, 0.5)).toEqual({ scale: 1, x: 112, y: 12 });
});

test('a larger one is scaled down', () => {
  expect(fitView({ width: 800, height: 100 }, frame, 0)).toEqual({ scale: 0.5, x: 12, y: 12 });
});

test('a drawing that is shown in full leaves room for the buttons', () => {
  const { y, scale } = fitView({ width: 100, height: 800 }, frame, 0);

  expect(y + 800 * scale).toBe(frame.height - 12 - 40);
});

test('a drawing that would be unreadable starts at its top left', () => {
  expect(fitView({ width: 8000, height: 4000 }, frame, 0.6)).toEqual({ scale: 0.6, x: 12, y: 12 });
});

test('zooming keeps the point under the pointer', () => {
  const place = { x: 100, y: 50 };
  const before = { scale: 1, x: 20, y: 30 };
  const after = zoomAt(before, 2, place);

  const seen = (view: typeof before) => [(place.x - view.x) / view.scale, (place.y - view.y) / view.scale];
  expect(after.scale).toBe(2);
  expect(seen(after)).toEqual(seen(before));
});

test('the scale is limited', () => {
  expect(zoomAt({ scale: 1, x: 0, y: 0 }, 1000, { x: 0, y: 0 }).scale).toBe(3);
  expect(zoomAt({ scale: 1, x: 0, y: 0 }, 0, { x: 0, y: 0 }).scale).toBe(0.15);
});

test('an area can be centered', () => {
  const place = { x: 90, y: 80, width: 20, height: 40 };
  expect(centerOn(place, { scale: 1, x: 0, y: 0 }, frame)).toEqual({ scale: 1, x: 112, y: 62 });
  expect(pan({ scale: 1, x: 1, y: 2 }, 3, 4)).toEqual({ scale: 1, x: 4, y: 6 });
});

test('an area is visible when it is completely in the frame', () => {
  const place = { x: 100, y: 200, width: 200, height: 50 };

  expect(isVisible({ scale: 1, x: 0, y: 0 }, place, frame)).toBe(true);
  expect(isVisible({ scale: 1, x: 0, y: 80 }, place, frame)).toBe(false);
  expect(isVisible({ scale: 1, x: -101, y: 0 }, place, frame)).toBe(false);
  expect(isVisible({ scale: 2, x: -100, y: -350 }, place, frame)).toBe(false);
});
