//! A service's event worker: delivers, handles, and cleans up.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use contracts::events::EventType;
use db::{
    DbPool,
    availability::{BACKGROUND_TIMEOUT, with_timeout},
    database, listen,
};
use sqlx::query;
use telemetry::trace;
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::{
    EventBus, EventSettings, Inbox, backlog, delivery::Progress, inbox::CHANNEL as INBOX, outbox::CHANNEL as OUTBOX,
    relay,
};

/// The polling interval, because notifications can be lost with a connection.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// The delay before the first retry; doubled each time, up to `POLL_INTERVAL`.
const INITIAL_RETRY_DELAY: Duration = Duration::from_millis(100);

/// Events that one process handles concurrently.
const CONCURRENCY: usize = 2;

/// The background pool's maximum, beside the connections for requests.
pub const CONNECTIONS: u32 = 8;

const CLEAN_UP_INTERVAL: Duration = Duration::from_mins(10);

/// Rows per delete statement.
const CLEAN_UP_BATCH: i64 = 10_000;

/// A service's event worker.
#[derive(Clone)]
pub struct EventWorker {
    /// The service's name.
    pub service: &'static str,
    /// The service's database.
    pub db: DbPool,
    /// The service's inbox, if it consumes events.
    pub inbox: Option<Inbox>,
}

impl EventWorker {
    /// Delivers and handles events until `stop` is cancelled, then finishes those in progress.
    pub async fn run(&self, event_bus: &EventBus, settings: &EventSettings, stop: &CancellationToken) {
        // A separate pool, so that requests and events do not wait for each other's connections.
        let db = database::background_pool(&self.db, CONNECTIONS);
        let mut tasks = JoinSet::new();
        let mut wakeups = Vec::new();
        let destinations = self.destinations();
        for destination in destinations.iter().copied() {
            let wakeup = subscribe(&mut wakeups, OUTBOX);
            let (db, event_bus, stop) = (db.clone(), event_bus.clone(), stop.clone());
            tasks.spawn(trace::in_background_scope(self.service, async move {
                poll_loop(&stop, &wakeup, async || relay::deliver_pending(&db, &*event_bus, destination).await).await;
            }));
        }
        for inbox in self.inbox.iter().cycle().take(CONCURRENCY) {
            let wakeup = subscribe(&mut wakeups, INBOX);
            let (db, inbox, stop) = (db.clone(), inbox.clone(), stop.clone());
            tasks.spawn(trace::in_background_scope(self.service, async move {
                poll_loop(&stop, &wakeup, async || inbox.process_next(&db).await).await;
            }));
        }
        if let Some(inbox) = self.inbox.clone() {
            let (event_bus, stop) = (event_bus.clone(), stop.clone());
            tasks
                .spawn(trace::in_background_scope(self.service, async move { event_bus.receive(&inbox, &stop).await }));
        }
        if !destinations.is_empty() {
            let (service, db, event_bus, stop) = (self.service, db.clone(), event_bus.clone(), stop.clone());
            tasks.spawn(trace::in_background_scope(service, async move {
                event_bus.receive_acks(service, &db, &stop).await;
            }));
        }
        let (has_outbox, has_inbox) = (!destinations.is_empty(), self.inbox.is_some());
        let retention_hours = settings.event_retention_hours;
        let clean_up = {
            let (db, stop) = (db.clone(), stop.clone());
            async move { delete_expired(&db, retention_hours, has_outbox, has_inbox, &stop).await }
        };
        tasks.spawn(trace::in_background_scope(self.service, clean_up));
        let observe_backlog = {
            let (service, backlog_db, stop) = (self.service, db.clone(), stop.clone());
            async move { backlog::observe(service, &destinations, has_inbox, &backlog_db, &stop).await }
        };
        tasks.spawn(observe_backlog);

        tokio::select! {
            never = dispatch_wakeups(&self.db, &wakeups), if !wakeups.is_empty() => match never {},
            () = stop.cancelled() => {}
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                warn!(service = self.service, error = %error, "event worker task failed");
            }
        }
        db.close().await;
    }

    /// The consumers of this service's events.
    fn destinations(&self) -> Vec<&'static str> {
        let own = EventType::ALL.into_iter().filter(|event_type| event_type.source() == self.service);
        let mut destinations: Vec<_> = own.flat_map(EventType::consumers).copied().collect();
        destinations.sort_unstable();
        destinations.dedup();
        destinations
    }
}

