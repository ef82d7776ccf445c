//! Wakes those who wait for the database to have something for them.

use std::{convert::Infallible, sync::Arc, time::Duration};

use sqlx::{PgPool, postgres::PgListener};
use tokio::sync::Notify;
use tracing::warn;

/// How long to wait before a lost connection is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// Somebody who waits for a channel of the database.
pub struct Waiter {
    /// The channel.
    pub channel: &'static str,
    /// Rings when something was said there, or may have been.
    pub bell: Arc<Notify>,
}

/// Listens for as long as it is not dropped. After a connection was lost, everybody is woken: nobody
/// knows what was said meanwhile.
pub async fn listen(db: &PgPool, waiters: &[Waiter]) {
    let mut is_known = false;
    loop {
        let Err(error) = pass_on(db, waiters, &mut is_known).await;
        if !is_known {
            warn!(error = %error, "the database's notifications are lost until it is back");
        }
        is_known = true;
        wake(waiters);
        tokio::time::sleep(PAUSE).await;
    }
}

async fn pass_on(db: &PgPool, waiters: &[Waiter], is_known: &mut bool) -> Result<Infallible, sqlx::Error> {
    let mut listener = PgListener::connect_with(db).await?;
    listener.ignore_pool_close_event(true);
    listener.listen_all(waiters.iter().map(|waiter| waiter.channel)).await?;
    *is_known = false;
    loop {
        wake(waiters);
        while let Some(said) = listener.try_recv().await? {
            wake(waiters.iter().filter(|waiter| waiter.channel == said.channel()));
        }
        // It has connected again.
    }
}

fn wake<'a>(waiters: impl IntoIterator<Item = &'a Waiter>) {
    for waiter in waiters {
        waiter.bell.notify_one();
    }
}
