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

/// A database that does not answer within this time is unavailable.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The user's notifications from now on; with `after`, from there on.
///
/// # Errors
/// `BAD_USER_INPUT` if `after` is none of theirs; a database error.
pub async fn subscribe(
    store: Store,
    user: SignedIn,
    after: Option<NotificationId>,
) -> Result<impl Stream<Item = Result<Notification, Error>>, Error> {
    // Before the table is read for the first time, so that nothing comes between.
    let subscriber = store.hub().subscriber(user.id());
    let cursor = match after {
        Some(after) => Some(store.cursor_of(user, after).await?),
        None => store.end(user).await?,
    };
    let reader = Reader { store, user, subscriber, cursor, read: VecDeque::new(), failed: false };
    Ok(stream::unfold(reader, Reader::next))
}

/// A subscriber's position in the table.
struct Reader {
    store: Store,
    user: SignedIn,
    subscriber: Subscriber,
    cursor: Option<Cursor>,
    read: VecDeque<Notification>,
    failed: bool,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<Notification, Error>, Self)> {
        if self.failed {
            return None;
        }
        loop {
            if let Some(next) = self.read.pop_front() {
                self.cursor = Some(next.cursor());
                return Some((Ok(next), self));
            }
            // What arrives while the table is read raises the version again.
            let version = *self.subscriber.updates.borrow_and_update();
            let newer = newer(&self.subscriber.feed, &self.store, self.user, self.cursor, version);
            match timeout(READ_TIMEOUT, newer).await {
                Ok(Ok(newer)) if newer.is_empty() => self.subscriber.updates.changed().await.ok()?,
                Ok(Ok(newer)) => self.read.extend(newer),
                Err(_) | Ok(Err(Error::Unavailable(_))) => sleep(RETRY_DELAY).await,
                Ok(Err(error)) => {
                    self.failed = true;
                    return Some((Err(error), self));
                }
            }
        }
    }
}

/// What comes after a cursor, at least as new as this version.
async fn newer(
    feed: &UserFeed,
    store: &Store,
    user: SignedIn,
    than: Option<Cursor>,
    version: u64,
) -> Result<Vec<Notification>, Error> {
    {
        let mut recent = feed.recent.lock().await;
        let recent = recent.get_or_insert_with(|| RecentBuffer::starting_after(than));
        while recent.reaches(than) {
            let newer = recent.after(than);
            if !newer.is_empty() || recent.is_complete_at(version) {
                return Ok(newer);
            }
            recent.add(store.newer(user, recent.end()).await?, PAGE, version);
        }
    }
    // Who comes from far behind reads alone until here.
    store.newer(user, than).await
}
