//! Every SQL statement on second factors and their recovery codes.

use std::collections::HashMap;

use async_graphql::{SimpleObject, dataloader::Loader};
use chrono::{DateTime, Utc};
use contracts::{Timestamp, UserId};
use db::DbPool;
use sqlx::{PgConnection, query, query_as, query_scalar};
use subgraph_kit::{Error, Table, viewer::SelfOrAdmin};
use uuid::Uuid;

use crate::user::User;

/// The second factor of a user: an authenticator app, and recovery codes. Only the user and admins may see it.
#[derive(Clone, SimpleObject)]
pub struct SecondFactor {
    /// Whether signing in needs the second factor.
    pub is_enabled: bool,
    /// The time since which signing in needs the second factor; null if it does not.
    pub enabled_at: Option<Timestamp>,
    /// The number of recovery codes that were not used yet; 0 if the second factor is not enabled.
    pub recovery_codes_left: i32,
}

/// The key of a user's second factor. It is made of the proof that the viewer may see it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecondFactorOf(UserId);

/// A user's secret, as it is stored.
pub(super) struct StoredSecret {
    pub user: UserId,
    /// Encrypted.
    pub secret: Vec<u8>,
    pub created_at: DateTime<Utc>,
}

impl From<SelfOrAdmin> for SecondFactorOf {
    fn from(proof: SelfOrAdmin) -> Self {
        Self(subgraph_kit::viewer::Proof::owner(&proof))
    }
}

/// Whether signing in needs the user's second factor. The user's row is locked, so that it stays so.
pub(crate) async fn is_enabled(db: &mut PgConnection, user: UserId) -> Result<bool, Error> {
    let is_enabled =
        query_scalar!(r#"select second_factor_enabled_at is not null as "enabled!" from users where id = $1"#, user.0);
    Ok(is_enabled.fetch_optional(db).await?.unwrap_or(false))
}

/// Stores the secret of a second factor that is not enabled yet, in place of another such one.
pub(super) async fn put(
    db: &mut PgConnection,
    user: UserId,
    secret: &[u8],
    created_at: DateTime<Utc>,
) -> Result<(), Error> {
    query!(
        "insert into second_factors (user_id, secret, created_at) values ($1, $2, $3)
         on conflict (user_id) do update
         set secret = excluded.secret, created_at = excluded.created_at, last_step = 0",
        user.0,
        secret,
        created_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finds a user's secret.
pub(super) async fn find_secret(db: &mut PgConnection, user: UserId) -> Result<Option<StoredSecret>, Error> {
    let stored = query_as!(
        StoredSecret,
        r#"select user_id as "user: UserId", secret, created_at from second_factors where user_id = $1"#,
        user.0,
    );
    Ok(stored.fetch_optional(db).await?)
}

/// Accepts the code of a time step, once. False if it, or that of a later step, was accepted before: of two concurrent uses,
/// one is the first.
pub(super) async fn accept_step(db: &mut PgConnection, user: UserId, step: i64) -> Result<bool, Error> {
    let accepted =
        query!("update second_factors set last_step = $2 where user_id = $1 and last_step < $2", user.0, step);
    Ok(accepted.execute(db).await?.rows_affected() > 0)
}

/// Uses a recovery code up. False if the user has no such code: of two concurrent uses, one is the first.
pub(super) async fn take_recovery_code(db: &mut PgConnection, user: UserId, hash: &[u8]) -> Result<bool, Error> {
    let taken = query!("delete from recovery_codes where user_id = $1 and code_hash = $2", user.0, hash);
    Ok(taken.execute(db).await?.rows_affected() > 0)
}

/// How many recovery codes a user has left.
pub(super) async fn count_recovery_codes(db: &mut PgConnection, user: UserId) -> Result<i64, Error> {
    let count = query_scalar!(r#"select count(*) as "count!" from recovery_codes where user_id = $1"#, user.0);
    Ok(count.fetch_one(db).await?)
}

/// Replaces all recovery codes of a user.
pub(super) async fn replace_recovery_codes(
    db: &mut PgConnection,
    user: UserId,
    hashes: &[Vec<u8>],
) -> Result<(), Error> {
    query!("delete from recovery_codes where user_id = $1", user.0).execute(&mut *db).await?;
    query!(
        "insert into recovery_codes (user_id, code_hash) select $1, code_hash from unnest($2::bytea[]) as code_hash",
        user.0,
        hashes,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes signing in need the second factor.
pub(super) async fn enable(db: &mut PgConnection, user: UserId, now: DateTime<Utc>) -> Result<(), Error> {
    query!("update users set second_factor_enabled_at = $2 where id = $1", user.0, now).execute(db).await?;
    Ok(())
}

/// Deletes the second factor. False if it was not enabled.
pub(crate) async fn disable(db: &mut PgConnection, user: UserId) -> Result<bool, Error> {
    let disabled = query!(
        "update users set second_factor_enabled_at = null where id = $1 and second_factor_enabled_at is not null",
        user.0,
    );
    let disabled = disabled.execute(&mut *db).await?;
    // With its recovery codes.
    query!("delete from second_factors where user_id = $1", user.0).execute(db).await?;
    Ok(disabled.rows_affected() > 0)
}

/// Lists stored secrets by the users' ids, from the first one after `after`.
pub(super) async fn list_secrets(db: &DbPool, after: Uuid, limit: i64) -> Result<Vec<StoredSecret>, sqlx::Error> {
    query_as!(
        StoredSecret,
        r#"
        select user_id as "user: UserId", secret, created_at
        from second_factors
        where user_id > $1
        order by user_id
        limit $2
        "#,
        after,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Replaces a secret by the same one, encrypted anew, unless it is another one meanwhile.
pub(super) async fn set_encrypted(db: &DbPool, old: &StoredSecret, new: &[u8]) -> Result<(), sqlx::Error> {
    query!("update second_factors set secret = $3 where user_id = $1 and secret = $2", old.user.0, &old.secret, new)
        .execute(db)
        .await?;
    Ok(())
}

/// Finds the second factors of users.
pub(crate) async fn find_all(db: &DbPool, users: &[Uuid]) -> Result<HashMap<UserId, SecondFactor>, Error> {
    let rows = query!(
        r#"
        select id, second_factor_enabled_at as enabled_at,
               (select count(*) from recovery_codes where user_id = users.id) as "recovery_codes_left!"
        from users
        where id = any($1)
        "#,
        users,
    );
    let second_factor = |enabled_at: Option<DateTime<Utc>>, left: i64| SecondFactor {
        is_enabled: enabled_at.is_some(),
        enabled_at: enabled_at.map(Timestamp::from),
        recovery_codes_left: i32::try_from(left).unwrap_or(i32::MAX),
    };
    let rows = rows.fetch_all(db).await?.into_iter();
    Ok(rows.map(|row| (row.id, second_factor(row.enabled_at, row.recovery_codes_left))).collect())
}

impl Loader<SecondFactorOf> for Table<User> {
    type Value = SecondFactor;
    type Error = Error;

    async fn load(&self, keys: &[SecondFactorOf]) -> Result<HashMap<SecondFactorOf, SecondFactor>, Error> {
        let users: Vec<Uuid> = keys.iter().map(|key| key.0.0).collect();
        let found = find_all(self.db(), &users).await?;
        Ok(found.into_iter().map(|(user, second_factor)| (SecondFactorOf(user), second_factor)).collect())
    }
}
