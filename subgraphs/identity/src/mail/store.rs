//! Every SQL statement on the table `mails`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contracts::{UserId, ids::new_id_and_time};
use db::DbPool;
use sqlx::{PgConnection, query, query_as};
use subgraph_kit::Error;
use uuid::Uuid;

/// A mail to write.
pub(super) struct NewMail<'a> {
    pub user: UserId,
    pub recipient: &'a str,
    pub subject: &'static str,
    pub body: &'a str,
    pub expires_at: DateTime<Utc>,
}

/// A mail that this process sends.
pub(super) struct PendingMail {
    pub id: Uuid,
    pub recipient: String,
    pub subject: String,
    pub body: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// A mail, for operators and developers.
pub struct Mail {
    /// Its id, which is part of its `Message-ID`.
    pub id: Uuid,
    /// The address that it goes to.
    pub recipient: String,
    /// The subject.
    pub subject: String,
    /// The text; `None` after an SMTP server has accepted it, and after it has expired.
    pub body: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was sent, or stored for good if there is no SMTP server.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was given up.
    pub failed_at: Option<DateTime<Utc>>,
    /// The number of attempts.
    pub attempts: i32,
    /// Why the last attempt failed.
    pub reason: Option<String>,
}

pub(super) async fn insert(db: &mut PgConnection, mail: NewMail<'_>) -> Result<(), Error> {
    let (id, created_at) = new_id_and_time();
    query!(
        "insert into mails (id, user_id, recipient, subject, body, created_at, next_attempt_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $6, $7)",
        id,
        mail.user.0,
        mail.recipient,
        mail.subject,
        mail.body,
        created_at,
        mail.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Claims the mail that is due first. Until `lease` is over, nobody else does.
pub(super) async fn claim_next(db: &DbPool, lease: Duration) -> Result<Option<PendingMail>, sqlx::Error> {
    query_as!(
        PendingMail,
        r#"
        update mails set attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $1)
        where id = (
            select id from mails
            where sent_at is null and failed_at is null
              and (next_attempt_at <= now() or next_attempt_at > now() + interval '2 hours')
            order by next_attempt_at
            limit 1
            for update skip locked
        )
        returning id, recipient, subject, coalesce(body, '') as "body!", created_at, expires_at
        "#,
        lease.as_secs_f64(),
    )
    .fetch_optional(db)
    .await
}

/// Marks a mail as sent. Its text is not needed any more, unless this table is the mailbox.
pub(super) async fn mark_sent(db: &DbPool, id: Uuid, is_mailbox: bool) -> Result<(), sqlx::Error> {
    query!(
        "update mails set sent_at = now(), reason = null, body = case when $2 then body end where id = $1",
        id,
        is_mailbox,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes the next attempt due with exponential backoff, from 5 s to about 10 min.
pub(super) async fn schedule_retry(db: &DbPool, id: Uuid, reason: &str) -> Result<(), sqlx::Error> {
    query!(
        "update mails set reason = $2, next_attempt_at = now() + interval '5 s' * power(2, least(attempts - 1, 7))
         where id = $1",
        id,
        reason,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives a mail up.
pub(super) async fn mark_failed(db: &DbPool, id: Uuid, reason: &str) -> Result<(), sqlx::Error> {
    query!("update mails set reason = $2, failed_at = now() where id = $1", id, reason).execute(db).await?;
    Ok(())
}

/// Deletes old mails, and the texts of those that were given up and have expired.
pub(super) async fn delete_expired(db: &DbPool, retention_days: u32) -> Result<(), sqlx::Error> {
    let days = i32::try_from(retention_days).unwrap_or(i32::MAX);
    query!("delete from mails where coalesce(sent_at, failed_at) < now() - make_interval(days => $1)", days)
        .execute(db)
        .await?;
    query!("update mails set body = null where failed_at is not null and expires_at < now() and body is not null")
        .execute(db)
        .await?;
    Ok(())
}

/// Lists the newest mails, to this address if one is given.
pub async fn list(db: &DbPool, recipient: Option<&str>, limit: i64) -> Result<Vec<Mail>, Error> {
    let mails = query_as!(
        Mail,
        r#"
        select id, recipient, subject, body, created_at, sent_at, failed_at, attempts, reason
        from mails
        where $1::text is null or recipient = $1
        order by id desc
        limit $2
        "#,
        recipient,
        limit,
    );
    Ok(mails.fetch_all(db).await?)
}

/// Finds a mail.
pub async fn find(db: &DbPool, id: Uuid) -> Result<Option<Mail>, Error> {
    let mail = query_as!(
        Mail,
        r#"
        select id, recipient, subject, body, created_at, sent_at, failed_at, attempts, reason
        from mails
        where id = $1
        "#,
        id,
    );
    Ok(mail.fetch_optional(db).await?)
}

/// Has a mail that was given up sent again. False if it was not, or has no text any more.
pub async fn resend(db: &DbPool, id: Uuid) -> Result<bool, Error> {
    let updated = query!(
        "update mails set failed_at = null, next_attempt_at = now()
         where id = $1 and failed_at is not null and body is not null and expires_at > now()",
        id,
    );
    Ok(updated.execute(db).await?.rows_affected() > 0)
}
