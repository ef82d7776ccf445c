import { useEffect, useState } from 'react';
import { useSubscription } from 'urql';
import { NotificationAddedDocument } from '../gql/graphql';
import { say } from '../parts/toasts';
import type { Viewer } from './viewer';

/** Follows the viewer's notifications, from the newest one that the page has loaded: none can slip through between. */
export function Live({ viewer }: { viewer: Viewer }) {
  const [after] = useState(viewer.notifications?.nodes[0]?.id ?? null);
  const [{ data }] = useSubscription({ query: NotificationAddedDocument, variables: { after } });
  const added = data?.notificationAdded;
  useEffect(() => {
    if (added)
      say(
        <>
          <strong>{added.title}</strong>
          <p>{added.body}</p>
        </>,
      );
  }, [added]);
  return null;
}
