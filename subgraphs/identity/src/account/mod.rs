//! What a user does with an account by way of mail: choose a new password, prove an address, change it.

pub mod graphql;
pub mod store;

use std::{sync::Arc, time::Duration};

use contracts::Code;
use db::{
    DbPool,
    availability::{BACKGROUND_TIMEOUT, with_timeout},
    database,
};
use sqlx::PgConnection;
use subgraph_kit::{
    Error, Rejection,
    text::has_no_nul,
    viewer::{CurrentSession, SignedIn},
};
use tokio::{
    join,
    sync::Notify,
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{
    email_token::{
        self, Purpose, TokenHash,
        store::{self as tokens, TokenOwner},
    },
    mail::{self, Letter, Mailer},
    second_factor,
    session::{SessionClient, Sessions, at_field, store as sessions},
    user::{
        User, all_forms, email_fault, normalize_email, password_fault,
        store::{self as users, ACCOUNT_DELETED},
    },
};

/// The interval at which requests for a new password are polled, since other processes do not wake this one.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

const CLEAN_UP_INTERVAL: Duration = Duration::from_mins(10);

/// Of the background pool, beside the connections for requests.
const CONNECTIONS: u32 = 3;

/// The maximum length of a typed address. Longer ones belong to nobody.
const MAX_TYPED_LENGTH: usize = 320;

/// Changes accounts by way of mail.
#[derive(Clone)]
pub struct Accounts {
    db: DbPool,
    sessions: Sessions,
    mailer: Mailer,
    reset_wakeup: Arc<Notify>,
}

impl Accounts {
    /// The accounts of these sessions.
    #[must_use]
    pub fn new(db: DbPool, sessions: Sessions, mailer: Mailer) -> Self {
        Self { db, sessions, mailer, reset_wakeup: Arc::default() }
    }

    /// Sends mails, and answers requests for new passwords, until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        // A separate pool, so that requests and mails do not wait for each other's connections.
        let db = database::background_pool(&self.db, CONNECTIONS);
        join!(
            mail::run(&self.mailer, &db, &stop),
            self.answer_reset_requests(&db, &stop),
            delete_expired_tokens(&db, &stop)
        );
        db.close().await;
    }

    /// Sends a link to the owner of the account with this address, if there is one. It takes as long if there is none: the
    /// worker finds out.
    ///
    /// # Errors
    /// [`Error::RateLimited`]; `INVALID_INPUT` if no account can have the address.
    pub async fn request_password_reset(&self, client: &SessionClient, email: &str) -> Result<(), Error> {
        self.sessions.rate_limiter.check_mail(client.ip, email)?;
        let is_address = email.contains('@') && has_no_nul(email) && email.chars().count() <= MAX_TYPED_LENGTH;
        if !is_address {
            return Err(Rejection::invalid("email", "is not an e-mail address").into());
        }
        store::insert_reset_request(&self.db, email).await?;
        self.reset_wakeup.notify_one();
        Ok(())
    }

    async fn answer_reset_requests(&self, db: &DbPool, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match timeout(BACKGROUND_TIMEOUT, self.answer_next_reset_request(db)).await {
                Ok(Ok(true)) => continue,
                Ok(Ok(false)) => {}
                Ok(Err(error)) => debug!(error = %error, "request for a new password not answered yet, retrying"),
                Err(late) => debug!(error = %late, "request for a new password not answered yet, retrying"),
            }
            tokio::select! {
                () = self.reset_wakeup.notified() => {}
                () = sleep(POLL_INTERVAL) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// False if there is none.
    async fn answer_next_reset_request(&self, db: &DbPool) -> Result<bool, Error> {
        let mut tx = db.begin().await?;
        let Some(typed) = store::take_reset_request(&mut tx).await? else { return Ok(false) };
        let account = users::find_account(db, &typed).await?;
        if let Some(user) = account.map(|account| account.user).filter(|user| user.suspended_at.is_none()) {
            // To the account's own address: what was typed may only look like it.
            email_token::send(&mut tx, &self.mailer, user.id, &user.email, Purpose::PasswordReset).await?;
        }
        tx.commit().await?;
        self.mailer.wake();
        Ok(true)
    }

    /// Replaces the password of the owner of a token, and ends all of their sessions and tokens. A second factor stays.
    ///
    /// # Errors
    /// [`Error::RateLimited`]; `TOKEN_NOT_VALID`; `INVALID_INPUT` if the password is not acceptable, after which the token
    /// can still be used.
    pub async fn reset_password(&self, client: &SessionClient, token: &str, new: String) -> Result<User, Error> {
        let (hash, owner) = self.find_token(client, token, Purpose::PasswordReset).await?;
        let check = {
            let (new, email) = (new.clone(), owner.email.clone());
            move || password_fault("newPassword", &new, &email)
        };
        if let Some(rejection) = spawn_blocking(check).await.map_err(Error::internal)? {
            return Err(rejection.into());
        }
        let password_hash = self.sessions.passwords.hash(new).await?;

        let mut tx = self.db.begin().await?;
        let user = take_token(&mut tx, &hash, &owner, Purpose::PasswordReset).await?;
        let needs_second_factor = second_factor::store::is_enabled(&mut tx, user.id).await?;
        users::set_password_hash(&mut tx, user.id, &password_hash).await?;
        // The token came by mail.
        store::set_email_verified(&mut tx, user.id).await?;
        sessions::delete_all(&mut tx, user.id).await?;
        tokens::delete_all(&mut tx, user.id).await?;
        self.mailer.write(&mut tx, user.id, &user.email, Letter::PasswordReplaced).await?;
        tx.commit().await?;
        self.mailer.wake();
        if !needs_second_factor {
            self.sessions.rate_limiter.trust_client(client.ip, &user.email);
        }
        Ok(user)
    }

    /// Sends the user a link that proves the address, unless it is proven.
    ///
    /// # Errors
    /// As of [`users::lock_viewer`]; [`Error::RateLimited`].
    pub async fn request_email_verification(
        &self,
        client: &SessionClient,
        viewer: SignedIn,
        current_session: CurrentSession,
    ) -> Result<User, Error> {
        let user = users::lock_viewer(&mut *self.db.acquire().await?, viewer.id(), current_session).await?;
        if store::is_email_verified(&self.db, user.id).await? {
            return Ok(user);
        }
        self.sessions.rate_limiter.check_mail(client.ip, &user.email)?;
        let mut tx = self.db.begin().await?;
        email_token::send(&mut tx, &self.mailer, user.id, &user.email, Purpose::EmailVerification).await?;
        tx.commit().await?;
        self.mailer.wake();
        Ok(user)
    }

    /// Stores that the address of a token's owner is their own.
    ///
    /// # Errors
    /// [`Error::RateLimited`]; `TOKEN_NOT_VALID`.
    pub async fn verify_email(&self, client: &SessionClient, token: &str) -> Result<User, Error> {
        let (hash, owner) = self.find_token(client, token, Purpose::EmailVerification).await?;
        let mut tx = self.db.begin().await?;
        let user = take_token(&mut tx, &hash, &owner, Purpose::EmailVerification).await?;
        store::set_email_verified(&mut tx, user.id).await?;
        tokens::delete(&mut tx, user.id, Purpose::EmailVerification).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Sends a link to a new address, which replaces the user's when it is followed, and tells the old one. A later request
    /// replaces an earlier one.
    ///
    /// # Errors
    /// As of [`users::lock_viewer`]; [`Error::RateLimited`]; `INVALID_CREDENTIALS`; `INVALID_INPUT`; `EMAIL_TAKEN`.
    pub async fn change_email(
        &self,
        client: &SessionClient,
        viewer: SignedIn,
        current_session: CurrentSession,
        new_email: &str,
        password: String,
    ) -> Result<User, Error> {
        let user = users::lock_viewer(&mut *self.db.acquire().await?, viewer.id(), current_session).await?;
        let verify = self.sessions.verify(client, &user.email, password);
        let verified = self.sessions.throttled(client, &user.email, verify).await;
        let (account, _) = verified.map_err(|error| at_field(error, "password"))?;
        let user = account.user;
        if user.id != viewer.id() {
            return Err(ACCOUNT_DELETED);
        }
        let new = normalize_email(new_email);
        if let Some(fault) = email_fault(&new, self.sessions.email_rules) {
            return Err(Rejection::invalid("newEmail", fault).into());
        }
        if new == user.email {
            return Err(Rejection::invalid("newEmail", "is the address of the account already").into());
        }
        self.sessions.rate_limiter.check_mail(client.ip, &new)?;
        if store::is_email_taken(&self.db, user.id, &all_forms(&new)).await? {
            return Err(email_taken().at("newEmail").into());
        }

        let mut tx = self.db.begin().await?;
        users::lock_viewer(&mut tx, user.id, current_session).await?;
        tokens::delete(&mut tx, user.id, Purpose::EmailChange).await?;
        email_token::send(&mut tx, &self.mailer, user.id, &new, Purpose::EmailChange).await?;
        self.mailer.write(&mut tx, user.id, &user.email, Letter::EmailChangeRequested).await?;
        tx.commit().await?;
        self.mailer.wake();
        Ok(user)
    }

    /// Replaces the address of a token's owner by the one that the token was sent to. Links that were sent to the old one
    /// stop working.
    ///
    /// # Errors
    /// [`Error::RateLimited`]; `TOKEN_NOT_VALID`; `EMAIL_TAKEN` if another account has got the address meanwhile.
    pub async fn confirm_email_change(&self, client: &SessionClient, token: &str) -> Result<User, Error> {
        let (hash, owner) = self.find_token(client, token, Purpose::EmailChange).await?;
        let mut tx = self.db.begin().await?;
        let user = take_token(&mut tx, &hash, &owner, Purpose::EmailChange).await?;
        if !store::replace_email(&mut tx, user.id, &owner.email, &all_forms(&owner.email)).await? {
            // The token stays valid: the other account may be given up.
            return Err(email_taken().into());
        }
        tokens::delete_all(&mut tx, user.id).await?;
        self.mailer.write(&mut tx, user.id, &user.email, Letter::EmailChanged).await?;
        tx.commit().await?;
        self.mailer.wake();
        Ok(User { email: owner.email, ..user })
    }

    async fn find_token(
        &self,
        client: &SessionClient,
        token: &str,
        purpose: Purpose,
    ) -> Result<(TokenHash, TokenOwner), Error> {
        self.sessions.rate_limiter.check_mail_token(client.ip)?;
        let hash = TokenHash::of(token).ok_or_else(token_not_valid)?;
        let owner = tokens::find(&self.db, &hash, purpose).await?.ok_or_else(token_not_valid)?;
        Ok((hash, owner))
    }
}

async fn delete_expired_tokens(db: &DbPool, stop: &CancellationToken) {
    loop {
        if let Err(error) = with_timeout(BACKGROUND_TIMEOUT, tokens::delete_expired(db)).await {
            debug!(error = %error, "expired tokens of mails not deleted, retrying");
        }
        if let Err(error) = with_timeout(BACKGROUND_TIMEOUT, store::delete_old_clients(db)).await {
            debug!(error = %error, "old clients not deleted, retrying");
        }
        tokio::select! {
            () = sleep(CLEAN_UP_INTERVAL) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Locks a token's owner, and then uses the token up: in this order everywhere, so that nobody waits for each other.
async fn take_token(
    tx: &mut PgConnection,
    hash: &TokenHash,
    owner: &TokenOwner,
    purpose: Purpose,
) -> Result<User, Error> {
    let user = store::lock(tx, owner.user).await?.ok_or_else(token_not_valid)?;
    let is_current = purpose == Purpose::EmailChange || user.email == owner.email;
    let is_valid = user.suspended_at.is_none() && is_current && tokens::take(tx, hash, purpose).await?;
    if is_valid { Ok(user) } else { Err(token_not_valid()) }
}

fn token_not_valid() -> Error {
    Rejection::new(Code::TokenNotValid, "the link does not work any more: ask for a new one").at("token").into()
}

fn email_taken() -> Rejection {
    Rejection::new(Code::EmailTaken, "another account has this e-mail address")
}
