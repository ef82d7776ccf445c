//! Every SQL statement on the table `data_exports`.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::{
    UserId,
    events::{DataExported, EventPayload},
    ids::new_id_and_time,
};
use db::DbPool;
use sha2::{Digest as _, Sha256};
use sqlx::{query, query_as, query_scalar};
use subgraph_kit::{
    Error,
    viewer::{CurrentSession, SignedIn},
};
use uuid::Uuid;

use super::{DataExport, DataExportState};
use crate::user::store::{ACCOUNT_DELETED, lock_viewer};

/// How long a file is kept.
const LIFETIME: TimeDelta = TimeDelta::days(7);

/// How long the user has to wait before the next one.
const PAUSE: TimeDelta = TimeDelta::days(1);

/// How long a link is valid.
const LINK_LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// A request whose data are to be collected.
pub(super) struct Due {
    /// The id of the request.
    pub id: Uuid,
    /// The user.
    pub user: UserId,
}

struct Row {
    requested_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    is_ready: bool,
}

impl From<Row> for DataExport {
    fn from(row: Row) -> Self {
        Self {
            state: if row.is_ready { DataExportState::Ready } else { DataExportState::Running },
            requested_at: row.requested_at.into(),
            expires_at: row.expires_at.into(),
        }
    }
}

/// Requests an export, in place of one that is older than a day.
///
/// # Errors
/// [`Error::RateLimited`] if there is a newer one; those of [`lock_viewer`].
pub async fn request(db: &DbPool, user: SignedIn, session: CurrentSession) -> Result<DataExport, Error> {
    let (id, now) = new_id_and_time();
    let mut tx = db.begin().await?;
    lock_viewer(&mut tx, user.id(), session).await?;
    let inserted = query!(
        "insert into data_exports (id, user_id, requested_at, next_attempt_at, expires_at)
         select $1, id, $3, $3, $4 from users where id = $2
         on conflict on constraint data_exports_one_per_user do update
         set id = excluded.id, requested_at = excluded.requested_at, attempts = 0,
             next_attempt_at = excluded.next_attempt_at, content = null, expires_at = excluded.expires_at,
             link_hash = null, link_expires_at = null
         where data_exports.requested_at <= $5",
        id,
        user.id().0,
        now,
        now + LIFETIME,
        now - PAUSE,
    );
    let is_inserted = inserted.execute(&mut *tx).await?.rows_affected() > 0;
    tx.commit().await?;
    match find(db, user).await? {
        Some(export) if is_inserted => Ok(export),
        Some(export) => {
            let seconds = (export.requested_at.0 + PAUSE - now).num_seconds().max(1);
            Err(Error::RateLimited { retry_after: seconds.unsigned_abs() })
        }
        // Deleted meanwhile.
        None => Err(ACCOUNT_DELETED),
    }
}

/// Finds the user's export.
pub async fn find(db: &DbPool, user: SignedIn) -> Result<Option<DataExport>, Error> {
    let found = query_as!(
        Row,
        r#"
        select requested_at, expires_at, next_attempt_at is null as "is_ready!"
        from data_exports
        where user_id = $1 and expires_at > $2
        "#,
        user.id().0,
        Utc::now(),
    );
    Ok(found.fetch_optional(db).await?.map(DataExport::from))
}

/// Claims the request that has been due longest, with exponential backoff; no lock is held afterwards.
pub(super) async fn claim_next_due(db: &DbPool) -> Result<Option<Due>, Error> {
    let due = query_as!(
        Due,
        r#"
        update data_exports
        set attempts = attempts + 1, next_attempt_at = now() + interval '10 s' * power(2, least(attempts, 8))
        where id = (
            select id from data_exports
            where (next_attempt_at <= now() or next_attempt_at > now() + interval '2 hours')
            order by next_attempt_at
            limit 1
            for update skip locked
        )
        returning id, user_id as "user: UserId"
        "#,
    );
    Ok(due.fetch_optional(db).await?)
}

