//! What a service does about events while it runs.

use crate::pool::DbPool;
use std::{convert::Infallible, fmt, future::Future, str::FromStr, sync::Arc, time::Duration};

use sqlx::query;
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    Bus, Inbox, Kind, backlog,
    inbox::CHANNEL as INBOX,
    outbox::CHANNEL as OUTBOX,
    relay::{self, Round},
};
use crate::{
    database::{self, BACKGROUND_TIMEOUT, with_timeout},
    listen, trace,
};

/// The database's notifications may be lost with a connection: so often one looks without.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// What is away is tried again after this, and twice as long each time, up to `POLL_INTERVAL`.
const INITIAL_RETRY_DELAY: Duration = Duration::from_millis(100);

/// Events that one process acts on at the same time.
const CONCURRENCY: usize = 2;

/// At most, to the database, beside those that answer requests.
const CONNECTIONS: u32 = 8;

const CLEAN_UP_INTERVAL: Duration = Duration::from_mins(10);

/// Rows that one clean-up takes at a time.
const CLEAN_UP_BATCH: i64 = 10_000;

/// Settings of the events between services.
#[derive(Clone, Debug, clap::Args)]
pub struct EventSettings {
    /// How events travel from one service to the others: `local`, straight to them, or the address of a NATS server
    /// with `JetStream`, `nats://HOST:4222`. The same for all processes.
    #[arg(long, env = "LYCEUM_BUS", hide_env_values = true, value_name = "local|nats://…", default_value = "local")]
    pub bus: BusAddress,

    /// The system's name in NATS: of its stream, and what the subjects of its events begin with. Systems that share a
    /// NATS server have different ones.
    #[arg(long, env = "LYCEUM_NATS_NAME", default_value = "lyceum")]
    pub nats_name: NatsName,

    /// Hours that events are kept after they were delivered and acted on.
    #[arg(long, env = "LYCEUM_EVENT_HOURS", default_value_t = 168, value_parser = clap::value_parser!(u32).range(1..=87_600))]
    pub event_hours: u32,
}

impl Default for EventSettings {
    fn default() -> Self {
        Self { bus: BusAddress::Local, nats_name: NatsName("lyceum".to_owned()), event_hours: 168 }
    }
}

/// How events travel.
#[derive(Clone, PartialEq, Eq)]
pub enum BusAddress {
    /// Straight to the services.
    Local,
    /// Through the NATS server at this address.
    Nats(String),
}

impl fmt::Debug for BusAddress {
    // An address may hold a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if *self == Self::Local { "local" } else { "nats" })
    }
}

impl FromStr for BusAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "local" => Ok(Self::Local),
            _ if ["nats://", "tls://"].iter().any(|scheme| text.starts_with(scheme)) => Ok(Self::Nats(text.to_owned())),
            _ => Err("either `local` or an address such as nats://127.0.0.1:4222"),
        }
    }
}

/// What a system is called in NATS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsName(String);

impl fmt::Display for NatsName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for NatsName {
    type Err = &'static str;

    // What may be both the name of a stream and a part of a subject.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if (1..=64).contains(&text.len()) && text.chars().all(is_plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err("1 to 64 letters, digits, `-` and `_`")
        }
    }
}

/// A service's part in events.
#[derive(Clone)]
pub struct Work {
    /// The service.
    pub service: &'static str,
    /// Its database.
    pub db: DbPool,
    /// Its inbox, if it acts on events.
    pub inbox: Option<Inbox>,
}

impl Work {
    /// Delivers and acts until `stop` is cancelled. What is being delivered or acted on then is
    /// finished first.
    pub async fn run(&self, bus: &Bus, settings: &EventSettings, stop: &CancellationToken) {
        // Neither keeps the other waiting, those who answer and those who deliver and act.
        let db = database::background_pool(&self.db, CONNECTIONS);
        let mut tasks = JoinSet::new();
        let mut waiters = Vec::new();
        let destinations = self.destinations();
        for destination in destinations.iter().copied() {
            let bell = ring_for(&mut waiters, OUTBOX);
            let (db, bus, stop) = (db.clone(), bus.clone(), stop.clone());
            tasks.spawn(trace::in_background_scope(self.service, async move {
                attend(&stop, &bell, async || relay::round(&db, &bus, destination).await).await;
            }));
        }
        for inbox in self.inbox.iter().cycle().take(CONCURRENCY) {
            let bell = ring_for(&mut waiters, INBOX);
            let (db, inbox, stop) = (db.clone(), inbox.clone(), stop.clone());
            tasks.spawn(trace::in_background_scope(self.service, async move {
                attend(&stop, &bell, async || inbox.act(&db).await).await;
            }));
        }
        if let Some(inbox) = self.inbox.clone() {
            let (bus, stop) = (bus.clone(), stop.clone());
            tasks.spawn(trace::in_background_scope(self.service, async move { bus.receive(&inbox, &stop).await }));
        }
        if !destinations.is_empty() {
            let (service, db, bus, stop) = (self.service, db.clone(), bus.clone(), stop.clone());
            tasks.spawn(trace::in_background_scope(
                service,
                async move { bus.hear_receipts(service, &db, &stop).await },
            ));
        }
        let (kept, until, own) = (settings.event_hours, stop.clone(), db.clone());
        let (sends, receives) = (!destinations.is_empty(), self.inbox.is_some());
        tasks.spawn(trace::in_background_scope(self.service, async move {
            clean_up(&own, kept, sends, receives, &until).await
        }));
        let (service, db_of_watch, until) = (self.service, db.clone(), stop.clone());
        tasks.spawn(async move { backlog::observe(service, &destinations, receives, &db_of_watch, &until).await });

        tokio::select! {
            never = ring(&self.db, &waiters), if !waiters.is_empty() => match never {},
            () = stop.cancelled() => {}
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                warn!(service = self.service, error = %error, "a task for events broke off");
            }
        }
        db.close().await;
    }

    /// Where this service's events go.
    fn destinations(&self) -> Vec<&'static str> {
        let own = Kind::ALL.into_iter().filter(|kind| kind.source() == self.service);
        let mut destinations: Vec<_> = own.flat_map(Kind::consumers).copied().collect();
        destinations.sort_unstable();
        destinations.dedup();
        destinations
    }
}

