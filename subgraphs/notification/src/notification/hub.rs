//! The subscribers of each user's notifications. `NOTIFY` wakes them, in every replica; they read from the table.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use contracts::UserId;
use db::{DbPool, listen};
use subgraph_kit::{cursor::Cursor, row::Paginated as _};
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::Notification;

/// The PostgreSQL channel for new notifications, whose payload is the user's id, and for [`deletion`]s.
pub const CHANNEL: &str = "notifications";

/// What follows the user's id when notifications were deleted.
const DELETED: &str = " deleted";

/// Wakes the subscribers of a user's notifications. One connection listens for the whole process.
#[derive(Clone)]
pub struct NotificationHub {
    feeds: Feeds,
    db: DbPool,
    listening: Arc<OnceLock<AbortOnDropHandle<()>>>,
}

type Feeds = Arc<Mutex<HashMap<UserId, Arc<UserFeed>>>>;

/// The shared state of a user's subscribers: one of them reads new rows for all.
#[derive(Default)]
pub struct UserFeed {
    /// Increases whenever there may be new notifications.
    version: watch::Sender<u64>,
    /// Increases whenever notifications were deleted.
    deletions: AtomicU64,
    pub recent: AsyncMutex<Option<RecentBuffer>>,
}

/// The newest notifications of a user, as read so far.
pub struct RecentBuffer {
    /// The buffer holds everything after this cursor.
    from: Option<Cursor>,
    notifications: VecDeque<Notification>,
    /// The version at which it was complete.
    complete_at: Option<u64>,
    /// The deletions that had happened when it was created.
    deletions: u64,
}

/// A subscriber of a user's notifications.
pub struct Subscriber {
    user: UserId,
    pub feed: Arc<UserFeed>,
    pub updates: watch::Receiver<u64>,
    feeds: Feeds,
}

/// The payload that tells of a user's deleted notifications.
pub fn deletion(user: UserId) -> String {
    format!("{user}{DELETED}")
}

impl NotificationHub {
    /// Creates a hub over this database, which is not queried before there is a subscriber.
    #[must_use]
    pub fn new(db: DbPool) -> Self {
        Self { feeds: Feeds::default(), db, listening: Arc::default() }
    }

    /// Subscribes to a user's notifications.
    pub fn subscriber(&self, user: UserId) -> Subscriber {
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
        // Within the lock: else of two subscribers dropped at the same time, each would count the other.
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
        listen::Notification::Reconnected => lock(&feeds).values().for_each(|feed| {
            feed.record_deletion();
            feed.bump();
        }),
        listen::Notification::Payload { payload, .. } => {
            let deleted_of = payload.strip_suffix(DELETED);
            let user = Uuid::try_parse(deleted_of.unwrap_or(payload)).ok().map(UserId);
            let Some(feed) = user.and_then(|user| lock(&feeds).get(&user).cloned()) else { return };
            if deleted_of.is_some() { feed.record_deletion() } else { feed.bump() }
        }
    });
    match never.await {}
}

impl UserFeed {
    fn bump(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    fn record_deletion(&self) {
        self.deletions.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of deletions so far.
    pub fn deletions(&self) -> u64 {
        self.deletions.load(Ordering::Relaxed)
    }
}

impl RecentBuffer {
    /// Creates an empty buffer that starts after this cursor.
    pub fn starting_after(from: Option<Cursor>, deletions: u64) -> Self {
        Self { from, notifications: VecDeque::new(), complete_at: None, deletions }
    }

    /// Whether it may hold notifications that have been deleted since.
    pub fn is_outdated(&self, deletions: u64) -> bool {
        self.deletions < deletions
    }

    /// Whether the buffer holds everything after a cursor, as far as it was read.
    pub fn reaches(&self, cursor: Option<Cursor>) -> bool {
        self.from <= cursor
    }

    /// Whether nothing was left to read at this version.
    pub fn is_complete_at(&self, version: u64) -> bool {
        self.complete_at >= Some(version)
    }

    /// The cursor after which reading continues.
    pub fn end(&self) -> Option<Cursor> {
        self.notifications.back().map(Notification::cursor).or(self.from)
    }

    /// Appends a page that was read at this version, and keeps at most one page.
    pub fn add(&mut self, newer: Vec<Notification>, page: usize, version: u64) {
        // After a full page there may be another one.
        if newer.len() < page {
            self.complete_at = Some(version);
        }
        self.notifications.extend(newer);
        while self.notifications.len() > page {
            self.from = self.notifications.pop_front().map(|oldest| oldest.cursor());
        }
    }

    /// The buffered notifications after a cursor.
    pub fn after(&self, cursor: Option<Cursor>) -> Vec<Notification> {
        let known = self.notifications.partition_point(|one| Some(one.cursor()) <= cursor);
        self.notifications.range(known..).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread, time::Duration};

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
