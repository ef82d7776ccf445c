//! A second factor for signing in: an app that shows a new code every 30 seconds, and recovery codes for whoever has lost it.

mod codes;
pub mod graphql;
mod recovery_code;
mod rotation;
pub mod store;
mod totp;

use async_graphql::SimpleObject;
use chrono::{TimeDelta, Utc};
use contracts::{Code, Timestamp, events::SecondFactorChange};
use db::{DbPool, Transaction};
use subgraph_kit::{
    Error, Rejection,
    viewer::{CurrentSession, SignedIn},
};

pub(crate) use self::{
    codes::{SecondFactorCodes, second_factor_required, tell},
    rotation::encrypt_anew,
};
use crate::{
    session::{SessionClient, Sessions, at_field, invalid_credentials, store as sessions},
    user::{User, store as users},
};

/// How long a second factor that was set up can be enabled.
const SETUP_LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// What an authenticator app needs to show the codes of an account. It is shown once. Only the user may see it.
#[derive(Clone, SimpleObject)]
pub struct SecondFactorSetup {
    /// The secret that the app and the platform share, in base32 (RFC 4648), to type it into the app.
    pub secret: String,
    /// The same secret as an `otpauth` URI, which a QR code can show to the app. The codes are those of RFC 6238 with its
    /// defaults: 6 digits, a new code every 30 seconds, SHA-1.
    pub uri: String,
    /// The time until which `enableSecondFactor` accepts a code of the app.
    pub expires_at: Timestamp,
}

/// Sets up, enables and disables second factors.
#[derive(Clone)]
pub struct SecondFactors {
    db: DbPool,
    sessions: Sessions,
}

impl SecondFactors {
    /// The second factors of the users of these sessions.
    #[must_use]
    pub fn new(db: DbPool, sessions: Sessions) -> Self {
        Self { db, sessions }
    }

    /// Creates a secret, which counts only once it is confirmed by a code. A later one replaces an earlier one.
    ///
    /// # Errors
    /// As of [`users::lock_viewer`]; [`Error::RateLimited`]; `INVALID_CREDENTIALS`; `SECOND_FACTOR_ENABLED`.
    pub async fn set_up(
        &self,
        client: &SessionClient,
        viewer: SignedIn,
        current_session: CurrentSession,
        password: String,
    ) -> Result<SecondFactorSetup, Error> {
        self.sessions.confirm_password(client, viewer, current_session, password).await?;
        let secret: [u8; totp::SECRET_LENGTH] = rand::random();
        let now = Utc::now();

        let mut tx = self.db.begin().await?;
        let user = users::lock_viewer(&mut tx, viewer.id(), current_session).await?;
        require_disabled(&mut tx, &user).await?;
        let app = totp::for_app(&secret, &user.email)
            .ok_or_else(|| Rejection::invalid("password", "the account has no e-mail address"))?;
        let encrypted = self.sessions.second_factor_codes.keys.encrypt(user.id.0.as_bytes(), &secret);
        store::put(&mut tx, user.id, &encrypted, now).await?;
        tx.commit().await?;
        Ok(SecondFactorSetup { secret: app.base32, uri: app.uri, expires_at: (now + SETUP_LIFETIME).into() })
    }

    /// Makes signing in need the second factor that was set up, ends all other sessions, which did without, and returns
    /// the recovery codes.
    ///
    /// # Errors
    /// As of [`users::lock_viewer`]; [`Error::RateLimited`]; `NOT_FOUND` if none was set up, or too long ago;
    /// `SECOND_FACTOR_ENABLED`; `WRONG_SECOND_FACTOR`.
    pub async fn enable(
        &self,
        client: &SessionClient,
        viewer: SignedIn,
        current_session: CurrentSession,
        code: &str,
    ) -> Result<(User, Vec<String>), Error> {
        let user = users::lock_viewer(&mut *self.db.acquire().await?, viewer.id(), current_session).await?;
        let attempt = async {
            let now = Utc::now();
            let mut tx = self.db.begin().await?;
            let user = users::lock_viewer(&mut tx, viewer.id(), current_session).await?;
            require_disabled(&mut tx, &user).await?;
            let set_up = store::find_secret(&mut tx, user.id).await?;
            set_up.filter(|found| found.created_at > now - SETUP_LIFETIME).ok_or_else(not_set_up)?;
            let codes = &self.sessions.second_factor_codes;
            codes.use_up_app_code(&mut tx, &user, code).await?;
            store::enable(&mut tx, user.id, now).await?;
            let recovery_codes = replace_recovery_codes(&mut tx, &user).await?;
            sessions::end_others(&mut tx, user.id, current_session.0).await?;
            codes.tell(&mut tx, &user, SecondFactorChange::Enabled).await?;
            tx.commit().await?;
            codes.wake();
            Ok((user, recovery_codes))
        };
        self.sessions.throttled(client, &user.email, attempt).await
    }

