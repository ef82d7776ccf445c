//! Sessions: they issue short-lived access tokens, and refresh tokens that work once.

mod client;
mod confirm;
pub mod graphql;
mod known_client;
mod refresh_token;
pub mod store;

use std::{future::Future, sync::Arc, time::Duration};

use async_graphql::SimpleObject;
use chrono::TimeDelta;
use contracts::{
    Code, SessionId, Timestamp,
    events::{EventPayload, Registration},
};
use db::DbPool;
use subgraph_kit::{
    Error, Rejection,
    text::has_no_nul,
    viewer::{CurrentSession, SignedIn},
};
use telemetry::metrics;
use tokio::time::{Instant, sleep_until};

pub use self::{client::SessionClient, store::ActiveSession};
use self::{
    refresh_token::RefreshToken,
    store::{Authenticated, Lifetime, Refreshed},
};
use crate::{
    IdentitySettings, Keys,
    email_token::{self, Purpose, store as tokens},
    mail::{Letter, Mailer},
    password::{Passwords, Verdict},
    second_factor::{SecondFactorCodes, second_factor_required},
    throttle::RateLimiter,
    user::{
        EmailRules, SignUp, User, password_fault,
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
    /// The token to pass to `refreshSession` when the access token expires. It works once: for a few seconds it gets the
    /// same client the same next token again, and after that, using it a second time ends the session.
    pub refresh_token: String,
}

/// How often a password is verified if its hash is replaced meanwhile: by another sign-in, which has renewed an old hash, or
/// by a new password.
const MAX_VERIFICATIONS: usize = 2;

/// Signs users up and in.
#[derive(Clone)]
pub struct Sessions {
    db: DbPool,
    keys: Keys,
    pub(crate) passwords: Passwords,
    pub(crate) rate_limiter: Arc<RateLimiter>,
    lifetime: Lifetime,
    /// Within it a refresh token that is used again gets the same successor.
    reuse_window: TimeDelta,
    pub(crate) email_rules: EmailRules,
    min_failure_time: Duration,
    mailer: Mailer,
    pub(crate) second_factor_codes: SecondFactorCodes,
}

impl Sessions {
    /// Creates sessions with the settings' lifetime and limits.
    #[must_use]
    pub(crate) fn new(
        db: DbPool,
        keys: Keys,
        settings: &IdentitySettings,
        mailer: Mailer,
        second_factor_codes: SecondFactorCodes,
    ) -> Self {
        Self {
            db,
            keys,
            passwords: Passwords::new(settings),
            rate_limiter: Arc::new(RateLimiter::new(&settings.throttle)),
            lifetime: Lifetime {
                unused: TimeDelta::days(settings.session_days.into()),
                max: TimeDelta::days(settings.session_max_days.into()),
            },
            reuse_window: TimeDelta::seconds(settings.refresh_reuse_seconds.into()),
            email_rules: EmailRules { domain_needs_dot: settings.email_domain_needs_dot },
            min_failure_time: Duration::from_millis(settings.failed_sign_in_min_ms.into()),
            mailer,
            second_factor_codes,
        }
    }

    /// Creates an account and signs its owner in.
    ///
    /// # Errors
    /// [`Error::RateLimited`]; a rejection for each rule that `sign_up` breaks, or `EMAIL_TAKEN`.
    pub async fn register(&self, client: &SessionClient, sign_up: SignUp) -> Result<(Session, User), Error> {
        self.rate_limiter.check_registration(client.ip, &sign_up.email)?;
        let rules = self.email_rules;
        let sign_up = self.passwords.run(move || sign_up.checked(rules)).await?.map_err(Error::Rejected)?;
        let password_hash = self.passwords.hash(sign_up.password.clone()).await?;

        let mut tx = self.db.begin().await?;
        let user = users::insert(&mut tx, &sign_up, &password_hash).await?;
        let refresh_token = RefreshToken::new();
        let authenticated =
            Authenticated { user: user.id, password_hash: &password_hash, second_factor_enabled_at: None };
        let session = store::insert(&mut tx, &refresh_token, authenticated, client, self.lifetime).await?;
        let session = session.ok_or_else(invalid_credentials)?;
        known_client::record(&mut tx, user.id, client).await?;
        let registration = Registration { user_id: user.id, name: user.name.clone() };
        messaging::publish(&mut tx, EventPayload::UserRegistered(registration)).await?;
        email_token::send(&mut tx, &self.mailer, user.id, &user.email, Purpose::EmailVerification).await?;
        tx.commit().await?;
        self.mailer.wake();
        self.rate_limiter.trust_client(client.ip, &sign_up.email);

        Ok((self.tokens(&user, session, &refresh_token)?, user))
    }

    /// Signs a user in.
    ///
    /// # Errors
    /// [`Error::RateLimited`]; `INVALID_CREDENTIALS`, the same and after the same time for an unknown address and a
    /// wrong password; if the password is right, `ACCOUNT_SUSPENDED`, or `SECOND_FACTOR_REQUIRED` and `WRONG_SECOND_FACTOR`
    /// where the user has enabled one.
    pub async fn sign_in(
        &self,
        client: &SessionClient,
        email: &str,
        password: String,
        second_factor_code: Option<&str>,
    ) -> Result<(Session, User), Error> {
        let sign_in = async {
            for _ in 0..MAX_VERIFICATIONS {
                let (account, password_hash) = self.verify(client, email, password.clone()).await?;
                let user = User { has_signed_in: true, ..account.user };
                if user.suspended_at.is_some() {
                    return Err(account_suspended());
                }
                let second_factor_enabled_at = account.second_factor_enabled_at;
                let code = match (second_factor_enabled_at, second_factor_code) {
                    (None, _) => None,
                    (Some(_), None) => return Err(second_factor_required()),
                    (Some(_), Some(code)) => Some(code),
                };
                let refresh_token = RefreshToken::new();
                let mut tx = self.db.begin().await?;
                let authenticated =
                    Authenticated { user: user.id, password_hash: &password_hash, second_factor_enabled_at };
                let session = store::insert(&mut tx, &refresh_token, authenticated, client, self.lifetime);
                if let Some(session) = session.await? {
                    if let Some(code) = code {
                        self.second_factor_codes.use_up(&mut tx, &user, code).await?;
                    }
                    known_client::record(&mut tx, user.id, client).await?;
                    tx.commit().await?;
                    self.mailer.wake();
                    self.rate_limiter.has_signed_in(client.ip, email);
                    return Ok((self.tokens(&user, session, &refresh_token)?, user));
                }
            }
            Err(invalid_credentials())
        };
        self.throttled(client, email, sign_in).await
    }

    /// Counts an attempt with a password, and delays the answer if it is wrong.
    pub(crate) async fn throttled<T>(
        &self,
        client: &SessionClient,
        email: &str,
        attempt: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let allowed = self.rate_limiter.check_sign_in(client.ip, email);
        allowed.inspect_err(|_| metrics::record_failed_sign_in("throttled"))?;
        let started = Instant::now();
        let outcome = attempt.await;
        match &outcome {
            Err(Error::Rejected(rejections)) => {
                let Some(reason) = failure(rejections) else { return outcome };
                metrics::record_failed_sign_in(reason);
                sleep_until(started + self.min_failure_time).await;
            }
            Err(Error::RateLimited { .. }) => metrics::record_failed_sign_in("busy"),
            _ => {}
        }
        outcome
    }

    /// Finds the account of this address and password, and replaces an outdated hash. Returns the hash that is stored now.
    pub(crate) async fn verify(
        &self,
        client: &SessionClient,
        email: &str,
        password: String,
    ) -> Result<(Account, String), Error> {
        let account = if has_no_nul(email) { users::find_account(&self.db, email).await? } else { None };
        let stored = account.as_ref().map(Account::stored_hash);
        let verdict = self.passwords.verify(password.clone(), stored).await?;

        let account = account.filter(|_| verdict != Verdict::Wrong).ok_or_else(invalid_credentials)?;
        // With a second factor, who knows the password alone still guesses: the attempt counts.
        if account.second_factor_enabled_at.is_none() {
            self.rate_limiter.has_signed_in(client.ip, email);
        }
        let password_hash = match verdict {
            Verdict::RightButOutdated => self.rehash_password(&account, password).await?,
            Verdict::Right | Verdict::Wrong => account.password_hash.clone(),
        };
        Ok((account, password_hash))
    }

    /// Replaces a user's password, and ends all of their sessions but the current one, and the links of mails for a new
    /// password or another address. A mail tells the user.
    ///
    /// # Errors
    /// Those of [`users::lock_viewer`]; [`Error::RateLimited`]; `INVALID_CREDENTIALS` if the current password is wrong, or
    /// was replaced meanwhile; `INVALID_INPUT` if the new one is not acceptable.
    pub async fn change_password(
        &self,
        client: &SessionClient,
        viewer: SignedIn,
        current_session: CurrentSession,
        current: String,
        new: String,
    ) -> Result<User, Error> {
        let user = users::lock_viewer(&mut *self.db.acquire().await?, viewer.id(), current_session).await?;
        let email = user.email.clone();
        for _ in 0..MAX_VERIFICATIONS {
            let verified = self.throttled(client, &email, async {
                let (account, password_hash) = self.verify(client, &email, current.clone()).await?;
                Ok(Account { password_hash, ..account })
            });
            let account = verified.await.map_err(|error| at_field(error, "currentPassword"))?;
            self.require_acceptable(new.clone(), email.clone()).await?;
            let is_same = new == current;
            let new_hash =
                if is_same { account.password_hash.clone() } else { self.passwords.hash(new.clone()).await? };

            let mut tx = self.db.begin().await?;
            let user = users::lock_viewer(&mut tx, viewer.id(), current_session).await?;
            if users::replace_password_hash(&mut tx, &account, &new_hash).await? {
                store::end_others(&mut tx, user.id, current_session.0).await?;
                // Whoever knew the old password may have asked for them.
                for purpose in [Purpose::PasswordReset, Purpose::EmailChange] {
                    tokens::delete(&mut tx, user.id, purpose).await?;
                }
                self.mailer.write(&mut tx, user.id, &user.email, Letter::PasswordChanged).await?;
                tx.commit().await?;
                self.mailer.wake();
                return Ok(user);
            }
        }
        Err(at_field(invalid_credentials(), "currentPassword"))
    }

    async fn require_acceptable(&self, new: String, email: String) -> Result<(), Error> {
        let check = move || password_fault("newPassword", &new, &email);
        self.passwords.run(check).await?.map_or(Ok(()), |rejection| Err(rejection.into()))
    }

    /// Replaces the tokens of a session, by its valid refresh token. Their claims are the user's current ones. The same
    /// client may use the token again for a few seconds, and gets the same successor.
    ///
    /// # Errors
    /// [`Error::RateLimited`]; `SESSION_EXPIRED`: the session is over, or the token was used before; a reused token may
    /// be stolen, so it ends the session.
    pub async fn refresh(&self, client: &SessionClient, refresh_token: &str) -> Result<Session, Error> {
        let token = RefreshToken::from_text(refresh_token);
        self.rate_limiter.check_refresh(client.ip, token.as_ref().map(|token| token.session))?;
        let token = token.ok_or_else(session_expired)?;
        let salt = rand::random();
        let refreshed = match store::replace(&self.db, &token, &salt, client, self.lifetime).await? {
            Some(refreshed) => Some((refreshed, token.successor(&salt))),
            None => self.repeat_refresh(client, &token).await?,
        };
        let Some((Refreshed { user, session }, successor)) = refreshed else {
            store::delete(&self.db, &token).await?;
            return Err(session_expired());
        };
        self.rate_limiter.trust_client(client.ip, &user.email);
        self.tokens(&user, session, &successor)
    }

    /// Returns the successor of a token that this client has just used, unless the successor was used as well.
    async fn repeat_refresh(
        &self,
        client: &SessionClient,
        token: &RefreshToken,
    ) -> Result<Option<(Refreshed, RefreshToken)>, Error> {
        if self.reuse_window.is_zero() {
            return Ok(None);
        }
        let Some(reuse) = store::find_reuse(&self.db, token, client, self.reuse_window).await? else { return Ok(None) };
        let successor = token.successor(&reuse.salt);
        // Not so after a refresh by a process of an earlier version, which knows no salts.
        let is_valid = successor.hash().as_slice() == reuse.valid_hash;
        Ok(is_valid.then_some((reuse.refreshed, successor)))
    }

    /// Ends one of the user's sessions.
    ///
    /// # Errors
    /// `NOT_FOUND` if the user has no such session; those of [`users::lock_viewer`].
    pub async fn end(&self, viewer: SignedIn, current: CurrentSession, id: SessionId) -> Result<ActiveSession, Error> {
        let mut tx = self.db.begin().await?;
        users::lock_viewer(&mut tx, viewer.id(), current).await?;
        let ended = store::end(&mut tx, viewer.id(), id).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// Ends all of the user's sessions but the current one, and returns how many there were.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the token names no session: it would end all of them; those of
    /// [`users::lock_viewer`].
    pub async fn end_others(&self, viewer: SignedIn, current: CurrentSession) -> Result<i32, Error> {
        if current.0.is_none() {
            return Err(NO_SESSION);
        }
        let mut tx = self.db.begin().await?;
        users::lock_viewer(&mut tx, viewer.id(), current).await?;
        let ended = store::end_others(&mut tx, viewer.id(), current.0).await?;
        tx.commit().await?;
        Ok(i32::try_from(ended).unwrap_or(i32::MAX))
    }

    /// Ends the session of a refresh token, whether the token is still valid or not.
    pub async fn log_out(&self, refresh_token: &str) -> Result<(), Error> {
        match RefreshToken::from_text(refresh_token) {
            Some(token) => store::delete(&self.db, &token).await,
            None => Ok(()),
        }
    }

    /// Replaces an outdated hash, and returns the one that is stored now.
    async fn rehash_password(&self, account: &Account, password: String) -> Result<String, Error> {
        let password_hash = match self.passwords.hash(password).await {
            // The next sign-in tries again.
            Err(Error::RateLimited { .. }) => return Ok(account.password_hash.clone()),
            password_hash => password_hash?,
        };
        let db = &mut *self.db.acquire().await?;
        let is_replaced = users::replace_password_hash(db, account, &password_hash).await?;
        Ok(if is_replaced { password_hash } else { account.password_hash.clone() })
    }

    fn tokens(&self, user: &User, session: SessionId, refresh_token: &RefreshToken) -> Result<Session, Error> {
        let (access_token, expires_at) = self.keys.access_token(user, Some(session))?;
        Ok(Session {
            access_token,
            token_type: "Bearer".to_owned(),
            expires_at: expires_at.into(),
            refresh_token: refresh_token.to_text(),
        })
    }
}

/// What was wrong about the proof of who asks; None if something else was, or only the second half is missing.
fn failure(rejections: &[Rejection]) -> Option<&'static str> {
    match rejections.first()?.code {
        Code::SecondFactorRequired | Code::SecondFactorEnabled | Code::SecondFactorNotEnabled | Code::NotFound => None,
        Code::WrongSecondFactor => Some("second_factor"),
        _ => Some("credentials"),
    }
}

const NO_SESSION: Error = Error::Unauthenticated("the access token names no session: refresh the session first");

fn session_expired() -> Error {
    Rejection::new(Code::SessionExpired, "the session has ended: sign in again").into()
}

pub(crate) fn invalid_credentials() -> Error {
    Rejection::new(Code::InvalidCredentials, "wrong e-mail address or password").into()
}

fn account_suspended() -> Error {
    Rejection::new(Code::AccountSuspended, "an admin has suspended this account").into()
}

/// Names the field of the input that a rejection is about.
pub(crate) fn at_field(error: Error, field: &'static str) -> Error {
    match error {
        Error::Rejected(rejections) => {
            let at_field = |rejection: Rejection| match rejection.code {
                Code::InvalidCredentials => {
                    Rejection::new(Code::InvalidCredentials, "is not the password of the account").at(field)
                }
                _ => rejection.at(field),
            };
            Error::Rejected(rejections.into_iter().map(at_field).collect())
        }
        error => error,
    }
}
