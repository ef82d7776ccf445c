import { readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import {
  eventId,
  hasOwnStart,
  isResumable,
  LATEST_EVENT_QUERY,
  latestEvents,
  RESUMABLE,
  readLatestEvents,
  resumeAfter,
} from './resume';

const schema = buildSchema(readFileSync('../api.graphql', 'utf8'));

function resumed(query: string, variables: Record<string, unknown> = {}) {
  return resumeAfter('n7', { request: { query, variables, operationName: null }, document: parse(query) });
}

test('the id is passed in the variable of the argument', () => {
  const { query, variables } = resumed('subscription($from: ID) { notificationAdded(after: $from) { id } }', {
    from: 'n1',
    other: 1,
  });

  expect(variables).toEqual({ from: 'n7', other: 1 });
  expect(query).toContain('after: $from');
});

test('without a variable, the id is passed in the document', () => {
  expect(resumed('subscription { notificationAdded { id } }').query).toContain(
    'notificationAdded(after: "n7")',
  );
  expect(resumed('subscription { notificationAdded(after: "n1") { id } }').query).not.toContain('n1');
});

test('extensions are sent again, without the hash of the document before', () => {
  const query = 'subscription { notificationAdded { id } }';
  const extensions = { tenant: 'a', persistedQuery: { version: 1, sha256Hash: 'of the document before' } };
  const request = { query, extensions };

  expect(resumeAfter('n7', { request, document: parse(query) }).extensions).toEqual({ tenant: 'a' });
  expect(resumed(query).extensions).toBeUndefined();
});

test('the id of an event is known if it is selected', () => {
  expect(eventId({ data: { notificationAdded: { id: 'n7' } } })).toBe('n7');
  expect(eventId({ data: { notificationAdded: { title: 'Hello' } } })).toBeUndefined();
  expect(eventId({ data: null })).toBeUndefined();
});

test('every subscription of the graph with the argument is resumable', () => {
  const fields = Object.values(schema.getSubscriptionType()?.getFields() ?? {});
  const resumable = fields.filter((field) => field.args.some((argument) => argument.name === 'after'));

  expect(new Set(resumable.map((field) => field.name))).toEqual(RESUMABLE);
});

test('only a resumable stream has a latest event', () => {
  expect(validate(schema, parse(LATEST_EVENT_QUERY))).toEqual([]);
  expect(isResumable(parse('subscription { notificationAdded { id } }'))).toBe(true);
  expect(isResumable(parse('subscription { other }'))).toBe(false);
});

test.each([
  ['subscription { notificationAdded { id } }', {}, false],
  ['subscription { notificationAdded(after: null) { id } }', {}, false],
  ['subscription { notificationAdded(after: "n1") { id } }', {}, true],
  ['subscription($from: ID) { notificationAdded(after: $from) { id } }', {}, false],
  ['subscription($from: ID) { notificationAdded(after: $from) { id } }', { from: null }, false],
  ['subscription($from: ID) { notificationAdded(after: $from) { id } }', { from: 'n1' }, true],
])('whether a request says where it starts: %s with %o', (query, variables, expected) => {
  expect(hasOwnStart({ request: { query, variables }, document: parse(query) })).toBe(expected);
});

test('the latest events are asked for with what the subscription selects of them', () => {
  const query = `
    query Other { me { ...Unused } }
    subscription Bell($after: ID, $long: Boolean!) { new: notificationAdded(after: $after) { title ...Body } }
    fragment Body on Notification { body @include(if: $long) }
    fragment Unused on User { name }
  `;
  const variables = { after: null, long: true };

  const latest = latestEvents({
    request: { query, variables, operationName: 'Bell' },
    document: parse(query),
  });

  expect(validate(schema, parse(latest?.request.query ?? ''))).toEqual([]);
  expect(latest?.request.variables).toEqual({ long: true });
  const nodes = [
    { _lyceumEventId: 'n2', title: 'Two' },
    { _lyceumEventId: 'n1', title: 'One' },
  ];
  expect(latest && readLatestEvents(latest, { data: { me: { notifications: { nodes } } } })).toEqual([
    { id: 'n2', response: { data: { new: { title: 'Two' } } } },
    { id: 'n1', response: { data: { new: { title: 'One' } } } },
  ]);
  expect(latest && readLatestEvents(latest, { data: { me: null } })).toBeUndefined();
});

test.each([
  'subscription { notificationAdded { id } }',
  'subscription Bell { notificationAdded { ... on Notification { id } subject { __typename } } }',
])('and of a document without a name or variables: %s', (query) => {
  const latest = latestEvents({ request: { query }, document: parse(query) });
  expect(validate(schema, parse(latest?.request.query ?? ''))).toEqual([]);
  expect(latest?.name).toBe('notificationAdded');
});

test('they are not known where the subscription is a fragment of its root', () => {
  const query = 'subscription { ...Bell } fragment Bell on Subscription { notificationAdded { id } }';
  expect(latestEvents({ request: { query }, document: parse(query) })).toBeUndefined();
});
