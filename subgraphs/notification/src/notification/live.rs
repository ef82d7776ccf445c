//! A user's new notifications as a stream. The table is the source; `NOTIFY` only wakes its readers, so that any
//! replica can serve any user, and a lost wake-up loses nothing.

use db::DbPool;
use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use contracts::{NotificationId, UserId};
use db::listen;
use futures::{Stream, stream};
use subgraph_kit::{Error, list::Paginated as _, page::Cursor, viewer::SignedIn};
use tokio::{
    sync::{Mutex as AsyncMutex, watch},
    time::{sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::{
    Notification,
    store::{PAGE, Store},
};

/// The PostgreSQL channel for new notifications. The payload is the user's id.
pub const CHANNEL: &str = "notifications";

const RETRY_DELAY: Duration = Duration::from_secs(1);

/// A database that does not answer within this time is unavailable.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Wakes the subscribers of a user's notifications. One connection listens for the whole process.
#[derive(Clone)]
pub struct NotificationHub {
    feeds: Feeds,
    db: DbPool,
    listening: Arc<OnceLock<AbortOnDropHandle<()>>>,
}

type Feeds = Arc<Mutex<HashMap<UserId, Arc<UserFeed>>>>;

/// What the subscribers of one user share: one of them reads new rows for all.
#[derive(Default)]
struct UserFeed {
    /// Increases whenever there may be new notifications.
    version: watch::Sender<u64>,
    recent: AsyncMutex<Option<RecentBuffer>>,
}

/// The end of a user's list, as it was read.
struct RecentBuffer {
    /// The buffer holds everything after this cursor.
    from: Option<Cursor>,
    notifications: VecDeque<Notification>,
    /// The version at which it was complete.
    complete_at: Option<u64>,
}

/// A subscriber of a user's notifications.
struct Subscriber {
    user: UserId,
    feed: Arc<UserFeed>,
    updates: watch::Receiver<u64>,
    feeds: Feeds,
}

impl NotificationHub {
    /// A hub over this database, which is not queried before there is a subscriber.
    #[must_use]
    pub fn new(db: DbPool) -> Self {
        Self { feeds: Feeds::default(), db, listening: Arc::default() }
    }

    fn subscriber(&self, user: UserId) -> Subscriber {
        self.listening.get_or_init(|| {
            let (db, feeds) = (self.db.clone(), Arc::clone(&self.feeds));
            AbortOnDropHandle::new(tokio::spawn(dispatch(db, feeds)))
        });
        let mut users = lock(&self.feeds);
        let feed = Arc::clone(users.entry(user).or_default());
        let updates = feed.version.subscribe();
        drop(users);
        Subscriber { user, feed, updates, feeds: Arc::clone(&self.feeds) }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let mut users = lock(&self.feeds);
        // Within the lock: of two who leave at once, each would take the other for one who stays.
        drop(mem::replace(&mut self.updates, watch::channel(0).1));
        if self.feed.version.receiver_count() == 0 {
            users.remove(&self.user);
        }
    }
}

fn lock(feeds: &Feeds) -> MutexGuard<'_, HashMap<UserId, Arc<UserFeed>>> {
    feeds.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn dispatch(db: DbPool, feeds: Feeds) {
    let never = listen::listen_forever(&db, &[CHANNEL], |notification| match notification {
        listen::Notification::Reconnected => lock(&feeds).values().for_each(|feed| feed.bump()),
        listen::Notification::Payload { payload, .. } => {
            let user = Uuid::try_parse(payload).ok().map(UserId);
            if let Some(feed) = user.and_then(|user| lock(&feeds).get(&user).cloned()) {
                feed.bump();
            }
        }
    });
    match never.await {}
}

impl UserFeed {
    fn bump(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    /// What comes after a cursor, at least as new as this version.
    async fn newer(
        &self,
        store: &Store,
        user: SignedIn,
        than: Option<Cursor>,
        version: u64,
    ) -> Result<Vec<Notification>, Error> {
        {
            let mut recent = self.recent.lock().await;
            let recent = recent.get_or_insert_with(|| RecentBuffer::starting_after(than));
            while recent.from <= than {
                let newer = recent.after(than);
                if !newer.is_empty() || recent.complete_at >= Some(version) {
                    return Ok(newer);
                }
                recent.read_on(store, user, version).await?;
            }
        }
        // Who comes from far behind reads alone until here.
        store.newer(user, than).await
    }
}

impl RecentBuffer {
    fn starting_after(from: Option<Cursor>) -> Self {
        Self { from, notifications: VecDeque::new(), complete_at: None }
    }

    /// Reads what comes next at this version, and drops old entries.
    async fn read_on(&mut self, store: &Store, user: SignedIn, version: u64) -> Result<(), Error> {
        let end = self.notifications.back().map(Notification::cursor).or(self.from);
        let newer = store.newer(user, end).await?;
        // After a full page there may be another one.
        if newer.len() < PAGE {
            self.complete_at = Some(version);
        }
        self.notifications.extend(newer);
        while self.notifications.len() > PAGE {
            self.from = self.notifications.pop_front().map(|oldest| oldest.cursor());
        }
        Ok(())
    }

    fn after(&self, cursor: Option<Cursor>) -> Vec<Notification> {
        let known = self.notifications.partition_point(|one| Some(one.cursor()) <= cursor);
        self.notifications.range(known..).cloned().collect()
    }
}

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
            let newer = self.subscriber.feed.newer(&self.store, self.user, self.cursor, version);
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

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use sqlx::postgres::PgConnectOptions;

    use super::*;

    #[tokio::test]
    async fn the_last_two_who_leave_at_once_leave_nothing_behind() {
        let nowhere = DbPool::new(PgConnectOptions::new_without_pgpass(), 1, Duration::ZERO);
        let live = NotificationHub::new(nowhere);
        let user = UserId(Uuid::now_v7());
        for _ in 0..1_000 {
            let gate = Barrier::new(2);
            thread::scope(|scope| {
                for subscriber in [live.subscriber(user), live.subscriber(user)] {
                    let gate = &gate;
                    scope.spawn(move || {
                        gate.wait();
                        drop(subscriber);
                    });
                }
            });
            assert!(lock(&live.feeds).is_empty());
        }
    }
}
