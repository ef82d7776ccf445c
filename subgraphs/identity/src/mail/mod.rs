//! Mail to users: written with its cause, in one transaction, and sent by a worker, to an SMTP server or to a table.

mod settings;
mod smtp;
pub mod store;
mod worker;

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use contracts::{UserId, events::SecondFactorChange};
use sqlx::PgConnection;
use subgraph_kit::Error;
use tokio::sync::Notify;

pub use self::{
    settings::{MailSettings, PublicUrl, SmtpUrl},
    worker::LOG_TARGET,
};
use self::{smtp::Smtp, store::NewMail};
pub(crate) use self::{smtp::SmtpError, worker::run};

/// How long a mail without a token is worth sending.
const NOTICE_LIFETIME: TimeDelta = TimeDelta::days(3);

/// Writes mails. Without an SMTP server, the table of mails is the mailbox of all users.
#[derive(Clone)]
pub struct Mailer {
    public_url: PublicUrl,
    retention_days: u32,
    smtp: Option<Arc<Smtp>>,
    wakeup: Arc<Notify>,
}

/// A mail, by its reason. No text of a user is in it: whoever registers somebody else's address must not be able to write
/// to them.
#[derive(Clone, Copy)]
pub(crate) enum Letter<'a> {
    VerifyEmail { token: &'a str, lifetime: TimeDelta },
    ResetPassword { token: &'a str, lifetime: TimeDelta },
    ConfirmEmailChange { token: &'a str, lifetime: TimeDelta },
    PasswordReplaced,
    PasswordChanged,
    EmailChangeRequested,
    EmailChanged,
    SecondFactor(SecondFactorChange),
}

impl Mailer {
    /// Creates a mailer with these settings.
    ///
    /// # Errors
    /// If TLS cannot be set up for the SMTP server.
    pub fn new(settings: &MailSettings) -> Result<Self, SmtpError> {
        Ok(Self {
            public_url: settings.public_url.clone().unwrap_or_default(),
            retention_days: settings.mail_retention_days,
            smtp: Smtp::new(settings)?.map(Arc::new),
            wakeup: Arc::default(),
        })
    }

    /// Writes a mail in the transaction of its cause. After the commit, `wake` has it sent immediately.
    pub(crate) async fn write(
        &self,
        transaction: &mut PgConnection,
        user: UserId,
        recipient: &str,
        letter: Letter<'_>,
    ) -> Result<(), Error> {
        let (subject, body) = letter.text(&self.public_url);
        let expires_at = Utc::now() + letter.lifetime();
        store::insert(transaction, NewMail { user, recipient, subject, body: &body, expires_at }).await
    }

    /// Wakes this process's worker. Others poll.
    pub(crate) fn wake(&self) {
        self.wakeup.notify_one();
    }

    /// Waits until there may be mail to send.
    pub(crate) async fn woken(&self) {
        self.wakeup.notified().await;
    }
}

impl Letter<'_> {
    fn lifetime(self) -> TimeDelta {
        match self {
            Self::VerifyEmail { lifetime, .. }
            | Self::ResetPassword { lifetime, .. }
            | Self::ConfirmEmailChange { lifetime, .. } => lifetime,
            Self::PasswordReplaced
            | Self::PasswordChanged
            | Self::EmailChangeRequested
            | Self::EmailChanged
            | Self::SecondFactor(_) => NOTICE_LIFETIME,
        }
    }

    /// The subject and the body.
    fn text(self, public_url: &PublicUrl) -> (&'static str, String) {
        // After `#`, so that the token is in no server's log.
        let link = |page: &str, token: &str| format!("{public_url}/{page}#token={token}");
        match self {
            Self::VerifyEmail { token, lifetime } => (
                "Confirm your e-mail address",
                format!(
                    "Please confirm that this is your e-mail address:\n\n{}\n\nThe link works for {}. If you have no \
                     account with this address, ignore this mail.\n",
                    link("verify-email", token),
                    in_words(lifetime),
                ),
            ),
            Self::ResetPassword { token, lifetime } => (
                "Choose a new password",
                format!(
                    "Somebody, probably you, has asked for a new password for your account. Choose it here:\n\n{}\n\n\
                     The link works once, for {}. If it was not you, ignore this mail: your password stays as it is.\n",
                    link("reset-password", token),
                    in_words(lifetime),
                ),
            ),
            Self::ConfirmEmailChange { token, lifetime } => (
                "Confirm your new e-mail address",
                format!(
                    "Please confirm that this is to be the e-mail address of your account:\n\n{}\n\nThe link works for \
                     {}. Until then you sign in with your old address. If you have no account, ignore this mail.\n",
                    link("confirm-email-change", token),
                    in_words(lifetime),
                ),
            ),
            Self::PasswordReplaced => (
                "Your password was replaced",
                "A new password for your account was set, by a link in a mail to this address. You have been signed out \
                 everywhere. If it was not you, ask for a new password now: somebody can read your mail.\n"
                    .to_owned(),
            ),
            Self::PasswordChanged => (
                "Your password was changed",
                "The password of your account was changed by somebody who knew the old one. All other sessions were ended. \
                 If it was not you, ask for a new password now.\n"
                    .to_owned(),
            ),
            Self::EmailChangeRequested => (
                "Your e-mail address is about to change",
                "Somebody who knows your password has asked to change the e-mail address of your account. It changes \
                 when the new address is confirmed. If it was not you, change your password now.\n"
                    .to_owned(),
            ),
            Self::EmailChanged => (
                "Your e-mail address was changed",
                "The e-mail address of your account was changed to another one, which was confirmed. You no longer sign \
                 in with this address. If it was not you, contact the support of the platform.\n"
                    .to_owned(),
            ),
            Self::SecondFactor(change) => second_factor_text(change),
        }
    }
}

/// The subject and the body of a mail about the second factor. It holds no code.
fn second_factor_text(change: SecondFactorChange) -> (&'static str, String) {
    match change {
        SecondFactorChange::Enabled => (
            "Signing in needs a second factor now",
            "A second factor was enabled for your account: signing in needs a code of your authenticator app. All other \
             sessions have ended. If it was not you, contact the support of the platform.\n"
                .to_owned(),
        ),
        SecondFactorChange::Disabled => (
            "Your second factor was disabled",
            "The second factor of your account was disabled: signing in needs only the password again. If it was not you, \
             change your password now.\n"
                .to_owned(),
        ),
        SecondFactorChange::Reset => (
            "The support has reset your second factor",
            "The support of the platform has disabled the second factor of your account: signing in needs only the password \
             again. If you have not asked for it, change your password now, and contact the support.\n"
                .to_owned(),
        ),
        SecondFactorChange::RecoveryCodeUsed { left } => (
            "A recovery code was used",
            format!(
                "A recovery code of your account was used, instead of a code of your authenticator app. Unused recovery \
                 codes: {left}. If it was not you, change your password and replace your recovery codes now.\n"
            ),
        ),
        SecondFactorChange::RecoveryCodesReplaced => (
            "Your recovery codes were replaced",
            "The recovery codes of your account were replaced: the old ones do not work any more. If it was not you, change \
             your password now.\n"
                .to_owned(),
        ),
    }
}

fn in_words(lifetime: TimeDelta) -> String {
    match (lifetime.num_days(), lifetime.num_hours()) {
        (0, 1) => "one hour".to_owned(),
        (0, hours) => format!("{hours} hours"),
        (1, _) => "one day".to_owned(),
        (days, _) => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_public_address_and_keeps_its_token_from_servers() {
        let url: PublicUrl = "https://school.example/app/".parse().expect("a URL");
        let (_, body) = Letter::ResetPassword { token: "abc", lifetime: TimeDelta::hours(1) }.text(&url);

        assert!(body.contains("\nhttps://school.example/app/reset-password#token=abc\n"), "{body}");
        assert!(body.contains("one hour"), "{body}");
    }

    #[test]
    fn a_lifetime_is_told_in_words() {
        let words = [1, 5, 24, 72].map(|hours| in_words(TimeDelta::hours(hours)));

        assert_eq!(words, ["one hour", "5 hours", "one day", "3 days"]);
    }
}
