import { describe, expect, test } from 'vitest';
import { subgraphs } from '../graph/subgraphs';
import { graphTypes, ROOTS, readSupergraph, userErrorCodes } from '../graph/supergraph';
import { chooseLayout } from './arrange';
import { layOutMap } from './layout';
import { fieldAccess, ownerOf } from './permissions';
import { search } from './search';

const typeNamed = (name: string) => graphTypes.find((type) => type.name === name);
const fieldNamed = (type: string, field: string) =>
  typeNamed(type)?.fields.find(({ name }) => name === field);

describe('the supergraph', () => {
  test('has the subgraphs of a field, and the owner of an entity', () => {
    expect(typeNamed('User')).toMatchObject({ owner: 'identity', key: 'id' });
    expect(typeNamed('Course')).toMatchObject({ owner: 'course', key: 'id' });
    expect(fieldNamed('User', 'email')?.subgraphs).toEqual(['identity']);
    expect(fieldNamed('User', 'unreadNotificationCount')?.subgraphs).toEqual(['notification']);
    expect(fieldNamed('Course', 'enrollments')?.subgraphs).toEqual(['enrollment']);
  });

  test('keeps descriptions, arguments and types', () => {
    expect(fieldNamed('Query', 'course')).toMatchObject({
      type: 'Course',
      namedType: 'Course',
      args: [{ name: 'id', type: 'ID!' }],
    });
    expect(fieldNamed('Query', 'course')?.description).not.toBe('');
  });

  test('has descriptions in paragraphs', () => {
    const { description } = fieldNamed('Mutation', 'purchaseCourse') ?? { description: '' };

    expect(description.split('\n\n').length).toBeGreaterThan(1);
    expect(description).not.toMatch(/[^\n]\n[^\n]/);
  });

  test('has the members of a union', () => {
    const union = typeNamed('NotificationSubject');

    expect(union).toMatchObject({ kind: 'union', subgraphs: ['notification'] });
    expect(union?.fields.map(({ name }) => name).sort()).toEqual(['Course', 'Enrollment', 'Payment']);
  });

  test('has no types of federation', () => {
    expect(graphTypes.filter(({ name }) => name.includes('__'))).toEqual([]);
  });

  test('leaves out subgraphs where a field is external', () => {
    const [, type] = readSupergraph(`
      enum join__Graph { A @join__graph(name: "a", url: "") B @join__graph(name: "b", url: "") }
      enum E { X }
      type T @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
        id: ID!
        price: Int @join__field(graph: A) @join__field(graph: B, external: true)
      }
    `);

    expect(type?.fields[1]?.subgraphs).toEqual(['a']);
    expect(type?.fields[0]?.subgraphs).toEqual(['a', 'b']);
  });

  test('leaves out inaccessible fields', () => {
    const [type] = readSupergraph(`type T { id: ID! seal: String @inaccessible }`);

    expect(type?.fields.map(({ name }) => name)).toEqual(['id']);
  });

  test('has the descriptions of userError codes', () => {
    expect(userErrorCodes).toContainEqual({
      code: 'SESSION_EXPIRED',
      means: 'The session has ended; sign in again.',
    });
  });
});

describe('its drawing', () => {
  const { cards, edges, lanes, width, height } = layOutMap(graphTypes, subgraphs);

  test('shows every type', () => {
    expect(new Set(cards.map(({ type }) => type.name))).toEqual(new Set(graphTypes.map(({ name }) => name)));
  });

  test('shows every field of entities and root types once, in the lane that resolves it', () => {
    const split = graphTypes.filter(({ name, key }) => key !== '' || ROOTS.includes(name));
    for (const type of split) {
      const shown = cards.filter((card) => card.type === type).flatMap((card) => card.fields);
      expect(shown.map(({ name }) => name).sort()).toEqual(type.fields.map(({ name }) => name).sort());
    }
    const card = cards.find(({ type, subgraph }) => type.name === 'User' && subgraph === 'payment');
    expect(card?.fields.map(({ name }) => name)).toEqual(['payments', 'sales']);
  });

  test('has a lane for each subgraph, and one for shared types', () => {
    expect(lanes.map(({ subgraph }) => subgraph)).toEqual([...subgraphs, '']);
    expect(cards.find(({ type }) => type.name === 'PageInfo')?.subgraph).toBe('');
  });

  test('has no overlapping cards, and all are within its bounds', () => {
    for (const one of cards) {
      expect(one.x + one.width).toBeLessThanOrEqual(width);
      expect(one.y + one.height).toBeLessThanOrEqual(height);
      const overlapping = cards.filter(
        (other) =>
          other !== one &&
          other.x === one.x &&
          other.y < one.y + one.height &&
          one.y < other.y + other.height,
      );
      expect(overlapping).toEqual([]);
    }
  });

  test('has edges between the parts of an entity, and from fields to entities', () => {
    const parts = edges.filter(({ kind, types }) => kind === 'key' && types[0] === 'User');
    expect(parts).toHaveLength(4);
    expect(edges).toContainEqual(expect.objectContaining({ kind: 'field', types: ['Enrollment', 'Course'] }));
    for (const member of ['Course', 'Payment', 'Enrollment']) {
      expect(edges).toContainEqual(
        expect.objectContaining({ kind: 'field', types: ['Notification', member] }),
      );
    }
  });
});

