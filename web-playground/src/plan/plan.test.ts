import { describe, expect, test } from 'vitest';
import { layOut } from './layout';
import { type PlanNode, readPlan } from './steps';

const byId = (typeCondition: string) => [
  {
    kind: 'InlineFragment',
    typeCondition,
    selections: [
      { kind: 'Field', name: '__typename' },
      { kind: 'Field', name: 'id' },
    ],
  },
];

function entities(subgraph: string, path: PlanNode['path'], type: string, fields: string): PlanNode {
  const operation = `query($representations:[_Any!]!){_entities(representations: $representations){...on ${type}{${fields}}}}`;
  return {
    kind: 'Flatten',
    path: path ?? [],
    node: { kind: 'Fetch', serviceName: subgraph, operation, operationKind: 'query', requires: byId(type) },
  };
}

const me = {
  kind: 'Fetch',
  serviceName: 'identity',
  operationKind: 'query',
  operation: '{me{__typename id name}}',
};
const course = [{ Field: 'me' }, { Field: 'enrollments' }, { Field: 'nodes' }, '@', { Field: 'course' }];

/** The router's plan of `operations/StudentHome.graphql`, shortened. */
const home: PlanNode = {
  kind: 'QueryPlan',
  node: {
    kind: 'Sequence',
    nodes: [
      me,
      {
        kind: 'Parallel',
        nodes: [
          entities('enrollment', [{ Field: 'me' }], 'User', 'enrollments{nodes{id course{__typename id}}}'),
          entities('notification', [{ Field: 'me' }], 'User', 'unreadNotificationCount'),
        ],
      },
      entities('course', course, 'Course', 'title teacher{__typename id}'),
      entities('identity', [...course, { Field: 'teacher' }], 'User', 'name'),
    ],
  },
};

describe('a plan', () => {
  const { fetches, arrows, root } = readPlan(home);

  test('has the fetches in order, with their fields', () => {
    expect(fetches.map(({ subgraph }) => subgraph)).toEqual([
      'identity',
      'enrollment',
      'notification',
      'course',
      'identity',
    ]);
    expect(fetches[0]?.fields).toEqual(['me']);
    expect(fetches[3]?.fields).toEqual(['title', 'teacher']);
    expect(fetches[3]?.path).toEqual(['me', 'enrollments', 'nodes', 'course']);
    expect(fetches[3]?.operation).toContain('\n');
  });

  test('has the entities that a fetch requires', () => {
    expect(fetches.map(({ requires }) => requires)).toEqual([
      [],
      ['User { id }'],
      ['User { id }'],
      ['Course { id }'],
      ['User { id }'],
    ]);
  });

  test('knows which fetch provides the required entities', () => {
    expect(arrows).toEqual([
      { from: 0, to: 1 },
      { from: 0, to: 2 },
      { from: 1, to: 3 },
      { from: 3, to: 4 },
    ]);
  });

  test('distinguishes sequential and parallel steps', () => {
    expect(root).toMatchObject({ kind: 'sequence' });
    expect(root.kind === 'sequence' && root.steps[1]).toMatchObject({ kind: 'parallel' });
  });
});

test('the fields of @requires are shown with the key', () => {
  const enrollments = entities('enrollment', [{ Field: 'course' }], 'Course', 'enrollments{totalCount}');
  enrollments.node = {
    ...enrollments.node,
    kind: 'Fetch',
    requires: [
      {
        kind: 'InlineFragment',
        typeCondition: 'Course',
        selections: [
          { kind: 'Field', name: 'teacher', selections: [{ kind: 'Field', name: 'id' }] },
          { kind: 'Field', name: 'id' },
        ],
      },
    ],
  };

  expect(readPlan(enrollments).fetches[0]?.requires).toEqual(['Course { teacher { id } id }']);
});

test('a subscription has its first fetch', () => {
  const primary = {
    ...me,
    kind: 'Fetch',
    operationKind: 'subscription',
    operation: 'subscription{notificationAdded{id}}',
  };
  // The router omits the kind of a subscription's only fetch.
  const { fetches } = readPlan({ kind: 'QueryPlan', node: { kind: 'Subscription', primary } });

  expect(fetches).toMatchObject([{ kind: 'subscription', fields: ['notificationAdded'] }]);
});

test('an operation without fetches has an empty plan', () => {
  expect(readPlan({ kind: 'QueryPlan', node: null }).fetches).toEqual([]);
});

describe('its drawing', () => {
  const drawing = layOut(readPlan(home));
  const box = (id: number) => drawing.boxes.find(({ fetch }) => fetch.id === id);

  test('puts sequential steps below one another, and parallel ones side by side in a frame', () => {
    const [first, left, right] = [box(0), box(1), box(2)];
    expect(left?.y).toBeGreaterThan((first?.y ?? 0) + (first?.height ?? 0));
    expect(right?.y).toBe(left?.y);
    expect(right?.x).toBeGreaterThanOrEqual((left?.x ?? 0) + (left?.width ?? 0));
    expect(drawing.frames).toHaveLength(1);
  });

  test('has no overlapping boxes, and all are within its bounds', () => {
    for (const one of drawing.boxes) {
      expect(one.x).toBeGreaterThanOrEqual(0);
      expect(one.x + one.width).toBeLessThanOrEqual(drawing.width);
      expect(one.y + one.height).toBeLessThanOrEqual(drawing.height);
      for (const other of drawing.boxes) {
        const apart =
          one === other ||
          one.x + one.width <= other.x ||
          other.x + other.width <= one.x ||
          one.y + one.height <= other.y ||
          other.y + other.height <= one.y;
        expect(apart).toBe(true);
      }
    }
  });

  test('has a line for each arrow, and required keys above the fetch', () => {
    expect(drawing.lines).toHaveLength(4);
    expect(drawing.labels.map(({ text }) => text)).toEqual([
      'User { id }',
      'User { id }',
      'Course { id }',
      'User { id }',
    ]);
  });

  test('numbers the steps', () => {
    expect(drawing.boxes.map(({ step }) => step)).toEqual([1, 2, 2, 3, 4]);
  });
});
