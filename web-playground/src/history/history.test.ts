import { beforeAll, beforeEach, expect, test, vi } from 'vitest';

let history: typeof import('./history');
const stored = new Map<string, string>();

beforeAll(async () => {
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
  history = await import('./history');
});

beforeEach(() => {
  stored.clear();
  history.useHistory.setState({ entries: [] });
});

const names = () => history.useHistory.getState().entries.map(({ name }) => name);
const record = (name: string, variables = '', extensions = '', viewer = '') =>
  history.recordRun({ name, query: `query ${name} { a }`, variables, extensions, viewer });

test('the same run moves to the top, and others stay', () => {
  record('One');
  record('Two');
  record('One');
  record('One', '{"b": 1}');
  record('One', '{"b": 1}', '{"tenant": "a"}');

  expect(names()).toEqual(['One', 'One', 'One', 'Two']);
  expect(history.searchHistory(history.useHistory.getState().entries, 'tenant')).toHaveLength(1);
});

test('the history is limited, but favorites are kept', () => {
  record('First');
  const [first] = history.useHistory.getState().entries;
  history.changeEntry(first?.id ?? '', { isFavorite: true, name: 'Kept' });
  for (let number = 0; number < 120; number += 1) record(`Run${number}`);

  expect(names()).toHaveLength(101);
  expect(names()).toContain('Kept');
  history.clearHistory('');
  expect(names()).toEqual(['Kept']);
});

test('all words must occur, in the name, the operation or the variables; favorites come first', () => {
  record('Courses', '{"level": "BEGINNER"}');
  record('Payments');
  const { entries } = history.useHistory.getState();

  expect(history.searchHistory(entries, 'beginner COURSES').map(({ name }) => name)).toEqual(['Courses']);
  expect(history.searchHistory(entries, 'beginner payments')).toEqual([]);
  expect(history.searchHistory(entries, ' ')).toHaveLength(2);
});

test('each user sees their own runs, and those of nobody', () => {
  record('Public');
  record('Mine', '', '', 'ada');
  record('Theirs', '', '', 'bob');
  const seenBy = (viewer: string) =>
    history.entriesFor(history.useHistory.getState().entries, viewer).map(({ name }) => name);

  expect(seenBy('ada')).toEqual(['Mine', 'Public']);
  expect(seenBy('')).toEqual(['Public']);
  history.clearHistory('ada');
  expect(names()).toEqual(['Theirs']);
});

test('what another tab has stored is kept', () => {
  record('Here');
  const [entry] = history.useHistory.getState().entries;
  stored.set('lyceum:history', JSON.stringify([{ ...entry, id: 'there', name: 'There' }, entry]));

  record('Next');

  expect(names()).toEqual(['Next', 'There', 'Here']);
});

test('no secret is stored', () => {
  record('SignIn', '{"password": "sesame"}');

  expect([...stored.values()].join()).toContain('SignIn');
  expect([...stored.values()].join()).not.toContain('sesame');
});