    /// Deletes the second factor: signing in needs only the password again.
    ///
    /// # Errors
    /// As of [`users::lock_viewer`]; [`Error::RateLimited`]; `INVALID_CREDENTIALS` at `password`;
    /// `SECOND_FACTOR_NOT_ENABLED`; `WRONG_SECOND_FACTOR`.
    pub async fn disable(
        &self,
        client: &SessionClient,
        viewer: SignedIn,
        current_session: CurrentSession,
        proof: Proof,
    ) -> Result<User, Error> {
        let (mut tx, user) = self.confirm(client, viewer, current_session, proof).await?;
        store::disable(&mut tx, user.id).await?;
        self.finish(tx, &user, SecondFactorChange::Disabled).await?;
        Ok(user)
    }

    /// Replaces all recovery codes, and returns the new ones.
    ///
    /// # Errors
    /// As of [`users::lock_viewer`]; [`Error::RateLimited`]; `INVALID_CREDENTIALS` at `password`;
    /// `SECOND_FACTOR_NOT_ENABLED`; `WRONG_SECOND_FACTOR`.
    pub async fn replace_recovery_codes(
        &self,
        client: &SessionClient,
        viewer: SignedIn,
        current_session: CurrentSession,
        proof: Proof,
    ) -> Result<Vec<String>, Error> {
        let (mut tx, user) = self.confirm(client, viewer, current_session, proof).await?;
        let recovery_codes = replace_recovery_codes(&mut tx, &user).await?;
        self.finish(tx, &user, SecondFactorChange::RecoveryCodesReplaced).await?;
        Ok(recovery_codes)
    }

    /// Begins a transaction in which the viewer has proven both factors, at most as often as they may try to sign in.
    ///
    /// # Errors
    /// As of [`users::lock_viewer`]; [`Error::RateLimited`]; `INVALID_CREDENTIALS` at `password`;
    /// `SECOND_FACTOR_NOT_ENABLED`; `WRONG_SECOND_FACTOR`.
    async fn confirm(
        &self,
        client: &SessionClient,
        viewer: SignedIn,
        current_session: CurrentSession,
        Proof { password, code }: Proof,
    ) -> Result<(Transaction, User), Error> {
        let email = users::lock_viewer(&mut *self.db.acquire().await?, viewer.id(), current_session).await?.email;
        let attempt = async {
            let verified = self.sessions.verify(client, &email, password).await;
            let (account, _) = verified.map_err(|error| at_field(error, "password"))?;
            // An imported database may hold two accounts of one address.
            if account.user.id != viewer.id() {
                return Err(at_field(invalid_credentials(), "password"));
            }
            let mut tx = self.db.begin().await?;
            let user = users::lock_viewer(&mut tx, viewer.id(), current_session).await?;
            if !store::is_enabled(&mut tx, user.id).await? {
                let message = "the account has no second factor";
                return Err(Rejection::new(Code::SecondFactorNotEnabled, message).into());
            }
            self.sessions.second_factor_codes.use_up(&mut tx, &user, &code).await?;
            Ok((tx, user))
        };
        let confirmed = self.sessions.throttled(client, &email, attempt).await?;
        self.sessions.rate_limiter.has_signed_in(client.ip, &email);
        Ok(confirmed)
    }

    async fn finish(&self, mut tx: Transaction, user: &User, change: SecondFactorChange) -> Result<(), Error> {
        let codes = &self.sessions.second_factor_codes;
        codes.tell(&mut tx, user, change).await?;
        tx.commit().await?;
        codes.wake();
        Ok(())
    }
}

/// What proves both factors.
pub struct Proof {
    /// The password of the account.
    pub password: String,
    /// A code of the app, or a recovery code.
    pub code: String,
}

async fn require_disabled(db: &mut sqlx::PgConnection, user: &User) -> Result<(), Error> {
    if !store::is_enabled(db, user.id).await? {
        return Ok(());
    }
    let message = "the account has a second factor already: disable it before you set up another one";
    Err(Rejection::new(Code::SecondFactorEnabled, message).into())
}

async fn replace_recovery_codes(db: &mut sqlx::PgConnection, user: &User) -> Result<Vec<String>, Error> {
    let codes = recovery_code::new_codes();
    let hashes: Vec<_> = codes.iter().map(|code| recovery_code::hash(user.id, code)).collect();
    store::replace_recovery_codes(db, user.id, &hashes).await?;
    Ok(codes)
}

fn not_set_up() -> Error {
    Rejection::new(Code::NotFound, "no second factor was set up in the last 15 minutes: set one up first").into()
}
