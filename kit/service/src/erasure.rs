//! Erasing a user whose account was deleted: the part that is the same in every service.
//!
//! It takes two steps. The event erases what there is, and from then on the service accepts no token of the user. When the
//! user's last token has expired and no event can be on its way any more, a task looks for rows that came late, forgets who
//! the pseudonym was, and signs the receipt.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    time::{Duration, Instant},
};

use auth::seal::SealKeys;
use chrono::{DateTime, SubsecRound as _, Utc};
use contracts::{
    ErasureId, UserId,
    events::{ErasedTable, ErasureReceipt, Event, EventPayload, UserErased},
};
use db::{
    DbPool,
    availability::{BACKGROUND_TIMEOUT, with_timeout},
};
use messaging::{AfterCommit, Cause, Handler};
use sqlx::{PgConnection, query, query_as, query_scalar};
use subgraph_kit::Error;
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often other processes of the service learn of a deleted account, and due erasures are looked for.
const INTERVAL: Duration = Duration::from_secs(2);

/// How long an event that was sent before the erasure may be on its way. Longer than a delivery's timeout, and than NATS
/// waits before it delivers again.
pub const LATE_SECONDS: i64 = 10;

/// How long after the event a service waits at least. Twice as long as an event may be on its way, so that a receipt shows
/// whether the service was late: if it is as old as those of others, they have looked after its last event had come.
const MIN_WAIT_SECONDS: i64 = 2 * LATE_SECONDS;

