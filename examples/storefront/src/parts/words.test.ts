import { expect, test } from 'vitest';
import { ago, deviceName, duration, euros, lastMonths, monthName, price, students } from './words';

test('prices are as they are said', () => {
  expect(euros('49.90')).toBe('€49.90');
  expect(euros('1250.00')).toBe('€1,250');
  expect(price({ isFree: true, price: null })).toBe('Free');
  expect(price({ isFree: false, price: '5.00' })).toBe('€5');
});

test('durations have hours and minutes, where there are any', () => {
  expect([45, 60, 285].map(duration)).toEqual(['45 min', '1 h', '4 h 45 min']);
});

test('one student is no students', () => {
  expect([0, 1, 2, 1200].map(students)).toEqual(['0 students', '1 student', '2 students', '1,200 students']);
  expect(students(null)).toBe('');
});

test('times are relative for a week', () => {
  const now = Date.parse('2026-03-10T12:00:00Z');
  expect(ago('2026-03-10T11:59:50Z', now)).toBe('just now');
  // A clock that is a little behind the server's.
  expect(ago('2026-03-10T12:00:05Z', now)).toBe('just now');
  expect(ago('2026-03-10T11:57:00Z', now)).toBe('3 minutes ago');
  expect(ago('2026-03-09T12:00:00Z', now)).toBe('yesterday');
  expect(ago('2026-02-01T12:00:00Z', now)).toBe('1 February 2026');
});

test('the last months end with this one, in UTC, also over the year', () => {
  expect(lastMonths(3, new Date('2026-01-31T23:59:59Z'))).toEqual(['2025-11', '2025-12', '2026-01']);
  expect(monthName('2026-01')).toBe('Jan');
});

test('a device has the name that people call it', () => {
  const chrome =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36';
  const iphone =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1';
  expect(deviceName(chrome)).toBe('Chrome on Linux');
  expect(deviceName(iphone)).toBe('Safari on iPhone');
  expect(deviceName('curl/8.5.0')).toBe('curl/8.5.0');
  expect(deviceName(null)).toBe('An unknown device');
});
