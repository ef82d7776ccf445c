//! The operator's commands outside the graph.

use std::collections::HashMap;

use auth::seal::SealKeys;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use contracts::{ErasureId, UserId, events::SecondFactorChange};
use db::DbPool;
use service::Erasures;
use sqlx::query;
use subgraph_kit::{Error, text::has_no_nul};

use crate::{
    Keys, TokenSettings, account,
    email_token::store as tokens,
    erasure::{
        self,
        handlers::IdentityEraser,
        store::{By, Request},
    },
    mail::{MailSettings, Mailer},
    password::hash_password,
    second_factor,
    session::{ActiveSession, store as sessions},
    token_lifetime,
    user::{
        Role, SignUp, User, clean_name,
        graphql::UserFilter,
        store::{self, Actor},
    },
};

/// The effect of an operator's command.
pub enum Change<T> {
    /// The command applied the change.
    Applied(T),
    /// There was nothing to change.
    Unchanged,
}

/// A user who is no longer an admin.
pub struct Revoked {
    /// The restored role.
    pub role: Role,
    /// The number of sessions that were ended.
    pub sessions: u64,
}

/// Finds the account of an address, in any letter case, or of an id.
///
/// # Errors
/// [`Error::Invalid`] if several accounts have the address: the command could reach the wrong one.
pub async fn find(db: &DbPool, email_or_id: &str) -> Result<Option<User>, Error> {
    if let Ok(id) = email_or_id.parse() {
        return store::find(db, UserId(id)).await;
    }
    if !has_no_nul(email_or_id) {
        return Ok(None);
    }
    let mut users = store::list_by_address(db, email_or_id).await?;
    if users.len() > 1 {
        let ids: Vec<_> = users.iter().map(|user| user.id.to_string()).collect();
        let message = format!("several accounts have this address: name one by its id, {}", ids.join(" or "));
        return Err(Error::invalid("email", message));
    }
    Ok(users.pop())
}

/// Lists the newest accounts that a filter finds, up to a limit.
///
/// # Errors
/// [`Error::Invalid`] if the text to search for is too long.
pub async fn list(db: &DbPool, filter: UserFilter, limit: i64) -> Result<Vec<User>, Error> {
    store::list(db, &filter.try_into_store()?, limit).await
}

/// Whether the user has proven the e-mail address.
pub async fn is_email_verified(db: &DbPool, user: &User) -> Result<bool, Error> {
    account::store::is_email_verified(db, user.id).await
}

/// Sets a user's role, from the next refresh of their session on; an admin's sessions end.
///
/// # Errors
/// `LAST_ADMIN` if no admin could sign in any more.
pub async fn set_role(db: &DbPool, user: &User, role: Role) -> Result<Change<()>, Error> {
    store::set_role(db, Actor::Operator, user.id, role).await?;
    Ok(if user.role == role { Change::Unchanged } else { Change::Applied(()) })
}

/// Makes a user an admin, from the next refresh of their session on.
pub async fn grant(db: &DbPool, user: &User) -> Result<Change<()>, Error> {
    let is_changed = store::make_admin(db, user.id).await?;
    Ok(if is_changed { Change::Applied(()) } else { Change::Unchanged })
}

/// Restores an admin's previous role, student if it is unknown, and ends their sessions. Access tokens that were
/// already issued stay valid until they expire, except for changes to accounts.
///
/// # Errors
/// `LAST_ADMIN` if no admin could sign in any more.
pub async fn revoke(db: &DbPool, user: &User) -> Result<Change<Revoked>, Error> {
    let mut tx = db.begin().await?;
    let Some(role) = store::revoke_admin(&mut tx, user.id).await? else { return Ok(Change::Unchanged) };
    let sessions = sessions::delete_all(&mut tx, user.id).await?;
    tx.commit().await?;
    Ok(Change::Applied(Revoked { role, sessions }))
}

/// Verifies a teacher; None if the user is not a teacher.
pub async fn verify_teacher(db: &DbPool, user: &User) -> Result<Option<Change<()>>, Error> {
    let verified = store::set_verified(db, Actor::Operator, user.id, true).await?;
    Ok(verified.map(|_| if user.is_verified { Change::Unchanged } else { Change::Applied(()) }))
}

/// Revokes a teacher's verification; None if the user is not a teacher.
pub async fn unverify_teacher(db: &DbPool, user: &User) -> Result<Option<Change<()>>, Error> {
    let unverified = store::set_verified(db, Actor::Operator, user.id, false).await?;
    Ok(unverified.map(|_| if user.is_verified { Change::Applied(()) } else { Change::Unchanged }))
}