/// Erases a user from one service's tables.
pub trait Eraser: Clone + Send + Sync + 'static {
    /// The service's name.
    const SERVICE: &'static str;

    /// Deletes the user's rows, or replaces the user in them by the pseudonym. It is called twice, and finds the second
    /// time what came late.
    fn erase(
        &self,
        db: &mut PgConnection,
        user: UserId,
        pseudonym: UserId,
    ) -> impl Future<Output = Result<Vec<ErasedTable>, Error>> + Send;

    /// Sends the receipt to identity.
    fn send_receipt(
        &self,
        db: &mut PgConnection,
        receipt: ErasureReceipt,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// The users whose accounts were deleted while their access tokens may still be valid. Clones share them.
#[derive(Clone, Default)]
pub struct ErasedUsers(watch::Sender<HashMap<UserId, Instant>>);

impl ErasedUsers {
    /// Whether this user's account was deleted.
    #[must_use]
    pub fn contains(&self, user: UserId) -> bool {
        self.0.borrow().contains_key(&user)
    }

    fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Adds a user.
    pub fn add(&self, user: UserId) {
        self.0.send_modify(|users| _ = users.insert(user, Instant::now()));
    }

    /// Waits until this user's account is deleted.
    pub(crate) async fn wait_for(&self, user: UserId) {
        // Not an error while there is a sender, such as this one.
        _ = self.0.subscribe().wait_for(|users| users.contains_key(&user)).await;
    }

    /// Takes over the users in the database.
    async fn refresh(&self, db: &DbPool) -> Result<(), sqlx::Error> {
        let users: Vec<uuid::Uuid> =
            query_scalar("select user_id from erased_users where user_id is not null").fetch_all(db).await?;
        let users: HashSet<UserId> = users.into_iter().map(UserId).collect();
        if users.is_empty() && self.is_empty() {
            return Ok(());
        }
        self.0.send_if_modified(|known| {
            // One that was added meanwhile is not in the result yet.
            known.retain(|user, since| users.contains(user) || since.elapsed() < BACKGROUND_TIMEOUT);
            let kept = known.len();
            for user in users {
                known.entry(user).or_insert_with(Instant::now);
            }
            known.len() > kept
        });
        Ok(())
    }
}

/// Erases users from one service.
#[derive(Clone)]
pub struct Erasures<E> {
    eraser: E,
    seals: SealKeys,
    users: ErasedUsers,
}

/// An erasure whose user is to be forgotten.
#[derive(sqlx::FromRow)]
struct Due {
    pseudonym: uuid::Uuid,
    user_id: uuid::Uuid,
    erasure_id: uuid::Uuid,
    /// JSON.
    tables: String,
}

impl<E: Eraser> Erasures<E> {
    /// Erases with `eraser`, and signs with the service's seal.
    #[must_use]
    pub fn new(eraser: E, seals: SealKeys) -> Self {
        Self { eraser, seals, users: ErasedUsers::default() }
    }

    /// The users whose tokens are not accepted any more.
    #[must_use]
    pub fn users(&self) -> &ErasedUsers {
        &self.users
    }

    /// Erases a user. If the service has forgotten the user already, it begins again, and signs another receipt: identity
    /// asks once more if another service was late, since rows may have come of its events.
    ///
    /// # Errors
    /// If a statement fails.
    pub async fn begin(&self, db: &mut PgConnection, erased: &UserErased) -> Result<AfterCommit, Error> {
        let UserErased { erasure_id, user_id, pseudonym, tokens_end_at } = erased;
        let forget_at = (*tokens_end_at).max(Utc::now() + chrono::TimeDelta::seconds(MIN_WAIT_SECONDS));
        let begun: Option<String> = query_scalar(
            "insert into erased_users (pseudonym, user_id, erasure_id, forget_at) values ($1, $2, $3, $4)
             on conflict (pseudonym) do update
             set user_id = excluded.user_id, erasure_id = excluded.erasure_id, forget_at = excluded.forget_at
             where erased_users.user_id is null
             returning tables::text",
        )
        .bind(pseudonym.0)
        .bind(user_id.0)
        .bind(erasure_id.0)
        .bind(forget_at)
        .fetch_optional(&mut *db)
        .await?;
        let erased = self.erase(db, *user_id, *pseudonym).await?;
        let Some(earlier) = begun else { return Ok(None) };
        let mut tables: Vec<ErasedTable> = serde_json::from_str(&earlier).map_err(Error::internal)?;
        add(&mut tables, erased);
        query("update erased_users set tables = $2::jsonb where pseudonym = $1")
            .bind(pseudonym.0)
            .bind(serde_json::to_string(&tables).map_err(Error::internal)?)
            .execute(db)
            .await?;
        let (users, user) = (self.users.clone(), *user_id);
        Ok(Some(Box::new(move || users.add(user))))
    }

    /// Events first: the handler of another event may hold its row, and wait for one of ours.
    async fn erase(&self, db: &mut PgConnection, user: UserId, pseudonym: UserId) -> Result<Vec<ErasedTable>, Error> {
        let mut tables = messaging::erasure::erase_from_events(db, user, pseudonym).await?;
        add(&mut tables, self.eraser.erase(db, user, pseudonym).await?);
        Ok(tables)
    }

    /// Runs until `stop` is cancelled. Several may run at once.
    pub async fn run(self, db: DbPool, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match timeout(BACKGROUND_TIMEOUT, self.round(&db)).await {
                Ok(Ok(true)) => continue,
                Ok(Ok(false)) => {}
                Ok(Err(error)) => warn!(service = E::SERVICE, error = %error, "erasure failed, retrying"),
                Err(late) => warn!(service = E::SERVICE, error = %late, "erasure failed, retrying"),
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Learns of deleted accounts, and completes one erasure. False if none was due.
    async fn round(&self, db: &DbPool) -> Result<bool, Error> {
        with_timeout(BACKGROUND_TIMEOUT, self.users.refresh(db)).await?;
        if self.users.is_empty() { Ok(false) } else { self.finish_next(db, Utc::now()).await }
    }

    /// Completes the first erasure that is due at `now`. False if none is.
    ///
    /// # Errors
    /// If a statement fails.
    pub async fn finish_next(&self, db: &DbPool, now: DateTime<Utc>) -> Result<bool, Error> {
        let mut tx = db.begin().await?;
        let due: Option<Due> = query_as(
            "select pseudonym, user_id, erasure_id, tables::text as tables
             from erased_users
             where user_id is not null and forget_at <= $1
             order by forget_at
             limit 1
             for update skip locked",
        )
        .bind(now)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(Due { pseudonym, user_id, erasure_id, tables }) = due else { return Ok(false) };
        let mut tables: Vec<ErasedTable> = serde_json::from_str(&tables).map_err(Error::internal)?;
        add(&mut tables, self.erase(&mut tx, UserId(user_id), UserId(pseudonym)).await?);
        let counts = serde_json::to_string(&tables).map_err(Error::internal)?;
        let mut receipt = ErasureReceipt {
            erasure_id: ErasureId(erasure_id),
            service: E::SERVICE.to_owned(),
            // As precise as the database.
            erased_at: Utc::now().trunc_subsecs(6),
            tables,
            signature: String::new(),
        };
        receipt.signature = self.seals.sign_receipt(&receipt);
        self.eraser.send_receipt(&mut tx, receipt).await?;
        // The counts stay, in case that it begins again. The exact time would lead to the erasure.
        query(
            "update erased_users
             set user_id = null, erasure_id = null, forget_at = date_trunc('day', forget_at, 'UTC'), tables = $2::jsonb
             where pseudonym = $1",
        )
        .bind(pseudonym)
        .bind(counts)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        info!(service = E::SERVICE, erasure.id = %erasure_id, "user erased");
        Ok(true)
    }

    /// The handler of a service's events that also erases users.
    pub(crate) fn handler<H: Handler>(&self, handler: H) -> ErasingHandler<E, H> {
        ErasingHandler { erasures: self.clone(), handler }
    }
}

/// Adds the counts of each table.
fn add(sum: &mut Vec<ErasedTable>, more: Vec<ErasedTable>) {
    for ErasedTable { table, deleted, anonymized } in more {
        match sum.iter_mut().find(|known| known.table == table) {
            Some(known) => {
                known.deleted += deleted;
                known.anonymized += anonymized;
            }
            None => sum.push(ErasedTable { table, deleted, anonymized }),
        }
    }
}

pub(crate) struct ErasingHandler<E, H> {
    erasures: Erasures<E>,
    handler: H,
}

impl<E: Eraser, H: Handler> Handler for ErasingHandler<E, H> {
    async fn handle(&self, transaction: &mut PgConnection, event: Event) -> Result<AfterCommit, Error> {
        match &event.payload {
            EventPayload::UserErased(erased) => self.erasures.begin(transaction, erased).await,
            _ => self.handler.handle(transaction, event).await,
        }
    }

    async fn missing_cause(&self, transaction: &mut PgConnection, event: &Event) -> Result<Option<Cause>, Error> {
        self.handler.missing_cause(transaction, event).await
    }
}

/// The handler of a service that consumes no other events.
#[derive(Clone, Copy, Debug)]
pub struct NoOtherEvents;

impl Handler for NoOtherEvents {
    async fn handle(&self, _: &mut PgConnection, _: Event) -> Result<AfterCommit, Error> {
        Ok(None)
    }
}
