//! Every SQL statement on the tables `erasures` and `erasure_receipts`, and those that replace a user by a pseudonym.

use std::time::Duration;

use chrono::{DateTime, NaiveTime, SubsecRound as _, TimeDelta, Utc};
use contracts::{
    ErasureId, Timestamp, UserId,
    events::{ErasedTable, ErasureReceipt, EventPayload, UserErased},
    ids::new_id_at,
};
use db::DbPool;
use service::{Eraser, Erasures, erasure::LATE_SECONDS};
use sqlx::{PgConnection, query, query_as, query_scalar};
use subgraph_kit::{Error, viewer::CurrentSession};
use uuid::{Builder, Uuid};

use super::{Erasure, ErasureState, NAME, Receipt, SERVICE, services};
use crate::user::{
    User, all_forms, normalize_email,
    store::{Actor, lock, lock_and_get, lock_viewer, require_other_admin},
};

/// The time between the first and the last receipt beyond which a service was late.
const MAX_SPREAD: Duration = Duration::from_secs(LATE_SECONDS.unsigned_abs());

/// How often all services are asked once more, in case that it is only their clocks that differ.
const MAX_REPEATS: i32 = 3;

/// Who deletes an account.
#[derive(Clone, Copy)]
pub enum By {
    /// Its user, by an access token of this session.
    Owner(CurrentSession),
    /// Somebody else.
    Other(Actor),
}

/// A request to delete an account.
pub struct Request {
    /// The account.
    pub user: UserId,
    /// Who deletes it.
    pub by: By,
    /// The admin's reason.
    pub reason: Option<String>,
    /// How long an access token may still be valid.
    pub token_lifetime: TimeDelta,
}

/// A row of `erasures`, with its receipts.
struct Found {
    id: ErasureId,
    requested_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    reason: Option<String>,
    receipts: String,
}

/// Deletes an account: ends its sessions, replaces it by a pseudonym, and tells the other services.
///
/// # Errors
/// `NOT_FOUND` if there is no such account, or it was deleted before; `LAST_ADMIN`; those of [`Actor`] and [`lock_viewer`].
pub async fn delete(
    db: &DbPool,
    erasures: &Erasures<impl Eraser>,
    Request { user, by, reason, token_lifetime }: Request,
) -> Result<Erasure, Error> {
    let mut tx = db.begin().await?;
    let account = lock_account(&mut tx, user, by).await?;
    require_other_admin(&mut tx, &account, "userId").await?;
    let id = ErasureId(random_id());
    let now = Utc::now().trunc_subsecs(3);
    // Of the day alone: by the exact time, whoever knows of the erasure would find the pseudonym.
    let (pseudonym, day) = new_id_at(now.date_naive().and_time(NaiveTime::MIN).and_utc());
    query!("insert into erasures (id, requested_at, reason) values ($1, $2, $3)", id.0, now, reason.as_deref(),)
        .execute(&mut *tx)
        .await?;
    let erased =
        UserErased { erasure_id: id, user_id: user, pseudonym: UserId(pseudonym), tokens_end_at: now + token_lifetime };
    let after_commit = erasures.begin(&mut tx, &erased).await?;
    insert_pseudonym(&mut tx, erased.pseudonym, day).await?;
    messaging::publish(&mut tx, EventPayload::UserErased(erased)).await?;
    tx.commit().await?;
    if let Some(after_commit) = after_commit {
        after_commit();
    }
    Ok(Erasure {
        id,
        state: ErasureState::Running,
        requested_at: now.into(),
        completed_at: None,
        receipts: Vec::new(),
        pending_services: services().map(str::to_owned).collect(),
        reason,
    })
}

async fn lock_account(db: &mut PgConnection, user: UserId, by: By) -> Result<User, Error> {
    match by {
        By::Owner(session) => {
            lock(db, Actor::Operator, user).await?;
            lock_viewer(db, user, session).await
        }
        By::Other(actor) => lock_and_get(db, actor, user).await,
    }
}

