import { expect, test } from 'vitest';
import { readMails } from './mails';

const mail = {
  id: '1',
  recipient: 'ada@example.com',
  subject: 'Hello',
  body: 'Ada',
  createdAt: '2026-01-31T12:00:00Z',
};

test('mails are read, and what is none is left out', () => {
  expect(readMails([mail, { ...mail, body: null }, null, 'mail'])).toEqual([mail]);
  expect(readMails([])).toEqual([]);
});

test('a server without a mailbox has no mails', () => {
  for (const nothing of [null, {}, 'mails', undefined]) expect(readMails(nothing)).toBeNull();
});
