import { useEffect, useState } from 'react';
import { useClient } from 'urql';
import { NotificationAddedDocument } from '../gql/graphql';
import { say } from '../parts/toasts';
import type { Viewer } from './viewer';

/** Follows the viewer's notifications, from the newest one that the page has loaded: none can slip through between. */
export function Live({ viewer }: { viewer: Viewer }) {
  const client = useClient();
  const [after] = useState(viewer.notifications?.nodes[0]);
  useEffect(() => {
    // Several may come at once; a hook would show the last one of them.
    const events = client.subscription(NotificationAddedDocument, {}, { after });
    const { unsubscribe } = events.subscribe(({ data }) => {
      if (!data) return;
      const { title, body } = data.notificationAdded;
      say(
        <>
          <strong>{title}</strong>
          <p>{body}</p>
        </>,
      );
    });
    return unsubscribe;
  }, [client, after]);
  return null;
}
