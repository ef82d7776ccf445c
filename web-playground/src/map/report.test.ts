import { describe, expect, test } from 'vitest';
import checked from '../../tests/browser/fixtures/schema-check-report.json?raw';
import { graphTypes } from '../graph/supergraph';
import { changeGraph, partMark } from './changed-graph';
import { layOutMap } from './layout';
import { readReport } from './report';

const finding = {
  section: 'changes',
  severity: 'error',
  kind: 'FIELD_REMOVED',
  level: 'breaking',
  path: 'Course.title',
  message: "Field 'title' was removed",
  affected: [],
};
const report = (...findings: object[]) => ({
  version: 1,
  verdict: 'failed',
  against: 'main',
  operations: 1,
  findings,
  plans: [],
  skippedChecks: [],
});
const read = (...findings: object[]) => readReport(JSON.stringify(report(...findings)));

describe('a report', () => {
  test('of the check has its changes, the operations that they affect, and what else was found', () => {
    const { verdict, against, operations, changes, others } = readReport(checked);

    expect({ verdict, against, operations }).toMatchObject({ verdict: 'failed', operations: 83 });
    expect(changes.map(({ path, action, level }) => `${path} ${action} ${level}`)).toEqual([
      'Course.durationMinutes removed breaking',
      'CourseFilter.teacherId removed breaking',
      'PaymentStatus.DISPUTED added dangerous',
      'Course.recommendations added safe',
      'Course.slug added safe',
      'Recommendation added safe',
    ]);
    expect(changes[1]?.affected.map(({ name, sender }) => [name, sender])).toContainEqual([
      'PublishedCourses',
      'identity',
    ]);
    expect(others.map(({ kind }) => kind)).toContain('INVALID_OPERATION');
  });

  test('leads from an argument to its field, and from a directive nowhere', () => {
    const paths = ['Query.courses.first', '@tag', 'schema', 'contract public'];

    const { changes } = read(...paths.map((path) => ({ ...finding, kind: 'FIELD_ARGUMENT_REMOVED', path })));

    expect(changes.map(({ type, field, action }) => [type, field, action])).toEqual([
      ['Query', 'courses', 'changed'],
      ['', undefined, 'changed'],
      ['', undefined, 'changed'],
      ['', undefined, 'changed'],
    ]);
  });

  test('has why a change was approved, and how often an operation was sent', () => {
    const operation = { name: 'Catalogue', id: '1', file: 'a.graphql', viewer: 'student', requests: 12 };

    const [change] = read({
      ...finding,
      approval: { reason: 'Nobody reads it.' },
      affected: [operation],
    }).changes;

    expect(change?.approval).toBe('Nobody reads it.');
    expect(change?.affected).toEqual([{ name: 'Catalogue', sender: 'student', requests: 12 }]);
  });

  test('may have had nothing to compare with', () => {
    expect(readReport(JSON.stringify({ ...report(), against: null })).against).toBeUndefined();
  });

  test.each([
    ['no JSON', 'schema {', 'The file is not JSON'],
    ['JSON of something else', '{"data":{}}', 'not the report of a schema check'],
    ['a list', '[]', 'not the report of a schema check'],
    ['null', 'null', 'not the report of a schema check'],
    ['a later format', JSON.stringify({ ...report(), version: 2 }), 'has version 2'],
    ['a verdict of no check', JSON.stringify({ ...report(), verdict: 'fine' }), '`verdict`'],
    [
      'findings that are no list',
      JSON.stringify({ ...report(), findings: {} }),
      '`findings` should be a list',
    ],
    ['a finding that is none', JSON.stringify(report(finding, [])), '`findings[1]` should be an object'],
    ['a path that is no text', JSON.stringify(report({ ...finding, path: 3 })), '`findings[0].path`'],
    ['an unknown level', JSON.stringify(report({ ...finding, level: 'bad' })), '`findings[0].level`'],
    [
      'an operation without a name',
      JSON.stringify(report({ ...finding, affected: [{}] })),
      '`findings[0].affected[0].name`',
    ],
  ])('is not %s', (_what, text, message) => {
    expect(() => readReport(text)).toThrow(message);
  });
});

describe('a changed graph', () => {
  const { types, marks } = changeGraph(graphTypes, readReport(checked).changes);
  const typeNamed = (name: string) => types.find((type) => type.name === name);

  test('has what is added, in the subgraph whose file has it, and what is removed', () => {
    expect(typeNamed('Course')?.fields.find(({ name }) => name === 'slug')?.subgraphs).toEqual(['course']);
    expect(typeNamed('Course')?.fields.map(({ name }) => name)).toContain('durationMinutes');
    expect(typeNamed('Recommendation')).toMatchObject({ kind: 'object', subgraphs: ['course'] });
    expect(graphTypes.some(({ name }) => name === 'Recommendation')).toBe(false);
  });

  test('has what it was drawn without, whether it was drawn before or after the change', () => {
    const after = graphTypes.map((type) => ({
      ...type,
      fields: type.fields.filter(({ name }) => name !== 'durationMinutes'),
    }));

    const again = changeGraph(after, readReport(checked).changes).types;

    expect(
      again
        .find(({ name }) => name === 'Course')
        ?.fields.map(({ name }) => name)
        .sort(),
    ).toEqual(
      typeNamed('Course')
        ?.fields.map(({ name }) => name)
        .sort(),
    );
  });

  test('marks each change, and a part of a type with the worst of its fields', () => {
    expect(marks.get('Course.durationMinutes')).toEqual({ action: 'removed', level: 'breaking' });
    expect(marks.get('Recommendation')).toEqual({ action: 'added', level: 'safe' });
    const course = typeNamed('Course');
    const fields = course?.fields ?? [];
    const slug = fields.filter(({ name }) => name === 'slug');

    expect(course && partMark(course, fields, marks)).toEqual({ action: 'changed', level: 'breaking' });
    expect(course && partMark(course, slug, marks)?.level).toBe('safe');
    expect(course && partMark(course, [], marks)).toBeUndefined();
  });

  test('of several changes of a field, the worst is marked', () => {
    const { changes } = read(
      { ...finding, kind: 'FIELD_TYPE_CHANGED', level: 'dangerous' },
      { ...finding, kind: 'ACCESS_NARROWED', section: 'permissions' },
      { ...finding, kind: 'FIELD_DEPRECATION_ADDED', level: 'safe' },
    );

    expect(changeGraph(graphTypes, changes).marks.get('Course.title')).toEqual({
      action: 'changed',
      level: 'breaking',
    });
  });

  test('is drawn with the marked fields of types whose fields are not listed otherwise', () => {
    const isMarked = (type: string, field?: string) =>
      marks.has(field === undefined ? type : `${type}.${field}`);
    const { cards } = layOutMap(types, ['identity', 'course', 'payment'], 3, false, isMarked);

    const status = cards.find(({ type }) => type.name === 'PaymentStatus');
    expect(status?.fields.map(({ name }) => name)).toEqual(['DISPUTED']);
    expect(status?.isOpen).toBe(true);
    const overview = layOutMap(types, ['identity', 'course', 'payment'], 3, true, isMarked);
    expect(overview.cards.some(({ type }) => type.name === 'CourseFilter')).toBe(true);
  });
});