/// Somebody who waits for a channel of the database.
struct Waiter {
    channel: &'static str,
    bell: Arc<Notify>,
}

/// Rings for those whose channel something was said on.
async fn ring(db: &DbPool, waiters: &[Waiter]) -> Infallible {
    listen::listen_forever(db, &[OUTBOX, INBOX], |notification| {
        for waiter in waiters.iter().filter(|waiter| notification.is_for(waiter.channel)) {
            waiter.bell.notify_one();
        }
    })
    .await
}

fn ring_for(waiters: &mut Vec<Waiter>, channel: &'static str) -> Arc<Notify> {
    let bell = Arc::new(Notify::new());
    waiters.push(Waiter { channel, bell: Arc::clone(&bell) });
    bell
}

/// Goes round by round until `stop` is cancelled, which is noticed between two rounds.
async fn attend<F>(stop: &CancellationToken, bell: &Notify, mut round: impl FnMut() -> F)
where
    F: Future<Output = Result<Round, sqlx::Error>>,
{
    let mut pause = INITIAL_RETRY_DELAY;
    while !stop.is_cancelled() {
        let outcome = with_timeout(BACKGROUND_TIMEOUT, round()).await;
        match &outcome {
            Ok(Round::Moved) => {
                pause = INITIAL_RETRY_DELAY;
                continue;
            }
            Ok(Round::Idle | Round::Later(_)) => pause = INITIAL_RETRY_DELAY,
            Ok(Round::Stuck) => {}
            Err(error) => debug!(error = %error, "events have to wait"),
        }
        let wait = async {
            // Whether it rang or not, it is time to look.
            match outcome {
                Ok(Round::Idle) => _ = timeout(POLL_INTERVAL, bell.notified()).await,
                Ok(Round::Later(wait)) => _ = timeout(wait.min(POLL_INTERVAL), bell.notified()).await,
                _ => {
                    sleep(pause).await;
                    pause = (pause * 2).min(POLL_INTERVAL);
                }
            }
        };
        tokio::select! {
            () = wait => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn clean_up(db: &DbPool, hours: u32, sends: bool, receives: bool, stop: &CancellationToken) {
    loop {
        for (wanted, statement) in [(sends, CLEAN_OUTBOX), (receives, CLEAN_INBOX)] {
            if wanted && let Err(error) = clean(db, statement, hours).await {
                debug!(error = %error, "old events stay for now");
            }
        }
        tokio::select! {
            () = sleep(CLEAN_UP_INTERVAL) => {}
            () = stop.cancelled() => return,
        }
    }
}

const CLEAN_OUTBOX: &str = "delete from outbox where position in (
    select position from outbox where delivered_at < now() - make_interval(hours => $1) limit $2 for update skip locked)";

const CLEAN_INBOX: &str = "delete from inbox where position in (
    select position from inbox where processed_at < now() - make_interval(hours => $1) limit $2 for update skip locked)";

async fn clean(db: &DbPool, statement: &'static str, hours: u32) -> Result<(), sqlx::Error> {
    let hours = i32::try_from(hours).unwrap_or(i32::MAX);
    let batch = || with_timeout(BACKGROUND_TIMEOUT, query(statement).bind(hours).bind(CLEAN_UP_BATCH).execute(db));
    while batch().await?.rows_affected() > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_nats_is_one_part_of_a_subject() {
        for good in ["lyceum", "Lyceum-2_b", &"x".repeat(64)] {
            assert!(good.parse::<NatsName>().is_ok(), "{good}");
        }
        for bad in ["", "a.b", "a b", "a*", ">", "ä", &"x".repeat(65)] {
            assert!(bad.parse::<NatsName>().is_err(), "{bad}");
        }
    }
}
