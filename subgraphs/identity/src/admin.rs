//! What an operator does beside the graph.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use db::DbPool;
use sqlx::query;
use subgraph_kit::{Error, text::has_no_nul};

use crate::{
    Keys,
    password::hash_password,
    session::store as sessions,
    user::{Role, SignUp, User, store},
};

/// What an operator's command changed.
pub enum Change<T> {
    /// It made it so.
    Applied(T),
    /// It had been so before.
    Unchanged,
}

/// An admin no more.
pub struct Revoked {
    /// What the person was before, and is again.
    pub role: Role,
    /// How many sessions that ended.
    pub sessions: u64,
}

/// The account of an address, in any letter case.
pub async fn find(db: &DbPool, email: &str) -> Result<Option<User>, Error> {
    if !has_no_nul(email) {
        return Ok(None);
    }
    Ok(store::find_account(db, email).await?.map(|account| account.user))
}

/// Makes a person an admin. They can act as one from the next refresh of their session on.
pub async fn grant(db: &DbPool, user: &User) -> Result<Change<()>, Error> {
    let is_changed = store::make_admin(db, user.id).await?;
    Ok(if is_changed { Change::Applied(()) } else { Change::Unchanged })
}

/// Makes an admin what they were before, a student if that is not known, and ends their sessions.
/// Access tokens that are out stay good until they end.
pub async fn revoke(db: &DbPool, user: &User) -> Result<Change<Revoked>, Error> {
    let mut tx = db.begin().await?;
    let Some(role) = store::revoke_admin(&mut tx, user.id).await? else { return Ok(Change::Unchanged) };
    let sessions = sessions::delete_all(&mut tx, user.id).await?;
    tx.commit().await?;
    Ok(Change::Applied(Revoked { role, sessions }))
}

/// Verifies a teacher; None if the person does not teach.
pub async fn verify_teacher(db: &DbPool, user: &User) -> Result<Option<Change<()>>, Error> {
    let verified = store::set_verified(db, user.id).await?;
    Ok(verified.map(|_| if user.is_verified { Change::Unchanged } else { Change::Applied(()) }))
}

/// An access token for a person, as signing in gives it.
///
/// # Errors
/// [`Error::Internal`] if signing fails.
pub fn access_token(keys: &Keys, user: &User) -> Result<String, Error> {
    Ok(keys.access_token(user)?.0)
}

/// Makes an admin, which nobody can sign up as. An account with this address is left as it is.
pub async fn create(db: &DbPool, email: &str, name: &str, password: &str) -> Result<(), Error> {
    let admin =
        SignUp { email: email.to_owned(), password: password.to_owned(), name: name.to_owned(), role: Role::Admin };
    match store::insert(&mut *db.acquire().await?, &admin, &hash_password(password)).await {
        Ok(_) | Err(Error::Refused(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Those of the addresses that somebody has, and since when.
pub async fn existing(db: &DbPool, emails: &[String]) -> Result<HashMap<String, DateTime<Utc>>, Error> {
    let users = query!("select email, created_at from users where email = any($1)", emails).fetch_all(db).await?;
    Ok(users.into_iter().map(|user| (user.email, user.created_at)).collect())
}