/// Deletes a user, with their sessions and whatever else belongs to the account alone.
pub async fn delete_user(db: &mut PgConnection, user: UserId) -> Result<Vec<ErasedTable>, Error> {
    let resets = delete_reset_requests(db, user).await?;
    let clients = query!("delete from known_clients where user_id = $1", user.0).execute(&mut *db).await?;
    let tokens = query!("delete from email_tokens where user_id = $1", user.0).execute(&mut *db).await?;
    let mails = query!("delete from mails where user_id = $1", user.0).execute(&mut *db).await?;
    let exports = query!("delete from data_exports where user_id = $1", user.0).execute(&mut *db).await?;
    let recovery_codes = query!("delete from recovery_codes where user_id = $1", user.0).execute(&mut *db).await?;
    let second_factors = query!("delete from second_factors where user_id = $1", user.0).execute(&mut *db).await?;
    let sessions = query!("delete from sessions where user_id = $1", user.0).execute(&mut *db).await?;
    let users = query!("delete from users where id = $1", user.0).execute(db).await?;
    let table = |table: &str, deleted| ErasedTable { table: table.to_owned(), deleted, anonymized: 0 };
    Ok(vec![
        table("users", users.rows_affected()),
        table("sessions", sessions.rows_affected()),
        table("data_exports", exports.rows_affected()),
        table("mails", mails.rows_affected()),
        table("email_tokens", tokens.rows_affected()),
        table("known_clients", clients.rows_affected()),
        table("password_reset_requests", resets),
        table("second_factors", second_factors.rows_affected()),
        table("recovery_codes", recovery_codes.rows_affected()),
    ])
}

/// They hold the address, as it was typed, until a worker has looked for the account.
async fn delete_reset_requests(db: &mut PgConnection, user: UserId) -> Result<u64, Error> {
    let email = query_scalar!("select email from users where id = $1", user.0).fetch_optional(&mut *db).await?;
    let Some(email) = email else { return Ok(0) };
    let forms = all_forms(&normalize_email(&email));
    let deleted = query!("delete from password_reset_requests where lower(btrim(email)) = any($1)", &forms);
    Ok(deleted.execute(db).await?.rows_affected())
}

