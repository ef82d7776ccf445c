//! Sessions: they issue short-lived access tokens, and refresh tokens that work once.

pub mod graphql;
mod refresh_token;
pub mod store;

use std::{sync::Arc, time::Duration};

use async_graphql::SimpleObject;
use chrono::TimeDelta;
use contracts::{
    Code, Timestamp,
    events::{EventPayload, Registration},
};
use db::DbPool;
use subgraph_kit::{ClientIp, Error, Rejection, text::has_no_nul};
use telemetry::metrics;
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep_until},
};

use self::refresh_token::RefreshToken;
use crate::{
    IdentitySettings, Keys,
    password::{Passwords, Verdict},
    throttle::RateLimiter,
    user::{
        SignUp, User,
        store::{self as users, Account},
    },
};

/// The tokens of a signed-in user.
#[derive(Clone, SimpleObject)]
pub struct Session {
    /// The token that proves who the user is. Send it with every request, in the header `Authorization: Bearer …`.
    pub access_token: String,
    /// The scheme for the header `Authorization`, which is always `Bearer`.
    pub token_type: String,
    /// The time at which the access token expires.
    pub expires_at: Timestamp,
    /// The token for `refreshSession`, when the access token expires. It works once; using it a second time ends the
    /// session.
    pub refresh_token: String,
}

/// Signs users up and in.
#[derive(Clone)]
pub struct Sessions {
    db: DbPool,
    keys: Keys,
    passwords: Passwords,
    rate_limiter: Arc<RateLimiter>,
    session_lifetime: TimeDelta,
    min_failure_time: Duration,
}

impl Sessions {
    /// Creates sessions with the settings' lifetime and limits.
    #[must_use]
    pub fn new(db: DbPool, keys: Keys, settings: &IdentitySettings) -> Self {
        Self {
            db,
            keys,
            passwords: Passwords::new(settings),
            rate_limiter: Arc::new(RateLimiter::new(&settings.throttle)),
            session_lifetime: TimeDelta::days(settings.session_days.into()),
            min_failure_time: Duration::from_millis(settings.failed_sign_in_min_ms.into()),
        }
    }

    /// Creates an account and signs its owner in.
    ///
    /// # Errors
    /// [`Error::RateLimited`]; a rejection for each rule that `sign_up` breaks, or `EMAIL_TAKEN`.
    pub async fn register(&self, client: ClientIp, sign_up: SignUp) -> Result<(Session, User), Error> {
        self.rate_limiter.check_registration(client, &sign_up.email)?;
        // Estimating a password's strength would block the other tasks of this thread.
        let check = move || sign_up.checked();
        let sign_up = spawn_blocking(check).await.map_err(Error::internal)?.map_err(Error::Rejected)?;
        let password_hash = self.passwords.hash(sign_up.password.clone()).await?;

        let mut tx = self.db.begin().await?;
        let user = users::insert(&mut tx, &sign_up, &password_hash).await?;
        let refresh_token = RefreshToken::new();
        store::insert(&mut tx, &refresh_token, user.id, self.session_lifetime).await?;
        let registration = Registration { user_id: user.id, name: user.name.clone() };
        messaging::publish(&mut tx, EventPayload::UserRegistered(registration)).await?;
        tx.commit().await?;
        self.rate_limiter.trust_client(client, &sign_up.email);

        Ok((self.session(&user, &refresh_token)?, user))
    }

    /// Signs a user in.
    ///
    /// # Errors
    /// [`Error::RateLimited`]; `INVALID_CREDENTIALS`, the same and after the same time for an unknown address and a
    /// wrong password.
    pub async fn sign_in(&self, client: ClientIp, email: &str, password: String) -> Result<(Session, User), Error> {
        let allowed = self.rate_limiter.check_sign_in(client, email);
        allowed.inspect_err(|_| metrics::record_failed_sign_in("throttled"))?;
        let started = Instant::now();
        let signed_in = self.verify_and_sign_in(client, email, password).await;
        match &signed_in {
            Err(Error::Rejected(_)) => {
                metrics::record_failed_sign_in("credentials");
                sleep_until(started + self.min_failure_time).await;
            }
            Err(Error::RateLimited { .. }) => metrics::record_failed_sign_in("busy"),
            _ => {}
        }
        signed_in
    }

    async fn verify_and_sign_in(
        &self,
        client: ClientIp,
        email: &str,
        password: String,
    ) -> Result<(Session, User), Error> {
        let account = if has_no_nul(email) { users::find_account(&self.db, email).await? } else { None };
        let stored = account.as_ref().map(|account| account.password_hash.clone());
        let verdict = self.passwords.verify(password.clone(), stored).await?;

        let account = account.filter(|_| verdict != Verdict::Wrong).ok_or_else(invalid_credentials)?;
        self.rate_limiter.has_signed_in(client, email);
        if verdict == Verdict::RightButOutdated {
            self.rehash_password(&account, password).await?;
        }
        let user = User { has_signed_in: true, ..account.user };
        let refresh_token = RefreshToken::new();
        store::insert(&mut *self.db.acquire().await?, &refresh_token, user.id, self.session_lifetime).await?;

        Ok((self.session(&user, &refresh_token)?, user))
    }

    /// Replaces the tokens of a session, by its valid refresh token. Their claims are the user's current ones.
    ///
    /// # Errors
    /// [`Error::RateLimited`]; `SESSION_EXPIRED`: the session is over, or the token was used before; a reused token may
    /// be stolen, so it ends the session.
    pub async fn refresh(&self, client: ClientIp, refresh_token: &str) -> Result<Session, Error> {
        let token = RefreshToken::from_text(refresh_token);
        self.rate_limiter.check_refresh(client, token.as_ref().map(|token| token.session))?;
        let token = token.ok_or_else(session_expired)?;
        let next = token.next();
        let Some(user) = store::replace(&self.db, &token, &next, self.session_lifetime).await? else {
            store::delete(&self.db, &token).await?;
            return Err(session_expired());
        };
        self.rate_limiter.trust_client(client, &user.email);
        self.session(&user, &next)
    }

    /// Ends the session of a refresh token, whether the token is still valid or not.
    pub async fn log_out(&self, refresh_token: &str) -> Result<(), Error> {
        match RefreshToken::from_text(refresh_token) {
            Some(token) => store::delete(&self.db, &token).await,
            None => Ok(()),
        }
    }

    async fn rehash_password(&self, account: &Account, password: String) -> Result<(), Error> {
        let password_hash = match self.passwords.hash(password).await {
            // The next sign-in tries again.
            Err(Error::RateLimited { .. }) => return Ok(()),
            password_hash => password_hash?,
        };
        users::replace_password_hash(&self.db, account, &password_hash).await
    }

    fn session(&self, user: &User, refresh_token: &RefreshToken) -> Result<Session, Error> {
        let (access_token, expires_at) = self.keys.access_token(user)?;
        Ok(Session {
            access_token,
            token_type: "Bearer".to_owned(),
            expires_at: expires_at.into(),
            refresh_token: refresh_token.to_text(),
        })
    }
}

fn session_expired() -> Error {
    Rejection::new(Code::SessionExpired, "the session has ended: sign in again").into()
}

fn invalid_credentials() -> Error {
    Rejection::new(Code::InvalidCredentials, "no account has this e-mail address and password").into()
}
