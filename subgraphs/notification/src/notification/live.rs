//! A user's new notifications as a stream. The table is the source; `NOTIFY` only wakes its readers, so that any
//! replica can serve any user, and a lost wake-up loses nothing.

use std::{collections::VecDeque, time::Duration};

use contracts::NotificationId;
use futures::{Stream, stream};
use subgraph_kit::{Error, cursor::Cursor, row::Paginated as _, viewer::SignedIn};
use tokio::time::{sleep, timeout};

use super::{
    Notification,
    hub::{RecentBuffer, Subscriber, UserFeed},
    store::{PAGE, Store},
};

const RETRY_DELAY: Duration = Duration::from_secs(1);

/// The timeout of a read, after which the database counts as unavailable.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Streams the user's new notifications; with `after`, all newer ones.
///
/// # Errors
/// `BAD_USER_INPUT` if `after` is not one of the user's own notifications.
pub async fn subscribe(
    store: Store,
    user: SignedIn,
    after: Option<NotificationId>,
) -> Result<impl Stream<Item = Result<Notification, Error>>, Error> {
    // Subscribed before the first read, so that no notification is missed in between.
    let subscriber = store.hub().subscriber(user.id());
    let cursor = match after {
        Some(after) => {
            let cursor = store.cursor_of(user, after).await?;
            Some(cursor.ok_or_else(|| Error::invalid("after", "you have no such notification"))?)
        }
        None => store.end(user).await?,
    };
    let reader = Reader { store, user, subscriber, cursor, read: VecDeque::new(), deletions: 0, failed: false };
    Ok(stream::unfold(reader, Reader::next))
}

/// A subscriber's position in the table.
struct Reader {
    store: Store,
    user: SignedIn,
    subscriber: Subscriber,
    cursor: Option<Cursor>,
    read: VecDeque<Notification>,
    /// The deletions that had happened before it was read.
    deletions: u64,
    failed: bool,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<Notification, Error>, Self)> {
        if self.failed {
            return None;
        }
        loop {
            // What was deleted meanwhile is sent no more, however slow the subscriber is: the rest is read again.
            let deletions = self.subscriber.feed.deletions();
            if self.deletions != deletions {
                self.read.clear();
            }
            if let Some(next) = self.read.pop_front() {
                self.cursor = Some(next.cursor());
                return Some((Ok(next), self));
            }
            // A notification during the read increases the version again.
            let version = *self.subscriber.updates.borrow_and_update();
            let newer = newer(&self.subscriber.feed, &self.store, self.user, self.cursor, version);
            match timeout(READ_TIMEOUT, newer).await {
                Ok(Ok(newer)) if newer.is_empty() => self.subscriber.updates.changed().await.ok()?,
                Ok(Ok(newer)) => {
                    self.read.extend(newer);
                    self.deletions = deletions;
                }
                Err(_) | Ok(Err(Error::Unavailable(_))) => sleep(RETRY_DELAY).await,
                Ok(Err(error)) => {
                    self.failed = true;
                    return Some((Err(error), self));
                }
            }
        }
    }
}

/// Reads the notifications after a cursor, at least up to this version.
async fn newer(
    feed: &UserFeed,
    store: &Store,
    user: SignedIn,
    than: Option<Cursor>,
    version: u64,
) -> Result<Vec<Notification>, Error> {
    {
        let mut recent = feed.recent.lock().await;
        let deletions = feed.deletions();
        recent.take_if(|buffer| buffer.is_outdated(deletions));
        let recent = recent.get_or_insert_with(|| RecentBuffer::starting_after(than, deletions));
        while recent.reaches(than) {
            let newer = recent.after(than);
            if !newer.is_empty() || recent.is_complete_at(version) {
                return Ok(newer);
            }
            recent.add(store.newer(user, recent.end()).await?, PAGE, version);
        }
    }
    // A reader that starts before the buffer reads alone until it has caught up.
    store.newer(user, than).await
}
