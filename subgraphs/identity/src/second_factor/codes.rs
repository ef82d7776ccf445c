//! Checking the codes of a second factor.

use auth::encryption::StorageKeys;
use chrono::Utc;
use contracts::{
    Code,
    events::{EventPayload, SecondFactorChange, SecondFactorChanged},
};
use sqlx::PgConnection;
use subgraph_kit::{Error, Rejection};
use tracing::error;
use uuid::Uuid;

use super::{recovery_code, store, totp};
use crate::{
    mail::{Letter, Mailer},
    user::User,
};

/// The length of a code with all that people put between its letters.
const MAX_TYPED_LENGTH: usize = 64;

/// Checks codes, and tells users of what happens to their second factors.
#[derive(Clone)]
pub(crate) struct SecondFactorCodes {
    pub(super) keys: StorageKeys,
    mailer: Mailer,
}

impl SecondFactorCodes {
    pub(crate) fn new(keys: StorageKeys, mailer: Mailer) -> Self {
        Self { keys, mailer }
    }

    /// Uses up a code of the user's app, or a recovery code, in the transaction of what it allows. The user's row is locked
    /// before, so that nobody waits for each other.
    ///
    /// # Errors
    /// `WRONG_SECOND_FACTOR`, also for a code that was used before.
    pub(crate) async fn use_up(&self, tx: &mut PgConnection, user: &User, typed: &str) -> Result<(), Error> {
        let code = cleaned(typed).ok_or_else(wrong_second_factor)?;
        if totp::is_code(&code) {
            return self.use_up_app_code(tx, user, &code).await;
        }
        let hash = recovery_code::hash(user.id, &code);
        if !store::take_recovery_code(tx, user.id, &hash).await? {
            return Err(wrong_second_factor());
        }
        let left = store::count_recovery_codes(tx, user.id).await?;
        let left = u32::try_from(left).unwrap_or_default();
        self.tell(tx, user, SecondFactorChange::RecoveryCodeUsed { left }).await
    }

    /// Uses up a code of the user's app.
    ///
    /// # Errors
    /// `WRONG_SECOND_FACTOR`, also for a code that was used before.
    pub(super) async fn use_up_app_code(&self, tx: &mut PgConnection, user: &User, typed: &str) -> Result<(), Error> {
        let code = cleaned(typed).ok_or_else(wrong_second_factor)?;
        let stored = store::find_secret(tx, user.id).await?.ok_or_else(wrong_second_factor)?;
        let Some(decrypted) = self.keys.decrypt(user.id.0.as_bytes(), &stored.secret) else {
            error!(user.id = %user.id, "second factor cannot be decrypted, only recovery codes work");
            return Err(wrong_second_factor());
        };
        let step = totp::step_of(&decrypted.value, &code, Utc::now()).ok_or_else(wrong_second_factor)?;
        if store::accept_step(tx, user.id, step).await? { Ok(()) } else { Err(wrong_second_factor()) }
    }

    /// Tells a user by mail and by notification, in the transaction of the cause.
    pub(crate) async fn tell(
        &self,
        tx: &mut PgConnection,
        user: &User,
        change: SecondFactorChange,
    ) -> Result<(), Error> {
        tell(tx, &self.mailer, user, change).await
    }

    /// Has mails sent immediately, after the commit.
    pub(crate) fn wake(&self) {
        self.mailer.wake();
    }
}

/// Tells a user by mail and by notification, in the transaction of the cause.
pub(crate) async fn tell(
    tx: &mut PgConnection,
    mailer: &Mailer,
    user: &User,
    change: SecondFactorChange,
) -> Result<(), Error> {
    mailer.write(tx, user.id, &user.email, Letter::SecondFactor(change)).await?;
    let changed = SecondFactorChanged { change_id: Uuid::now_v7(), user_id: user.id, change };
    messaging::publish(tx, EventPayload::SecondFactorChanged(changed)).await?;
    Ok(())
}

/// The code without blanks; `None` if it is too long for one.
fn cleaned(typed: &str) -> Option<String> {
    (typed.len() <= MAX_TYPED_LENGTH).then(|| typed.chars().filter(|letter| !letter.is_whitespace()).collect())
}

pub(crate) fn second_factor_required() -> Error {
    let message = "signing in to this account also needs a code of the authenticator app, or a recovery code";
    Rejection::new(Code::SecondFactorRequired, message).at("secondFactorCode").into()
}

fn wrong_second_factor() -> Error {
    let message = "is not the current code of the authenticator app or an unused recovery code; each code works once";
    Rejection::new(Code::WrongSecondFactor, message).at("secondFactorCode").into()
}
