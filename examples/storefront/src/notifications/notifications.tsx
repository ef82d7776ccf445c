import { useState } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { NOTIFICATIONS } from '../client/cache';
import { useAction } from '../client/use-action';
import {
  DeleteNotificationDocument,
  MarkAllNotificationsReadDocument,
  MarkNotificationReadDocument,
  type NotificationItemFragment,
  NotificationsDocument,
} from '../gql/graphql';
import { Problems } from '../parts/form';
import { Icon } from '../parts/icons';
import { PageTitle } from '../parts/page-title';
import { Empty, Failed, Loading, More } from '../parts/states';
import { ago, at } from '../parts/words';

/** The list behind the bell; new ones come on top as they are sent. */
export default function Notifications() {
  const [after, setAfter] = useState<string | null>(null);
  const [{ data, fetching, error }] = useQuery({
    query: NotificationsDocument,
    variables: { first: NOTIFICATIONS, after },
    requestPolicy: 'cache-and-network',
  });
  const markAll = useAction(MarkAllNotificationsReadDocument);
  const list = data?.me?.notifications;
  if (!list && error) return <Failed error={error} />;
  if (!list) return <Loading what="your notifications" />;
  const newest = list.nodes[0];
  return (
    <div className="narrow">
      <header className="page-head with-action">
        <PageTitle>Notifications</PageTitle>
        {newest && (data?.me?.unreadNotificationCount ?? 0) > 0 && (
          <button
            type="button"
            className="button small"
            aria-disabled={markAll.busy}
            // Not those that arrive while the button is clicked.
            onClick={async () => {
              await markAll.run({ upTo: newest.id });
              setAfter(null);
            }}
          >
            <Icon name="check" size={18} />
            Mark all as read
          </button>
        )}
      </header>
      <Problems problems={markAll.problems} />
      {list.nodes.length === 0 ? (
        <Empty title="All quiet.">
          <p>When something happens on your courses, it is said here.</p>
        </Empty>
      ) : (
        <ul className="news">
          {list.nodes.map((notification) => (
            <Item key={notification.id} notification={notification} onDelete={() => setAfter(null)} />
          ))}
        </ul>
      )}
      {list.pageInfo.hasNextPage && (
        <More loading={fetching} onClick={() => setAfter(list.pageInfo.endCursor)} />
      )}
    </div>
  );
}

const ICONS = {
  COURSE: 'desk',
  ENROLLMENT: 'book',
  PAYMENT: 'card',
  REGISTRATION: 'star',
  SECURITY: 'shield',
} as const;

function Item({ notification, onDelete }: { notification: NotificationItemFragment; onDelete: () => void }) {
  const { id, isRead, title, body, createdAt, type } = notification;
  const read = useAction(MarkNotificationReadDocument);
  const remove = useAction(DeleteNotificationDocument);
  const markRead = () => {
    if (!isRead) void read.run({ input: { notificationId: id } });
  };
  const href = destination(notification);
  return (
    <li className={isRead ? 'news-item' : 'news-item unread'}>
      <span className={`news-icon ${type.toLowerCase()}`}>
        <Icon name={ICONS[type]} />
      </span>
      <div className="news-body">
        <h2>
          {href ? (
            <Link href={href} onClick={markRead}>
              {title}
            </Link>
          ) : (
            title
          )}
          {!isRead && <span className="visually-hidden"> (unread)</span>}
        </h2>
        {body && <p>{body}</p>}
        <p className="muted small">
          <time dateTime={createdAt} title={at(createdAt)}>
            {ago(createdAt)}
          </time>
        </p>
        <Problems problems={[...read.problems, ...remove.problems]} />
      </div>
      <div className="news-actions">
        {!isRead && (
          <button type="button" className="round" aria-label={`Mark “${title}” as read`} onClick={markRead}>
            <Icon name="check" />
          </button>
        )}
        <button
          type="button"
          className="round"
          aria-label={`Delete “${title}”`}
          onClick={async () => {
            await remove.run({ input: { notificationId: id } });
            onDelete();
          }}
        >
          <Icon name="close" />
        </button>
      </div>
    </li>
  );
}

function destination({ subject, type }: NotificationItemFragment): string | undefined {
  if (type === 'SECURITY') return '/account';
  if (subject?.__typename === 'Course') return `/teaching/${subject.id}`;
  const courseId = subject?.course?.id;
  return courseId ? `/courses/${courseId}` : undefined;
}
