import { type Cache, cacheExchange, type KeyingConfig, type UpdateResolver } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import {
  type NotificationAddedSubscription,
  NotificationsDocument,
  type NotificationsQuery,
  ViewerDocument,
} from '../gql/graphql';

/** How many notifications a page of their list has. */
export const NOTIFICATIONS = 20;

const EMBEDDED = [
  'CourseConnection',
  'EnrollmentConnection',
  'NotificationConnection',
  'PaymentConnection',
  'PageInfo',
  'Sales',
  'MonthlySales',
  'DataExport',
];

const OWN_KEYS: KeyingConfig = { NotificationSetting: ({ type }) => String(type) };

/** The normalized cache: what it may forget after each mutation, and how pages grow. */
export function cache() {
  return cacheExchange({
    keys: {
      ...Object.fromEntries(EMBEDDED.map((type) => [type, () => null])),
      ...OWN_KEYS,
    },
    resolvers: {
      Query: {
        courses: relayPagination(),
      },
      User: {
        courses: relayPagination(),
        enrollments: relayPagination(),
        notifications: relayPagination(),
        payments: relayPagination(),
      },
      Course: { enrollments: relayPagination() },
    },
    updates: {
      Mutation: {
        purchaseCourse: ({ purchaseCourse }, { input }, cache) => {
          if (done(purchaseCourse)) placeChanged(cache, courseOf(input));
          // Refused, since what the page shows is not so any more.
          else
            forget(cache, courseKey(cache, courseOf(input)), ['price', 'isFree', 'state', 'viewerPayment']);
        },
        enroll: ({ enroll }, { input }, cache) => {
          if (done(enroll)) placeChanged(cache, courseOf(input));
        },
        leaveCourse: ({ leaveCourse }, { input }, cache) => {
          if (done(leaveCourse)) placeChanged(cache, courseOf(input));
        },
        // The list of all enrollments has it already; those of one status do not.
        setEnrollmentStatus: (_result, _args, cache) =>
          forget(cache, viewer(cache), ['enrollments'], (args) => typeof args?.status === 'string'),
        createCourse: deskChanged,
        updateCourse: deskChanged,
        publishCourse: deskChanged,
        withdrawCourse: deskChanged,
        deleteCourse: deskChanged,
        markNotificationRead: ({ markNotificationRead }, _args, cache) => {
          if (done(markNotificationRead)) forget(cache, viewer(cache), ['unreadNotificationCount']);
        },
        markAllNotificationsRead: (_result, _args, cache) =>
          forget(cache, viewer(cache), ['unreadNotificationCount', 'notifications']),
        deleteNotification: ({ deleteNotification }, _args, cache) => {
          const id = (deleteNotification as { deletedNotificationId?: string } | null)?.deletedNotificationId;
          if (id) cache.invalidate({ __typename: 'Notification', id });
          forget(cache, viewer(cache), ['unreadNotificationCount', 'notifications']);
        },
        endSession: (_result, _args, cache) => forget(cache, viewer(cache), ['sessions']),
        endOtherSessions: (_result, _args, cache) => forget(cache, viewer(cache), ['sessions']),
        changePassword: (_result, _args, cache) => forget(cache, viewer(cache), ['sessions']),
        exportMyData: (_result, _args, cache) => forget(cache, 'Query', ['dataExport']),
      },
      Subscription: {
        notificationAdded: (result, _args, cache) =>
          notificationCame((result as NotificationAddedSubscription).notificationAdded, cache),
      },
    },
  });
}

type Incoming = NotificationAddedSubscription['notificationAdded'];

/** Counts a notification, puts it on top of the list if that is known, and forgets what it says has changed. */
function notificationCame(added: Incoming, cache: Cache): void {
  let isNew = true;
  const page = { query: NotificationsDocument, variables: { first: NOTIFICATIONS } };
  cache.updateQuery(page, (data: NotificationsQuery | null) => {
    const list = data?.me?.notifications;
    if (!data?.me || !list) return data;
    isNew = !list.nodes.some(({ id }) => id === added.id);
    return isNew
      ? { ...data, me: { ...data.me, notifications: { ...list, nodes: [added, ...list.nodes] } } }
      : data;
  });
  cache.updateQuery({ query: ViewerDocument }, (data) => {
    const count = data?.me?.unreadNotificationCount;
    if (!isNew || !data?.me || typeof count !== 'number') return data;
    return { ...data, me: { ...data.me, unreadNotificationCount: count + (added.isRead ? 0 : 1) } };
  });
  const { subject, type } = added;
  if (type === 'SECURITY') forget(cache, 'Query', ['dataExport']);
  if (subject?.__typename === 'Course') deskForgotten(cache);
  if (subject?.__typename === 'Enrollment' || subject?.__typename === 'Payment')
    placeChanged(cache, subject.course?.id);
  if (!subject && type === 'ENROLLMENT') placeChanged(cache);
}

/** The viewer's place on a course has changed: it begins, ends or is paid for. */
function placeChanged(cache: Cache, courseId?: string): void {
  forget(cache, viewer(cache), ['enrollments']);
  if (!courseId) return;
  forget(cache, courseKey(cache, courseId), ['viewerEnrollment', 'viewerPayment', 'enrollmentCount']);
}

const deskChanged: UpdateResolver = (_result, _args, cache) => deskForgotten(cache);

function deskForgotten(cache: Cache): void {
  forget(cache, viewer(cache), ['courses', 'sales']);
  forget(cache, 'Query', ['courses']);
}

/**
 * Forgets fields of an entity. Of a list with several pages, a page that is shown asks again for what it has asked for
 * last: who changes a list goes back to its first page.
 */
function forget(
  cache: Cache,
  entity: string | null,
  names: string[],
  which: (args: Record<string, unknown> | null) => boolean = () => true,
): void {
  if (!entity) return;
  for (const { fieldName, fieldKey, arguments: args } of cache.inspectFields(entity))
    if (names.includes(fieldName) && which(args)) cache.invalidate(entity, fieldKey);
}

function viewer(cache: Cache): string | null {
  const key = cache.resolve('Query', 'me');
  return typeof key === 'string' ? key : null;
}

function courseKey(cache: Cache, id: string): string | null {
  return cache.keyOfEntity({ __typename: 'Course', id });
}

function courseOf(input: unknown): string {
  return String((input as { courseId: string }).courseId);
}

function done(payload: unknown): boolean {
  return (payload as { userErrors?: unknown[] } | null)?.userErrors?.length === 0;
}
