//! Every SQL statement on the table `email_tokens`.

use chrono::{DateTime, Utc};
use contracts::UserId;
use db::DbPool;
use sqlx::{PgConnection, query, query_as};
use subgraph_kit::Error;

use super::token::{Purpose, TokenHash};

/// Whom a valid token belongs to.
pub(crate) struct TokenOwner {
    /// The user.
    pub user: UserId,
    /// The address that the mail went to.
    pub email: String,
}

pub(super) async fn insert(
    db: &mut PgConnection,
    hash: &TokenHash,
    (user, email): (UserId, &str),
    purpose: Purpose,
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    query!(
        "insert into email_tokens (token_hash, user_id, purpose, email, expires_at) values ($1, $2, $3, $4, $5)",
        hash.as_bytes(),
        user.0,
        purpose as Purpose,
        email,
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finds the owner of a valid token.
pub(crate) async fn find(db: &DbPool, hash: &TokenHash, purpose: Purpose) -> Result<Option<TokenOwner>, Error> {
    let owner = query_as!(
        TokenOwner,
        r#"
        select user_id as "user: UserId", email from email_tokens
        where token_hash = $1 and purpose = $2 and expires_at > now()
        "#,
        hash.as_bytes(),
        purpose as Purpose,
    );
    Ok(owner.fetch_optional(db).await?)
}

/// Uses a valid token up. False if it is not valid: of two concurrent uses, one is the first.
pub(crate) async fn take(db: &mut PgConnection, hash: &TokenHash, purpose: Purpose) -> Result<bool, Error> {
    let taken = query!(
        "delete from email_tokens where token_hash = $1 and purpose = $2 and expires_at > now()",
        hash.as_bytes(),
        purpose as Purpose,
    );
    Ok(taken.execute(db).await?.rows_affected() > 0)
}

/// Deletes all tokens of a user.
pub(crate) async fn delete_all(db: &mut PgConnection, user: UserId) -> Result<(), Error> {
    query!("delete from email_tokens where user_id = $1", user.0).execute(db).await?;
    Ok(())
}

/// Deletes the tokens of a user for this purpose.
pub(crate) async fn delete(db: &mut PgConnection, user: UserId, purpose: Purpose) -> Result<(), Error> {
    query!("delete from email_tokens where user_id = $1 and purpose = $2", user.0, purpose as Purpose)
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes tokens that have expired.
pub(crate) async fn delete_expired(db: &DbPool) -> Result<(), sqlx::Error> {
    query!("delete from email_tokens where expires_at < now()").execute(db).await?;
    Ok(())
}