/// Inserts what takes the user's place: no password matches the hash, and no mail reaches the address.
async fn insert_pseudonym(db: &mut PgConnection, id: UserId, created_at: DateTime<Utc>) -> Result<(), Error> {
    query!(
        "insert into users (id, email, password_hash, name, created_at, suspended_at, erased_at)
         values ($1, $2, '!', $3, $4, $4, $4)",
        id.0,
        format!("deleted-{}@invalid", random_id().simple()),
        NAME,
        created_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

fn random_id() -> Uuid {
    Builder::from_random_bytes(rand::random()).into_uuid()
}

/// Stores the receipt of another service, and completes the erasure with the last one.
///
/// A service that was late has sent events until it knew of the erasure, and others may have been done before they came:
/// then all are asked once more.
pub async fn receive_receipt(db: &mut PgConnection, receipt: &ErasureReceipt) -> Result<(), Error> {
    let erasure = receipt.erasure_id;
    lock_erasure(db, erasure).await?;
    store_receipt(db, receipt).await?;
    let asked = messaging::erasure::take_sent(db, erasure, &receipt.service).await?;
    if let Some(event) = asked
        && discard_receipts(db, erasure).await?
    {
        messaging::publish(db, event.payload).await?;
    }
    complete(db, erasure).await
}

/// Stores the receipt of identity itself, and completes the erasure if it is the last one.
pub async fn insert_receipt(db: &mut PgConnection, receipt: &ErasureReceipt) -> Result<(), Error> {
    lock_erasure(db, receipt.erasure_id).await?;
    store_receipt(db, receipt).await?;
    complete(db, receipt.erasure_id).await
}

/// Receipts come one after the other, so that the last one finds all others.
async fn lock_erasure(db: &mut PgConnection, id: ErasureId) -> Result<(), Error> {
    query!("select id from erasures where id = $1 for update", id.0).fetch_optional(db).await?;
    Ok(())
}

/// Stores a receipt, once.
async fn store_receipt(db: &mut PgConnection, receipt: &ErasureReceipt) -> Result<(), Error> {
    let ErasureReceipt { erasure_id, service, erased_at, tables, signature } = receipt;
    query!(
        "insert into erasure_receipts (erasure_id, service, erased_at, tables, signature)
         select id, $2, $3, $4::text::jsonb, $5 from erasures where id = $1
         on conflict (erasure_id, service) do nothing",
        erasure_id.0,
        service,
        erased_at,
        serde_json::to_string(tables).map_err(Error::internal)?,
        signature,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Discards the receipts of all other services if they are here and too far apart. False if they count.
async fn discard_receipts(db: &mut PgConnection, id: ErasureId) -> Result<bool, Error> {
    let discarded = query!(
        "with repeated as (
             update erasures set repeats = repeats + 1
             where id = $1 and completed_at is null and repeats < $4 and (
                 select count(*) = $3 and max(erased_at) - min(erased_at) > make_interval(secs => $5)
                 from erasure_receipts
                 where erasure_id = $1 and service <> $2
             )
             returning id
         )
         delete from erasure_receipts
         where erasure_id in (select id from repeated) and service <> $2",
        id.0,
        SERVICE,
        number_of_services() - 1,
        MAX_REPEATS,
        MAX_SPREAD.as_secs_f64(),
    );
    Ok(discarded.execute(db).await?.rows_affected() > 0)
}

/// Completes an erasure of which all receipts are here.
async fn complete(db: &mut PgConnection, id: ErasureId) -> Result<(), Error> {
    query!(
        "update erasures set completed_at = now(), reason = null
         where id = $1 and completed_at is null
           and (select count(*) from erasure_receipts where erasure_id = $1) = $2",
        id.0,
        number_of_services(),
    )
    .execute(db)
    .await?;
    Ok(())
}

fn number_of_services() -> i64 {
    i64::try_from(services().count()).unwrap_or(i64::MAX)
}

/// Finds an erasure by its id.
pub async fn find(db: &DbPool, id: ErasureId) -> Result<Option<Erasure>, Error> {
    let found = query_as!(
        Found,
        r#"
        select id as "id: ErasureId", requested_at, completed_at, reason, (
            select coalesce(jsonb_agg(jsonb_build_object(
                'erasure_id', erasure_id, 'service', service, 'erased_at', erased_at, 'tables', tables,
                'signature', signature
            ) order by erased_at, service), '[]')::text
            from erasure_receipts
            where erasure_id = erasures.id
        ) as "receipts!"
        from erasures
        where id = $1
        "#,
        id.0,
    )
    .fetch_optional(db)
    .await?;
    found.map(Erasure::try_from).transpose()
}

impl TryFrom<Found> for Erasure {
    type Error = Error;

    fn try_from(found: Found) -> Result<Self, Error> {
        let Found { id, requested_at, completed_at, reason, receipts } = found;
        let receipts: Vec<ErasureReceipt> = serde_json::from_str(&receipts).map_err(Error::internal)?;
        let is_pending = |service: &&str| !receipts.iter().any(|receipt| receipt.service == *service);
        Ok(Self {
            id,
            state: if completed_at.is_some() { ErasureState::Completed } else { ErasureState::Running },
            requested_at: requested_at.into(),
            completed_at: completed_at.map(Timestamp::from),
            pending_services: services().filter(is_pending).map(str::to_owned).collect(),
            receipts: receipts.into_iter().map(Receipt::from).collect(),
            reason,
        })
    }
}
