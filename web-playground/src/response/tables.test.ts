import { expect, test } from 'vitest';
import { findTables, sortRows, toCsv } from './tables';

const DATA = {
  courses: {
    totalCount: 2,
    nodes: [
      { id: 'a', teacher: { name: 'Ada' }, price: '9.50', tags: ['x', 'y'], lessons: [{ n: 1 }] },
      { id: 'b', teacher: null, price: '10.00', tags: [], lessons: [{ n: 2 }, { n: 3 }] },
    ],
  },
};

test('each list is a table, with the fields of objects as columns; lists in lists are joined', () => {
  const [longest, other] = findTables(DATA);

  expect(longest).toEqual({
    path: 'courses.nodes.lessons',
    columns: ['n'],
    rows: [{ n: 1 }, { n: 2 }, { n: 3 }],
  });
  expect(other?.path).toBe('courses.nodes');
  expect(other?.columns).toEqual(['id', 'teacher.name', 'price', 'tags', 'lessons', 'teacher']);
  expect(other?.rows[0]).toMatchObject({ 'teacher.name': 'Ada', tags: 'x, y', lessons: '1 item' });
});

test('a response without a list of objects has no table', () => {
  expect(findTables({ me: { name: 'Ada', tags: ['x'] } })).toEqual([]);
  expect(findTables(null)).toEqual([]);
});

test('rows are sorted by value, with what is null last, either way', () => {
  const rows = [{ price: '10.00' }, { price: null }, { price: '9.50' }];

  expect(sortRows(rows, 'price', false).map(({ price }) => price)).toEqual(['9.50', '10.00', null]);
  expect(sortRows(rows, 'price', true).map(({ price }) => price)).toEqual(['10.00', '9.50', null]);
});

test('CSV quotes what it must, and runs no formula in a spreadsheet', () => {
  const rows = [
    { a: 'x,"y"', b: '=1+1', c: -5 },
    { a: 'two\nlines', b: null, c: '-5.0' },
  ];

  expect(toCsv({ columns: ['a', 'b', 'c'], rows })).toBe(
    'a,b,c\r\n"x,""y""",\'=1+1,-5\r\n"two\nlines",,-5.0\r\n',
  );
});