/// A loop that waits for a `NOTIFY` channel.
struct Wakeup {
    channel: &'static str,
    notify: Arc<Notify>,
}

/// Wakes the loops whose channel has a notification.
async fn dispatch_wakeups(db: &DbPool, wakeups: &[Wakeup]) -> Infallible {
    listen::listen_forever(db, &[OUTBOX, INBOX], |notification| {
        for wakeup in wakeups.iter().filter(|wakeup| notification.is_for(wakeup.channel)) {
            wakeup.notify.notify_one();
        }
    })
    .await
}

fn subscribe(wakeups: &mut Vec<Wakeup>, channel: &'static str) -> Arc<Notify> {
    let notify = Arc::new(Notify::new());
    wakeups.push(Wakeup { channel, notify: Arc::clone(&notify) });
    notify
}

/// Repeats `process` until `stop` is cancelled, which is checked between two rounds.
async fn poll_loop<F>(stop: &CancellationToken, wakeup: &Notify, mut process: impl FnMut() -> F)
where
    F: Future<Output = Result<Progress, sqlx::Error>>,
{
    let mut retry_delay = INITIAL_RETRY_DELAY;
    while !stop.is_cancelled() {
        let outcome = with_timeout(BACKGROUND_TIMEOUT, process()).await;
        match &outcome {
            Ok(Progress::Made) => {
                retry_delay = INITIAL_RETRY_DELAY;
                continue;
            }
            Ok(Progress::Idle | Progress::NotBefore(_)) => retry_delay = INITIAL_RETRY_DELAY,
            Ok(Progress::Blocked) => {}
            Err(error) => debug!(error = %error, "event worker interrupted, retrying"),
        }
        let wait = async {
            // Woken or timed out: poll.
            match outcome {
                Ok(Progress::Idle) => _ = timeout(POLL_INTERVAL, wakeup.notified()).await,
                Ok(Progress::NotBefore(wait)) => _ = timeout(wait.min(POLL_INTERVAL), wakeup.notified()).await,
                _ => {
                    sleep(retry_delay).await;
                    retry_delay = (retry_delay * 2).min(POLL_INTERVAL);
                }
            }
        };
        tokio::select! {
            () = wait => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn delete_expired(db: &DbPool, hours: u32, has_outbox: bool, has_inbox: bool, stop: &CancellationToken) {
    loop {
        for (enabled, statement) in [(has_outbox, DELETE_FROM_OUTBOX), (has_inbox, DELETE_FROM_INBOX)] {
            if enabled && let Err(error) = delete_batches(db, statement, hours).await {
                debug!(error = %error, "old events not deleted, retrying");
            }
        }
        tokio::select! {
            () = sleep(CLEAN_UP_INTERVAL) => {}
            () = stop.cancelled() => return,
        }
    }
}

const DELETE_FROM_OUTBOX: &str = "delete from outbox_events where position in (
    select position from outbox_events where delivered_at < now() - make_interval(hours => $1) limit $2 for update skip locked)";

const DELETE_FROM_INBOX: &str = "delete from inbox_events where position in (
    select position from inbox_events where processed_at < now() - make_interval(hours => $1) limit $2 for update skip locked)";

async fn delete_batches(db: &DbPool, statement: &'static str, hours: u32) -> Result<(), sqlx::Error> {
    let hours = i32::try_from(hours).unwrap_or(i32::MAX);
    let batch = || with_timeout(BACKGROUND_TIMEOUT, query(statement).bind(hours).bind(CLEAN_UP_BATCH).execute(db));
    while batch().await?.rows_affected() > 0 {}
    Ok(())
}
