import { Client, type ExecutionResult, subscriptionExchange } from '@urql/core';
import { expect, test } from 'vitest';
import { NotificationAddedDocument, NotificationsDocument, ViewerDocument } from '../gql/graphql';
import { cache, NOTIFICATIONS } from './cache';

const viewer = { __typename: 'User', id: 'u1', name: 'Ada', role: 'STUDENT', isVerified: false };
const notification = (id: string) => ({
  __typename: 'Notification' as const,
  id,
  type: 'PAYMENT' as const,
  title: `News ${id}`,
  body: '',
  isRead: false,
  createdAt: '2026-01-01T00:00:00.000Z',
  subject: null,
});
const list = (ids: string[]) => ({
  __typename: 'NotificationConnection',
  pageInfo: { __typename: 'PageInfo', hasNextPage: false, endCursor: null },
  nodes: ids.map(notification),
});

/** A client of a server that has these notifications, all unread, and sends events of some of them. */
function clientOf(ids: () => string[]) {
  let send = (_: ExecutionResult) => {};
  const client = new Client({
    url: 'http://localhost/graphql',
    preferGetMethod: false,
    exchanges: [
      cache(),
      subscriptionExchange({
        enableAllOperations: true,
        forwardSubscription: ({ query = '' }) => ({
          subscribe(sink) {
            if (query.startsWith('subscription')) {
              send = (result) => sink.next(result);
              return { unsubscribe() {} };
            }
            const isViewer = query.startsWith('query Viewer');
            const newest = ids()
              .slice(0, 1)
              .map((id) => ({ __typename: 'Notification', id, createdAt: notification(id).createdAt }));
            const notifications = isViewer
              ? { __typename: 'NotificationConnection', nodes: newest }
              : list(ids());
            const me = { ...viewer, unreadNotificationCount: ids().length, notifications };
            sink.next({ data: { __typename: 'Query', me } });
            sink.complete();
            return { unsubscribe() {} };
          },
        }),
      }),
    ],
  });
  client.subscription(NotificationAddedDocument, {}).subscribe(() => {});
  return { client, send: (id: string) => send({ data: { notificationAdded: notification(id) } }) };
}

const page = { first: NOTIFICATIONS, after: null };
const unread = async (client: Client) =>
  (await client.query(ViewerDocument, {}).toPromise()).data?.me?.unreadNotificationCount;

test('a new notification is counted, and on top of the list', async () => {
  const { client, send } = clientOf(() => ['n1']);
  await client.query(ViewerDocument, {}).toPromise();
  await client.query(NotificationsDocument, page).toPromise();

  send('n2');

  expect(await unread(client)).toBe(2);
  const { data } = await client.query(NotificationsDocument, page).toPromise();
  expect(data?.me?.notifications?.nodes.map(({ id }) => id)).toEqual(['n2', 'n1']);
});

test('one that is in the list already is not counted again', async () => {
  let ids = ['n1'];
  const { client, send } = clientOf(() => ids);
  await client.query(ViewerDocument, {}).toPromise();
  ids = ['n3', 'n2'];
  await client.query(NotificationsDocument, page, { requestPolicy: 'network-only' }).toPromise();

  send('n2');
  send('n3');

  expect(await unread(client)).toBe(2);
});
