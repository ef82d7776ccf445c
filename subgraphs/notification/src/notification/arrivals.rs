//! What arrives for a user, as a stream. The table is the source; `NOTIFY` only wakes who reads it, so
//! that any replica can serve any user, and a lost wake-up loses nothing.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use futures::{Stream, stream};
use sqlx::PgPool;
use subgraph_kit::{
    Error, NotificationId, UserId,
    list::Listed as _,
    listen::{self, Heard},
    page::Position,
    viewer::SignedIn,
};
use tokio::{sync::watch, time::sleep};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::{Notification, store::Store};

/// On which PostgreSQL tells that a user, whose id is the payload, has a new notification.
pub const CHANNEL: &str = "notifications";

const RETRY: Duration = Duration::from_secs(1);

/// Wakes those who follow a user's notifications. One connection listens for all of a process.
#[derive(Clone)]
pub struct Arrivals {
    followed: Followed,
    db: PgPool,
    listening: Arc<OnceLock<AbortOnDropHandle<()>>>,
}

type Followed = Arc<Mutex<HashMap<UserId, watch::Sender<()>>>>;

/// One who follows a user's notifications.
struct Follower {
    user: UserId,
    woken: watch::Receiver<()>,
    followed: Followed,
}

impl Arrivals {
    /// Those of this database. Nothing is asked of it before somebody follows.
    #[must_use]
    pub fn new(db: PgPool) -> Self {
        Self { followed: Followed::default(), db, listening: Arc::default() }
    }

    fn follower(&self, user: UserId) -> Follower {
        self.listening.get_or_init(|| {
            let (db, followed) = (self.db.clone(), Arc::clone(&self.followed));
            AbortOnDropHandle::new(tokio::spawn(wake(db, followed)))
        });
        let woken = lock(&self.followed).entry(user).or_insert_with(|| watch::channel(()).0).subscribe();
        Follower { user, woken, followed: Arc::clone(&self.followed) }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Entry::Occupied(entry) = lock(&self.followed).entry(self.user)
            && entry.get().receiver_count() <= 1
        {
            entry.remove();
        }
    }
}

fn lock(followed: &Followed) -> MutexGuard<'_, HashMap<UserId, watch::Sender<()>>> {
    followed.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn wake(db: PgPool, followed: Followed) {
    let never = listen::for_ever(&db, &[CHANNEL], |heard| match heard {
        Heard::Gap => lock(&followed).values().for_each(|user| user.send_replace(())),
        Heard::Said { payload, .. } => {
            let user = Uuid::try_parse(payload).ok().map(UserId);
            if let Some(user) = user.and_then(|user| lock(&followed).get(&user).cloned()) {
                user.send_replace(());
            }
        }
    });
    match never.await {}
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
    let position = match after {
        Some(after) => Some(store.position_of(user, after).await?),
        None => store.end(user).await?,
    };
    let reader = Reader { store, user, follower, position, read: VecDeque::new(), failed: false };
    Ok(stream::unfold(reader, Reader::next))
}

/// Where somebody who follows is in the table.
struct Reader {
    store: Store,
    user: SignedIn,
    follower: Follower,
    position: Option<Position>,
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
                self.position = Some(next.position());
                return Some((Ok(next), self));
            }
            // What arrives while the table is read wakes once more.
            self.follower.woken.mark_unchanged();
            match self.store.newer(self.user, self.position).await {
                Ok(newer) if newer.is_empty() => self.follower.woken.changed().await.ok()?,
                Ok(newer) => self.read.extend(newer),
                Err(Error::Unavailable(_)) => sleep(RETRY).await,
                Err(error) => {
                    self.failed = true;
                    return Some((Err(error), self));
                }
            }
        }
    }
}
