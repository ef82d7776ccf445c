//! What arrives for a user, as a stream. The table is the source; `NOTIFY` only wakes who reads it, so
//! that any replica can serve any user, and a lost wake-up loses nothing.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};
use subgraph_kit::DbPool;

use futures::{Stream, stream};
use subgraph_kit::{Error, NotificationId, UserId, list::Paginated as _, listen, page::Cursor, viewer::SignedIn};
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

/// On which PostgreSQL tells that a user, whose id is the payload, has a new notification.
pub const CHANNEL: &str = "notifications";

const RETRY: Duration = Duration::from_secs(1);

/// A database that says nothing for so long is away.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Wakes those who follow a user's notifications. One connection listens for all of a process.
#[derive(Clone)]
pub struct Arrivals {
    followed: Followed,
    db: DbPool,
    listening: Arc<OnceLock<AbortOnDropHandle<()>>>,
}

type Followed = Arc<Mutex<HashMap<UserId, Arc<Feed>>>>;

/// What all who follow one user share: when something is new, one of them reads it for all.
#[derive(Default)]
struct Feed {
    /// How often something may have arrived.
    calls: watch::Sender<u64>,
    recent: AsyncMutex<Option<Recent>>,
}

/// The end of a user's list, as it was read.
struct Recent {
    /// Nothing is missing behind this position.
    from: Option<Cursor>,
    notifications: VecDeque<Notification>,
    /// At how many calls it was complete.
    complete_at: Option<u64>,
}

/// One who follows a user's notifications.
struct Follower {
    user: UserId,
    feed: Arc<Feed>,
    called: watch::Receiver<u64>,
    followed: Followed,
}

impl Arrivals {
    /// Those of this database. Nothing is asked of it before somebody follows.
    #[must_use]
    pub fn new(db: DbPool) -> Self {
        Self { followed: Followed::default(), db, listening: Arc::default() }
    }

    fn follower(&self, user: UserId) -> Follower {
        self.listening.get_or_init(|| {
            let (db, followed) = (self.db.clone(), Arc::clone(&self.followed));
            AbortOnDropHandle::new(tokio::spawn(wake(db, followed)))
        });
        let mut users = lock(&self.followed);
        let feed = Arc::clone(users.entry(user).or_default());
        let called = feed.calls.subscribe();
        drop(users);
        Follower { user, feed, called, followed: Arc::clone(&self.followed) }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut users = lock(&self.followed);
        // Within the lock: of two who leave at once, each would take the other for one who stays.
        drop(mem::replace(&mut self.called, watch::channel(0).1));
        if self.feed.calls.receiver_count() == 0 {
            users.remove(&self.user);
        }
    }
}

fn lock(followed: &Followed) -> MutexGuard<'_, HashMap<UserId, Arc<Feed>>> {
    followed.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn wake(db: DbPool, followed: Followed) {
    let never = listen::listen_forever(&db, &[CHANNEL], |notification| match notification {
        listen::Notification::Reconnected => lock(&followed).values().for_each(|feed| feed.call()),
        listen::Notification::Payload { payload, .. } => {
            let user = Uuid::try_parse(payload).ok().map(UserId);
            if let Some(feed) = user.and_then(|user| lock(&followed).get(&user).cloned()) {
                feed.call();
            }
        }
    });
    match never.await {}
}

impl Feed {
    fn call(&self) {
        self.calls.send_modify(|calls| *calls += 1);
    }

    /// What comes after a position, as it was at least at the last of so many calls. Empty if that is nothing.
    async fn newer(
        &self,
        store: &Store,
        user: SignedIn,
        than: Option<Cursor>,
        calls: u64,
    ) -> Result<Vec<Notification>, Error> {
        {
            let mut recent = self.recent.lock().await;
            let recent = recent.get_or_insert_with(|| Recent::behind(than));
            while recent.from <= than {
                let newer = recent.after(than);
                if !newer.is_empty() || recent.complete_at >= Some(calls) {
                    return Ok(newer);
                }
                recent.read_on(store, user, calls).await?;
            }
        }
        // Who comes from far behind reads alone until here.
        store.newer(user, than).await
    }
}

impl Recent {
    fn behind(from: Option<Cursor>) -> Self {
        Self { from, notifications: VecDeque::new(), complete_at: None }
    }

    /// Reads what comes next, after so many calls, and forgets what is old.
    async fn read_on(&mut self, store: &Store, user: SignedIn, calls: u64) -> Result<(), Error> {
        let end = self.notifications.back().map(Notification::cursor).or(self.from);
        let newer = store.newer(user, end).await?;
        // After a full page there may be another one.
        if newer.len() < PAGE {
            self.complete_at = Some(calls);
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
/// `BAD_USER_INPUT` if `after` is none of theirs; those of the database.
pub async fn follow(
    store: Store,
    user: SignedIn,
    after: Option<NotificationId>,
) -> Result<impl Stream<Item = Result<Notification, Error>>, Error> {
    // Before the table is read for the first time, so that nothing comes between.
    let follower = store.arrivals().follower(user.id());
    let cursor = match after {
        Some(after) => Some(store.cursor_of(user, after).await?),
        None => store.end(user).await?,
    };
    let reader = Reader { store, user, follower, cursor, read: VecDeque::new(), failed: false };
    Ok(stream::unfold(reader, Reader::next))
}

/// Where somebody who follows is in the table.
struct Reader {
    store: Store,
    user: SignedIn,
    follower: Follower,
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
            // What arrives while the table is read calls once more.
            let calls = *self.follower.called.borrow_and_update();
            let newer = self.follower.feed.newer(&self.store, self.user, self.cursor, calls);
            match timeout(READ_TIMEOUT, newer).await {
                Ok(Ok(newer)) if newer.is_empty() => self.follower.called.changed().await.ok()?,
                Ok(Ok(newer)) => self.read.extend(newer),
                Err(_) | Ok(Err(Error::Unavailable(_))) => sleep(RETRY).await,
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
        let arrivals = Arrivals::new(nowhere);
        let user = UserId(Uuid::now_v7());
        for _ in 0..1_000 {
            let gate = Barrier::new(2);
            thread::scope(|scope| {
                for follower in [arrivals.follower(user), arrivals.follower(user)] {
                    let gate = &gate;
                    scope.spawn(move || {
                        gate.wait();
                        drop(follower);
                    });
                }
            });
            assert!(lock(&arrivals.followed).is_empty());
        }
    }
}
