//! Every SQL statement on the table `sessions`.

use chrono::{TimeDelta, Utc};
use contracts::UserId;
use db::DbPool;
use sqlx::{PgConnection, query, query_as};
use subgraph_kit::Error;

use super::refresh_token::RefreshToken;
use crate::user::User;

/// Inserts a session with its valid `token`, and deletes some that have expired.
pub async fn insert(
    db: &mut PgConnection,
    token: &RefreshToken,
    user: UserId,
    lifetime: TimeDelta,
) -> Result<(), Error> {
    let now = Utc::now();
    query!(
        r#"
        with ended as (
            delete from sessions
            where id in (select id from sessions where expires_at < $4 order by expires_at limit 10 for update skip locked)
        )
        insert into sessions (id, user_id, refresh_token_hash, created_at, expires_at)
        values ($1, $2, $3, $4, $5)
        "#,
        token.session,
        user.0,
        &token.hash(),
        now,
        now + lifetime,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Replaces `token` with `next`, and returns the session's user; None if `token` is not valid. Of two concurrent calls,
/// the second finds it replaced.
pub async fn replace(
    db: &DbPool,
    token: &RefreshToken,
    next: &RefreshToken,
    lifetime: TimeDelta,
) -> Result<Option<User>, Error> {
    let now = Utc::now();
    let user = query_as!(
        User,
        r#"
        with renewed as (
            update sessions
            set refresh_token_hash = $3, expires_at = $5
            where id = $1 and refresh_token_hash = $2 and expires_at > $4
            returning user_id
        )
        select users.id, name, role, is_verified, users.created_at, email, true as "has_signed_in!"
        from renewed
        join users on users.id = renewed.user_id
        "#,
        token.session,
        &token.hash(),
        &next.hash(),
        now,
        now + lifetime,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// Ends the session of a token.
pub async fn delete(db: &DbPool, token: &RefreshToken) -> Result<(), Error> {
    query!("delete from sessions where id = $1", token.session).execute(db).await?;
    Ok(())
}

/// Ends all sessions of a user, and returns how many there were.
pub async fn delete_all(db: &mut PgConnection, user: UserId) -> Result<u64, Error> {
    Ok(query!("delete from sessions where user_id = $1", user.0).execute(db).await?.rows_affected())
}
