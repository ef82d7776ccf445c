//! Every SQL statement on the sessions table.

use chrono::{TimeDelta, Utc};
use sqlx::{PgConnection, query};
use subgraph_kit::{Error, UserId};

use super::RefreshToken;

/// Begins a session, in which `token` is the one that works.
///
/// # Errors
/// Those of the database.
pub async fn insert(
    db: &mut PgConnection,
    token: &RefreshToken,
    user: UserId,
    lifetime: TimeDelta,
) -> Result<(), Error> {
    let now = Utc::now();
    query!(
        "insert into sessions (id, user_id, refresh_token_hash, created_at, expires_at) values ($1, $2, $3, $4, $5)",
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