/// Stores what was collected, unless the user has requested another export meanwhile, and tells the user.
pub(super) async fn finish(db: &DbPool, due: Due, content: &str) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    let expires_at = query_scalar!(
        "update data_exports set content = $2, next_attempt_at = null
         where id = $1 and next_attempt_at is not null
         returning expires_at",
        due.id,
        content,
    );
    if let Some(expires_at) = expires_at.fetch_optional(&mut *tx).await? {
        let exported = DataExported { export_id: due.id, user_id: due.user, expires_at };
        messaging::publish(&mut tx, EventPayload::DataExported(exported)).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Makes `token` the only one that gets the user's file, and returns until when. None if there is no file.
///
/// # Errors
/// Those of [`lock_viewer`].
pub async fn set_link(
    db: &DbPool,
    user: SignedIn,
    session: CurrentSession,
    token: &str,
) -> Result<Option<DateTime<Utc>>, Error> {
    let mut tx = db.begin().await?;
    lock_viewer(&mut tx, user.id(), session).await?;
    let now = Utc::now();
    let end = query_scalar!(
        r#"
        update data_exports set link_hash = $2, link_expires_at = least($3, expires_at)
        where user_id = $1 and next_attempt_at is null and expires_at > $4
        returning link_expires_at as "link_expires_at!"
        "#,
        user.id().0,
        &hash(token),
        now + LINK_LIFETIME,
        now,
    );
    let end = end.fetch_optional(&mut *tx).await?;
    tx.commit().await?;
    Ok(end)
}

/// Returns the file of a link, which then is of no use any more. None if the link is not valid.
pub(super) async fn take(db: &DbPool, token: &str) -> Result<Option<String>, Error> {
    let content = query_scalar!(
        r#"
        update data_exports set link_hash = null, link_expires_at = null
        where link_hash = $1 and link_expires_at > $2 and expires_at > $2
        returning content as "content!"
        "#,
        &hash(token),
        Utc::now(),
    );
    Ok(content.fetch_optional(db).await?)
}

/// Deletes the files that have expired.
pub(super) async fn delete_expired(db: &DbPool) -> Result<(), Error> {
    query!("delete from data_exports where expires_at <= now()").execute(db).await?;
    Ok(())
}

/// The user's own rows, without hashes. The columns are named one by one: one that is added may be a secret.
pub async fn data_of(db: &DbPool, user: UserId) -> Result<String, Error> {
    let data = query_scalar!(
        r#"
        select jsonb_build_object(
            'users', (
                select coalesce(jsonb_agg(jsonb_build_object(
                    'id', id, 'email', email, 'email_verified_at', email_verified_at, 'name', name, 'role', role,
                    'is_verified', is_verified, 'previous_role', previous_role, 'created_at', created_at,
                    'suspended_at', suspended_at, 'second_factor_enabled_at', second_factor_enabled_at
                )), '[]')
                from users
                where id = $1
            ),
            'sessions', (
                select coalesce(jsonb_agg(jsonb_build_object(
                    'id', public_id, 'client', user_agent, 'created_at', created_at, 'last_used_at', last_used_at,
                    'expires_at', expires_at
                ) order by created_at), '[]')
                from sessions
                where user_id = $1
            ),
            -- Not their texts, which may hold a token.
            'mails', (
                select coalesce(jsonb_agg(jsonb_build_object(
                    'recipient', recipient, 'subject', subject, 'created_at', created_at, 'sent_at', sent_at
                ) order by created_at, id), '[]')
                from mails
                where user_id = $1
            ),
            -- Such as a new address that is not confirmed yet.
            'email_tokens', (
                select coalesce(jsonb_agg(jsonb_build_object(
                    'purpose', purpose, 'email', email, 'expires_at', expires_at
                ) order by expires_at, purpose), '[]')
                from email_tokens
                where user_id = $1
            ),
            -- Since when it is enabled is in `users`.
            'second_factors', (
                select coalesce(jsonb_agg(jsonb_build_object(
                    'created_at', created_at,
                    'recovery_codes_left', (select count(*) from recovery_codes where user_id = $1)
                )), '[]')
                from second_factors
                where user_id = $1
            ),
            'known_clients', (
                select coalesce(jsonb_agg(jsonb_build_object('last_seen', last_seen) order by last_seen), '[]')
                from known_clients
                where user_id = $1
            )
        )::text as "data!"
        "#,
        user.0,
    );
    Ok(data.fetch_one(db).await?)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