describe('its drawings for panels of any size', () => {
  const drawings = [1, 2, 3, 4, 5, 6].map((columns) => layOutMap(graphTypes, subgraphs, columns));

  test('have no overlapping lanes, for any number of columns', () => {
    for (const { lanes, cards, width, height } of drawings) {
      for (const one of lanes) {
        expect(one.x + one.width).toBeLessThanOrEqual(width);
        expect(one.y + one.height).toBeLessThanOrEqual(height);
        const below = lanes.filter((other) => other !== one && other.x === one.x && other.y >= one.y);
        expect(below.every((other) => other.y > one.y + one.height)).toBe(true);
      }
      expect(cards).toHaveLength(drawings[0]?.cards.length ?? 0);
    }
  });

  test('overflow at the bottom of a narrow panel, but not its width', () => {
    const narrow = chooseLayout(drawings, { width: 320, height: 600 }, false);

    expect(narrow?.drawing).toBe(drawings[0]);
    expect((narrow?.drawing.width ?? 0) * (narrow?.minScale ?? 0)).toBeLessThanOrEqual(320);
    expect(narrow?.minScale).toBeGreaterThan(0.7);
  });

  test('are shown in full if there is room, or on request', () => {
    const laptop = chooseLayout(drawings, { width: 1360, height: 760 }, false);
    expect(laptop?.minScale).toBeGreaterThanOrEqual(0.7);
    const wall = chooseLayout(drawings, { width: 5120, height: 2880 }, false);
    expect(wall?.minScale).toBe(0);
    expect(wall?.drawing.lanes.length).toBe(6);

    const small = chooseLayout(drawings, { width: 320, height: 600 }, true);
    expect(small?.minScale).toBe(0);
    expect(small?.drawing.lanes.length).toBe(6);
  });

  test('have room for every name', () => {
    const longest = Math.max(...graphTypes.map(({ name }) => name.length));
    const types = graphTypes.flatMap(({ fields }) => fields.map(({ type }) => type.length));
    // The average width of wide characters.
    expect(longest * 7.4).toBeLessThan(264 - 22);
    expect(Math.max(...types) * 6.9).toBeLessThan(264 - 22);
  });
});

describe('who may see a field', () => {
  test('is a sentence, with exceptions', () => {
    expect(fieldAccess('User', 'email')?.means).toContain('The owner and admins');
    expect(fieldAccess('User', 'email')?.exceptions).toContainEqual({
      through: 'Mutation.login',
      means: 'Everyone.',
    });
    expect(ownerOf('User')).toBe('the user');
  });

  test('is known for every field of every entity and every operation', () => {
    const asked = graphTypes.filter(({ name, key }) => key !== '' || ROOTS.includes(name));
    const unknown = asked.flatMap((type) =>
      type.fields
        .filter((field) => !fieldAccess(type.name, field.name))
        .map((field) => `${type.name}.${field.name}`),
    );
    expect(unknown).toEqual([]);
  });
});

describe('the search', () => {
  const names = (text: string) =>
    search(graphTypes, text).map(({ type, field }) => [type.name, field?.name].filter(Boolean).join('.'));

  test('finds types and fields, whatever the letter case', () => {
    expect(names('unreadnot')).toEqual(['User.unreadNotificationCount']);
    expect(names('courseconn')).toContain('CourseConnection');
    expect(names('user.ema')).toEqual(['User.email']);
  });

  test('puts names that start with the text first', () => {
    const found = names('payment');
    expect(found[0]).toBe('Payment');
    expect(found.indexOf('Query.payments')).toBeLessThan(found.indexOf('RefundPaymentInput'));
  });

  test('finds nothing for an empty text', () => {
    expect(names('  ')).toEqual([]);
    expect(names('no such thing')).toEqual([]);
  });
});
