//! The SQL statements on accounts that mails are part of.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use contracts::{UserId, ids::new_id_and_time};
use db::DbPool;
use sqlx::{PgConnection, query, query_as, query_scalar};
use subgraph_kit::{Error, Table};
use uuid::Uuid;

use crate::user::{Role, User};

/// The key of whether a user's address is verified.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VerifiedEmail(pub UserId);

/// Stores that somebody has asked for a new password for the account of this address, if there is one.
pub(super) async fn insert_reset_request(db: &DbPool, email: &str) -> Result<(), Error> {
    let (id, created_at) = new_id_and_time();
    query!("insert into password_reset_requests (id, email, created_at) values ($1, $2, $3)", id, email, created_at,)
        .execute(db)
        .await?;
    Ok(())
}

/// Takes the oldest request for a new password; nobody else takes it, unless this transaction is rolled back.
pub(super) async fn take_reset_request(db: &mut PgConnection) -> Result<Option<String>, Error> {
    let email = query_scalar!(
        "delete from password_reset_requests
         where id = (select id from password_reset_requests order by id limit 1 for update skip locked)
         returning email",
    );
    Ok(email.fetch_optional(db).await?)
}

/// Locks a user until the transaction ends.
pub(super) async fn lock(db: &mut PgConnection, id: UserId) -> Result<Option<User>, Error> {
    let user = query_as!(
        User,
        r#"
        select id, name, role as "role: Role", is_verified, created_at, email, suspended_at, false as "has_signed_in!"
        from users
        where id = $1
        for update
        "#,
        id.0,
    );
    Ok(user.fetch_optional(db).await?)
}

/// Stores that a user's address is their own.
pub(super) async fn set_email_verified(db: &mut PgConnection, id: UserId) -> Result<(), Error> {
    query!("update users set email_verified_at = coalesce(email_verified_at, now()) where id = $1", id.0)
        .execute(db)
        .await?;
    Ok(())
}

/// Whether a user's address is verified.
pub(crate) async fn is_email_verified(db: &DbPool, id: UserId) -> Result<bool, Error> {
    let is_verified =
        query_scalar!(r#"select email_verified_at is not null as "is_verified!" from users where id = $1"#, id.0);
    Ok(is_verified.fetch_optional(db).await?.unwrap_or(false))
}

/// Whether an account other than this one has an address in one of these forms, in any letter case.
pub(super) async fn is_email_taken(db: &DbPool, user: UserId, forms: &[String]) -> Result<bool, Error> {
    let is_taken = query_scalar!(
        r#"
        select exists (
            select from users
            where id <> $1 and (email = any($2) or lower(email) = any($2) and email <> lower(email))
        ) as "is_taken!"
        "#,
        user.0,
        forms,
    );
    Ok(is_taken.fetch_one(db).await?)
}

/// Replaces a user's address by one that is verified. False if another account has it, in one of these forms.
pub(super) async fn replace_email(
    db: &mut PgConnection,
    user: UserId,
    email: &str,
    forms: &[String],
) -> Result<bool, Error> {
    let replaced = query_scalar!(r#"select replace_user_email($1, $2, $3) as "replaced!""#, user.0, email, forms);
    Ok(replaced.fetch_one(db).await?)
}

/// Deletes the clients from which users have not signed in for half a year, but for the last one of each user: without it,
/// the next sign-in to an account that nobody looks after would count as the first one, and would not be told.
pub(super) async fn delete_old_clients(db: &DbPool) -> Result<(), sqlx::Error> {
    query!(
        "delete from known_clients
         where last_seen < now() - interval '180 days' and exists (
             select from known_clients later
             where later.user_id = known_clients.user_id and later.last_seen > known_clients.last_seen
         )"
    )
    .execute(db)
    .await?;
    Ok(())
}

impl Loader<VerifiedEmail> for Table<User> {
    type Value = bool;
    type Error = Error;

    async fn load(&self, keys: &[VerifiedEmail]) -> Result<HashMap<VerifiedEmail, bool>, Error> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0.0).collect();
        let rows = query!(
            r#"select id, email_verified_at is not null as "is_verified!" from users where id = any($1)"#,
            &ids,
        );
        let rows = rows.fetch_all(self.db()).await?;
        Ok(rows.into_iter().map(|row| (VerifiedEmail(row.id), row.is_verified)).collect())
    }
}
