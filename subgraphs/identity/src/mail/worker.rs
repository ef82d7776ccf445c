//! Sends the mails that are due.

use std::{future::Future, time::Duration};

use chrono::Utc;
use db::{
    DbPool,
    availability::{BACKGROUND_TIMEOUT, with_timeout},
    fail_point,
};
use telemetry::metrics;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::{
    Mailer,
    smtp::{QUIT_TIMEOUT, SendError, TIMEOUT},
    store::{self, PendingMail},
};

/// The target of the line that says that a mail was stored. It is on standard output.
pub const LOG_TARGET: &str = "identity::mail";

/// The polling interval, since other processes do not wake this one.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// After this time another process may send a mail. It must exceed the time in which a mail is sent and marked as sent.
const LEASE: Duration = Duration::from_mins(2);

/// The time in which a mail that was sent can be marked so, while the database is unavailable.
const MARK_TIMEOUT: Duration =
    LEASE.checked_sub(TIMEOUT.saturating_mul(2).saturating_add(QUIT_TIMEOUT)).expect("the lease is longer");

const RETRY_DELAY: Duration = Duration::from_millis(500);

const CLEAN_UP_INTERVAL: Duration = Duration::from_mins(10);

/// Sends mails until `stop` is cancelled, which is checked between two mails. Several may run at once.
pub async fn run(mailer: &Mailer, db: &DbPool, stop: &CancellationToken) {
    let mut cleaned_up: Option<Instant> = None;
    while !stop.is_cancelled() {
        match send_next(mailer, db).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => debug!(error = %error, "mail worker interrupted, retrying"),
        }
        if cleaned_up.is_none_or(|time| time.elapsed() > CLEAN_UP_INTERVAL) {
            cleaned_up = Some(Instant::now());
            if let Err(error) = with_timeout(BACKGROUND_TIMEOUT, store::delete_expired(db, mailer.retention_days)).await
            {
                debug!(error = %error, "old mails not deleted, retrying");
            }
        }
        tokio::select! {
            () = mailer.woken() => {}
            () = sleep(POLL_INTERVAL) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Sends one mail. False if none is due.
async fn send_next(mailer: &Mailer, db: &DbPool) -> Result<bool, sqlx::Error> {
    let Some(mail) = with_timeout(BACKGROUND_TIMEOUT, store::claim_next(db, LEASE)).await? else { return Ok(false) };
    fail_point("mail.claimed");
    let outcome = if mail.expires_at <= Utc::now() {
        Err(SendError::Rejected("it has expired before it could be sent".to_owned()))
    } else {
        send(mailer, &mail).await
    };
    fail_point("mail.sent");
    let id = mail.id;
    match outcome {
        Ok(()) => {
            metrics::record_mail("sent");
            let is_mailbox = mailer.smtp.is_none();
            mark(|| store::mark_sent(db, id, is_mailbox)).await?;
        }
        Err(SendError::Unavailable(reason)) => {
            metrics::record_mail("unavailable");
            warn!(mail.id = %id, reason, "mail not sent, retrying");
            mark(|| store::schedule_retry(db, id, &reason)).await?;
        }
        Err(SendError::Rejected(reason)) => {
            metrics::record_mail("rejected");
            error!(mail.id = %id, reason, "mail given up: `lyceum admin mail` lists it and resends it");
            mark(|| store::mark_failed(db, id, &reason)).await?;
        }
    }
    Ok(true)
}

async fn send(mailer: &Mailer, mail: &PendingMail) -> Result<(), SendError> {
    if let Some(smtp) = &mailer.smtp {
        return smtp.send(mail).await;
    }
    // Neither address nor text: a log is no mailbox.
    info!(
        target: LOG_TARGET,
        { mail.id = %mail.id, subject = mail.subject },
        "mail stored: `lyceum admin mail` shows it"
    );
    Ok(())
}

/// Records an outcome, also if the database is unavailable for some time: otherwise the mail would be sent twice.
async fn mark<F>(statement: impl Fn() -> F) -> Result<(), sqlx::Error>
where
    F: Future<Output = Result<(), sqlx::Error>>,
{
    let started = Instant::now();
    loop {
        match with_timeout(TIMEOUT, statement()).await {
            Err(error) if started.elapsed() < MARK_TIMEOUT => {
                debug!(error = %error, "outcome of a mail not recorded, retrying");
                sleep(RETRY_DELAY).await;
            }
            outcome => return outcome,
        }
    }
}
