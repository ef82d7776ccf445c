//! What a database says by `NOTIFY`, heard for as long as a process lives.

use std::{convert::Infallible, time::Duration};

use sqlx::{
    postgres::{PgListener, PgPoolOptions},
    query,
};
use tokio::time::{sleep, timeout};
use tracing::warn;

use crate::{DbPool, database::in_time};

/// How long to wait before a lost connection is made again.
const RETRY: Duration = Duration::from_millis(500);

/// A connection can die without a word; so it is asked for one where nothing else comes.
const SILENCE: Duration = Duration::from_secs(30);

/// What was heard.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'a> {
    /// Nobody knows what was said on any channel while there was no connection.
    Gap,
    /// This.
    Said {
        /// On which channel.
        channel: &'a str,
        /// What.
        payload: &'a str,
    },
}

impl Heard<'_> {
    /// Whether something was said on this channel, or may have been.
    #[must_use]
    pub fn concerns(&self, wanted: &str) -> bool {
        match self {
            Self::Gap => true,
            Self::Said { channel, .. } => *channel == wanted,
        }
    }
}

/// Listens, by a connection of its own, until it is dropped.
pub async fn for_ever(db: &DbPool, channels: &[&str], mut hear: impl FnMut(Heard<'_>)) -> Infallible {
    let mut is_known = false;
    loop {
        let Err(error) = listen(db, channels, &mut hear, &mut is_known).await;
        if !is_known {
            warn!(error = &error as &dyn std::error::Error, "what is new may be noticed late; listening again");
        }
        is_known = true;
        sleep(RETRY).await;
    }
}

/// Listens until the connection is lost.
async fn listen(
    db: &DbPool,
    channels: &[&str],
    hear: &mut impl FnMut(Heard<'_>),
    is_known: &mut bool,
) -> Result<Infallible, sqlx::Error> {
    let options = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = options.connect_lazy_with(db.options().clone());
    let mut listener = in_time(SILENCE, PgListener::connect_with(&pool)).await?;
    listener.eager_reconnect(false);
    in_time(SILENCE, listener.listen_all(channels.iter().copied())).await?;
    *is_known = false;
    hear(Heard::Gap);
    loop {
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(said))) => hear(Heard::Said { channel: said.channel(), payload: said.payload() }),
            Ok(Ok(None)) => return Err(sqlx::Error::WorkerCrashed),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                in_time(SILENCE, query("select 1").execute(&mut listener)).await?;
            }
        }
    }
}