/// Suspends a user, and ends their sessions. Access tokens that were already issued stay valid until they expire.
///
/// # Errors
/// `LAST_ADMIN` if no admin could sign in any more.
pub async fn suspend(db: &DbPool, user: &User) -> Result<Change<()>, Error> {
    store::suspend(db, Actor::Operator, user.id).await?;
    Ok(if user.suspended_at.is_none() { Change::Applied(()) } else { Change::Unchanged })
}

/// Lets a suspended user sign in again.
pub async fn unsuspend(db: &DbPool, user: &User) -> Result<Change<()>, Error> {
    store::unsuspend(db, Actor::Operator, user.id).await?;
    Ok(if user.suspended_at.is_some() { Change::Applied(()) } else { Change::Unchanged })
}

/// The sessions of a user that have not ended, the one used last first.
pub async fn sessions_of(db: &DbPool, user: &User) -> Result<Vec<ActiveSession>, Error> {
    sessions::list_of(db, user.id).await
}

/// Ends all sessions of a user, and returns how many there were.
pub async fn end_sessions(db: &DbPool, user: &User) -> Result<u64, Error> {
    sessions::delete_all(&mut *db.acquire().await?, user.id).await
}

/// Replaces a user's password by a random one, which is returned, and ends their sessions and the links of their mails.
pub async fn reset_password(db: &DbPool, user: &User) -> Result<String, Error> {
    let password = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 15]>());
    let mut tx = db.begin().await?;
    store::set_password_hash(&mut tx, user.id, &hash_password(&password)).await?;
    sessions::delete_all(&mut tx, user.id).await?;
    tokens::delete_all(&mut tx, user.id).await?;
    tx.commit().await?;
    Ok(password)
}

/// Finds since when a user has a second factor, and how many recovery codes are left; None if they have enabled none.
pub async fn second_factor_of(db: &DbPool, user: &User) -> Result<Option<(DateTime<Utc>, i32)>, Error> {
    let found = second_factor::store::find_all(db, &[user.id.0]).await?.remove(&user.id);
    Ok(found.and_then(|second_factor| Some((second_factor.enabled_at?.0, second_factor.recovery_codes_left))))
}

/// Disables a user's second factor, for whoever has lost the app and the recovery codes, and tells them. The identity that
/// is running sends the mail.
///
/// # Errors
/// Also if the account was deleted meanwhile.
pub async fn reset_second_factor(db: &DbPool, user: &User) -> Result<Change<()>, Error> {
    let mailer = Mailer::new(&MailSettings::default()).map_err(Error::internal)?;
    let mut tx = db.begin().await?;
    if !second_factor::store::disable(&mut tx, user.id).await? {
        return Ok(Change::Unchanged);
    }
    second_factor::tell(&mut tx, &mailer, user, SecondFactorChange::Reset).await?;
    tx.commit().await?;
    Ok(Change::Applied(()))
}

/// Issues an access token for a user, as signing in does.
///
/// # Errors
/// [`Error::Internal`] if signing fails.
pub fn access_token(keys: &Keys, user: &User) -> Result<String, Error> {
    Ok(keys.access_token(user, None)?.0)
}

/// Creates an admin, which no sign-up can. An existing account with this address is left as it is.
pub async fn create(db: &DbPool, email: &str, name: &str, password: &str) -> Result<(), Error> {
    let name = clean_name(name)?;
    let admin = SignUp { email: email.to_owned(), password: password.to_owned(), name, role: Role::Admin };
    match store::insert(&mut *db.acquire().await?, &admin, &hash_password(password)).await {
        Ok(_) | Err(Error::Rejected(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Finds which of the addresses have accounts, and when these were created.
pub async fn existing(db: &DbPool, emails: &[String]) -> Result<HashMap<String, DateTime<Utc>>, Error> {
    let users = query!("select email, created_at from users where email = any($1)", emails).fetch_all(db).await?;
    Ok(users.into_iter().map(|user| (user.email, user.created_at)).collect())
}

/// Deletes an account, as `deleteMyAccount` does. The identity that is running tells the other services.
///
/// # Errors
/// `LAST_ADMIN`; `NOT_FOUND` if it was deleted meanwhile.
pub async fn erase(db: &DbPool, user: &User, tokens: &TokenSettings) -> Result<ErasureId, Error> {
    // Signs nothing: that is for the identity that is running.
    let erasures = Erasures::new(IdentityEraser, SealKeys::random());
    let request =
        Request { user: user.id, by: By::Other(Actor::Operator), reason: None, token_lifetime: token_lifetime(tokens) };
    Ok(erasure::store::delete(db, &erasures, request).await?.id)
}
