//! PostgreSQL's `LISTEN`: receives notifications for as long as a process lives.

use std::{convert::Infallible, time::Duration};

use sqlx::{
    Connection as _,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::time::{sleep, timeout};
use tracing::warn;

use crate::{DbPool, address::require_writable, availability::with_timeout};

/// The delay before reconnecting.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// The time without a notification after which the connection is tested: it can be lost silently.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// A `NOTIFY` of the database, or a gap.
#[derive(Clone, Copy, Debug)]
pub enum Notification<'a> {
    /// Listening again: notifications on any channel may have been missed.
    Reconnected,
    /// A received notification.
    Payload {
        /// The channel's name.
        channel: &'a str,
        /// The payload; can be empty.
        payload: &'a str,
    },
}

impl Notification<'_> {
    /// Whether the channel has, or may have missed, a notification.
    #[must_use]
    pub fn is_for(&self, wanted: &str) -> bool {
        match self {
            Self::Reconnected => true,
            Self::Payload { channel, .. } => *channel == wanted,
        }
    }
}

/// Listens on a dedicated connection until the future is dropped.
pub async fn listen_forever(db: &DbPool, channels: &[&str], mut handle: impl FnMut(Notification<'_>)) -> Infallible {
    let mut is_logged = false;
    loop {
        let Err(error) = listen(db, channels, &mut handle, &mut is_logged).await;
        if !is_logged {
            warn!(error = &error as &dyn std::error::Error, "database notifications interrupted, listening again");
        }
        is_logged = true;
        sleep(RETRY_DELAY).await;
    }
}

/// Listens until the connection is lost.
async fn listen(
    db: &DbPool,
    channels: &[&str],
    handle: &mut impl FnMut(Notification<'_>),
    is_logged: &mut bool,
) -> Result<Infallible, sqlx::Error> {
    let options = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    // The listener connects itself, to the server that this finds.
    let (found, server) = db.address().direct().connect_to_one(db.acquire_timeout()).await?;
    let server = server.clone();
    found.close().await?;
    let pool = options.connect_lazy_with(server);
    let mut listener = with_timeout(IDLE_TIMEOUT, PgListener::connect_with(&pool)).await?;
    listener.eager_reconnect(false);
    with_timeout(IDLE_TIMEOUT, listener.listen_all(channels.iter().copied())).await?;
    *is_logged = false;
    handle(Notification::Reconnected);
    loop {
        match timeout(IDLE_TIMEOUT, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => {
                handle(Notification::Payload { channel: notification.channel(), payload: notification.payload() });
            }
            Ok(Ok(None)) => return Err(sqlx::Error::WorkerCrashed),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                // A former primary notifies of nothing.
                with_timeout(IDLE_TIMEOUT, require_writable(&mut listener)).await?;
            }
        }
    }
}
