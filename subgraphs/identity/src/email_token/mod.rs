//! Tokens in the links of mails: whoever has one has read the mail. They are stored as hashes, and work once.

pub(crate) mod store;
mod token;

use chrono::Utc;
use contracts::UserId;
use sqlx::PgConnection;
use subgraph_kit::Error;

pub(crate) use self::token::{Purpose, TokenHash};
use crate::mail::{Letter, Mailer};

/// Writes a mail to `email` with a new token, in the transaction of its cause.
pub(crate) async fn send(
    transaction: &mut PgConnection,
    mailer: &Mailer,
    user: UserId,
    email: &str,
    purpose: Purpose,
) -> Result<(), Error> {
    let (token, hash) = token::new();
    let lifetime = purpose.lifetime();
    store::insert(transaction, &hash, (user, email), purpose, Utc::now() + lifetime).await?;
    let letter = match purpose {
        Purpose::PasswordReset => Letter::ResetPassword { token: &token, lifetime },
        Purpose::EmailVerification => Letter::VerifyEmail { token: &token, lifetime },
        Purpose::EmailChange => Letter::ConfirmEmailChange { token: &token, lifetime },
    };
    mailer.write(transaction, user, email, letter).await
}
