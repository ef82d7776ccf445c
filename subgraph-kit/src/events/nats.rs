//! Events by way of NATS `JetStream`: one stream holds them all, and each service reads what is for it.
//!
//! A stream is a way, not a place to keep something: a server that is killed can lose what it has acknowledged.
//! So the service that has an event in its inbox sends a receipt to the one that told it, and until then the
//! event stays in that one's outbox and is sent again.

use crate::pool::DbPool;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_nats::{
    Client, ConnectOptions, Event, HeaderMap,
    connection::State,
    jetstream::{
        self, AckKind, Context, Message,
        consumer::{AckPolicy, PullConsumer, pull},
        stream,
    },
};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use uuid::Uuid;

use super::{Inbox, Kind, bus::Undelivered, inbox, relay, work::NatsName};
use crate::{
    database::{BACKGROUND_TIMEOUT, with_timeout},
    failpoint::fail_point,
    signature::Secrets,
};

/// What the types of all events begin with. In NATS the system's name stands there.
const PREFIX: &str = "lyceum.";

/// Says that a message comes from a service of ours.
const SIGNATURE: &str = "Lyceum-Signature";

/// A service that has not acknowledged by then gets the event again.
const ACK_WAIT: Duration = Duration::from_secs(5);

/// A service fetches so many at once: it takes them into its inbox well within `ACK_WAIT`.
const BATCH: usize = 16;

/// So many messages at once one process writes down.
const CONCURRENCY: usize = 4;

/// So long a service waits for events at a time.
const PULL_EXPIRY: Duration = Duration::from_secs(10);

/// So often NATS says meanwhile that it still knows of that. A server that came back without its disk does not.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// What has not been read by then comes again from the outbox.
const RETENTION: Duration = Duration::from_hours(24);

const RETRY_DELAY: Duration = Duration::from_millis(500);

/// What went well for so long and fails then is worth a line of log again.
const STABLE_AFTER: Duration = Duration::from_secs(30);

const NOT_SIGNED: &str = "what is not signed with a secret of ours is not heeded";

/// Events in NATS.
#[derive(Clone)]
pub struct Nats(Arc<Connection>);

struct Connection {
    client: Client,
    jetstream: Context,
    /// Of the stream, and the first part of its subjects.
    name: NatsName,
    /// None with `--insecure-dev` only.
    secrets: Option<Secrets>,
    is_prepared: AtomicBool,
    /// Changes with each connection that is made.
    connected: watch::Receiver<()>,
}

/// What must be known of an event to say that it has arrived.
#[derive(Deserialize)]
struct Sender {
    id: Uuid,
    source: String,
}

/// That a service has an event, or will not have it.
#[derive(Serialize, Deserialize)]
struct Receipt {
    event: Uuid,
    of: String,
    refused: Option<String>,
}

/// Why NATS does not do what it should.
type Failure = async_nats::Error;

impl Nats {
    /// A connection that is made as soon as there is a server, and again whenever it was lost.
    ///
    /// # Errors
    /// If `url` is no address of a server.
    pub async fn connect(
        url: &str,
        name: NatsName,
        secrets: Option<Secrets>,
    ) -> Result<Self, async_nats::ConnectError> {
        let (say, connected) = watch::channel(());
        let is_away = AtomicBool::new(false);
        let options = ConnectOptions::new().retry_on_initial_connect().name("lyceum").event_callback(move |event| {
            match event {
                Event::Connected => {
                    is_away.store(false, Ordering::Relaxed);
                    say.send_replace(());
                }
                Event::Disconnected | Event::ClientError(_) if !is_away.swap(true, Ordering::Relaxed) => {
                    warn!("NATS is away: events wait for it");
                }
                _ => {}
            }
            async {}
        });
        let client = options.connect(url).await?;
        let jetstream = jetstream::new(client.clone());
        let is_prepared = AtomicBool::new(false);
        Ok(Self(Arc::new(Connection { client, jetstream, name, secrets, is_prepared, connected })))
    }

    /// Sends an event to `destination`, which says when it has arrived.
    ///
    /// # Errors
    /// If NATS does not acknowledge it.
    pub(super) async fn publish(
        &self,
        destination: &str,
        kind: Kind,
        id: Uuid,
        event: &[u8],
    ) -> Result<(), Undelivered> {
        let send = async {
            self.prepare().await?;
            let subject = self.subject_of(destination, kind, id);
            let headers = self.headers("application/cloudevents+json", &subject, event);
            let body = Bytes::copy_from_slice(event);
            self.0.jetstream.publish_with_headers(subject, headers, body).await?.await?;
            Ok::<(), Failure>(())
        };
        send.await.map_err(|error| {
            // The stream may be gone with the server's disk.
            self.0.is_prepared.store(false, Ordering::Relaxed);
            Undelivered::Away(error.to_string())
        })
    }

    /// Fills `inbox` until `stop` is cancelled.
    pub(super) async fn receive(&self, inbox: &Inbox, stop: &CancellationToken) {
        again_and_again(&self.0.client, stop, inbox.service(), async || self.read(inbox).await).await;
    }

    /// Tells the outbox in `db`, until `stop` is cancelled, what became of what `service` has sent.
    pub(super) async fn hear_receipts(&self, service: &str, db: &DbPool, stop: &CancellationToken) {
        again_and_again(&self.0.client, stop, service, async || self.settle(service, db).await).await;
    }

    async fn read(&self, inbox: &Inbox) -> Result<(), Failure> {
        let consumer = self.consumer(inbox.service()).await?;
        let stream = consumer.stream().max_messages_per_batch(BATCH).expires(PULL_EXPIRY).heartbeat(HEARTBEAT);
        let messages = stream.messages().await?.map_err(Failure::from);
        messages.try_for_each_concurrent(CONCURRENCY, async |message| self.take(inbox, &message).await).await
    }

    async fn take(&self, inbox: &Inbox, message: &Message) -> Result<(), Failure> {
        if !self.is_ours(&message.message) {
            warn!(service = inbox.service(), subject = %message.subject, "{NOT_SIGNED}");
            return message.ack().await;
        }
        loop {
            match inbox.receive(&message.payload).await {
                Ok(()) => return self.acknowledge(inbox.service(), message, None).await,
                Err(Undelivered::Refused(reason)) => {
                    return self.acknowledge(inbox.service(), message, Some(reason)).await;
                }
                Err(Undelivered::Away(reason)) => {
                    debug!(service = inbox.service(), reason, "an event from NATS has to wait");
                    message.ack_with(AckKind::Progress).await?;
                    sleep(RETRY_DELAY).await;
                }
            }
        }
    }

    /// Says that an event has arrived: first to the service that told it, then to NATS.
    async fn acknowledge(&self, service: &str, message: &Message, refused: Option<String>) -> Result<(), Failure> {
        fail_point("nats.received");
        if let Ok(Sender { id, source }) = serde_json::from_slice(&message.payload)
            && let Ok(teller) = source.trim_start_matches('/').parse::<NatsName>()
        {
            let receipt = serde_json::to_vec(&Receipt { event: id, of: service.to_owned(), refused })?;
            let subject = self.receipts_of(&teller.to_string());
            let headers = self.headers("application/json", &subject, &receipt);
            self.0.client.publish_with_headers(subject, headers, receipt.into()).await?;
        }
        message.ack().await
    }

    async fn settle(&self, service: &str, db: &DbPool) -> Result<(), Failure> {
        // Any one of a service's processes hears a receipt.
        let receipts = self.0.client.queue_subscribe(self.receipts_of(service), service.to_owned()).await?;
        let hear = receipts.for_each_concurrent(CONCURRENCY, async |message| self.hear(service, db, &message).await);
        tokio::select! {
            () = hear => Ok(()),
            lost = self.send_again(db) => lost,
        }
    }

    /// Nobody has heard what was said before now, and a server that is back may have lost what it had.
    async fn send_again(&self, db: &DbPool) -> Result<(), Failure> {
        let mut connected = self.0.connected.clone();
        loop {
            connected.borrow_and_update();
            relay::send_again(db).await;
            connected.changed().await?;
        }
    }

    async fn hear(&self, service: &str, db: &DbPool, message: &async_nats::Message) {
        if !self.is_ours(message) {
            warn!(service, subject = %message.subject, "{NOT_SIGNED}");
            return;
        }
        let Ok(Receipt { event, of, refused }) = serde_json::from_slice(&message.payload) else {
            warn!(service, "a receipt that cannot be read");
            return;
        };
        while let Err(error) = with_timeout(BACKGROUND_TIMEOUT, relay::settle(db, &of, event, refused.as_deref())).await
        {
            match inbox::not_kept(&error) {
                Undelivered::Away(reason) => debug!(service, reason, "a receipt has to wait"),
                Undelivered::Refused(reason) => {
                    warn!(service, reason, "a receipt that cannot be written down");
                    return;
                }
            }
            sleep(RETRY_DELAY).await;
        }
    }

    fn headers(&self, content_type: &str, subject: &str, body: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("Content-Type", content_type);
        if let Some(secrets) = &self.0.secrets {
            headers.insert(SIGNATURE, secrets.sign_message(subject, body));
        }
        headers
    }

    fn is_ours(&self, message: &async_nats::Message) -> bool {
        let Some(secrets) = &self.0.secrets else { return true };
        let signature = message.headers.as_ref().and_then(|headers| headers.get(SIGNATURE));
        signature
            .is_some_and(|signature| secrets.verify_message(&message.subject, &message.payload, signature.as_str()))
    }

    /// `lyceum.event.notification.payment.completed.ID`: the system, whom it is for, what has happened, which event.
    fn subject_of(&self, destination: &str, kind: Kind, id: Uuid) -> String {
        format!("{}.event.{destination}.{}.{id}", self.0.name, kind.name().trim_start_matches(PREFIX))
    }

    fn receipts_of(&self, service: &str) -> String {
        format!("{}.receipt.{service}", self.0.name)
    }

    /// The stream, before the first event comes.
    async fn prepare(&self) -> Result<(), Failure> {
        if self.0.is_prepared.load(Ordering::Relaxed) {
            return Ok(());
        }
        let config = stream::Config {
            name: self.0.name.to_string(),
            description: Some("What Lyceum's services tell each other.".to_owned()),
            subjects: vec![format!("{}.event.>", self.0.name)],
            max_age: RETENTION,
            // What is sent again takes the place of what was sent before.
            max_messages_per_subject: 1,
            ..stream::Config::default()
        };
        self.0.jetstream.create_or_update_stream(config).await?;
        self.0.is_prepared.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// What is for one service, shared by all its processes. What is about the same thing comes in order, because
    /// the next one is sent when the one before has arrived.
    async fn consumer(&self, service: &str) -> Result<PullConsumer, Failure> {
        let config = pull::Config {
            durable_name: Some(service.to_owned()),
            filter_subject: format!("{}.event.{service}.>", self.0.name),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            ..pull::Config::default()
        };
        // Whoever looks for events anew has lost them, perhaps with the server's disk.
        self.0.is_prepared.store(false, Ordering::Relaxed);
        self.prepare().await?;
        Ok(self.0.jetstream.create_consumer_on_stream(config, self.0.name.to_string()).await?)
    }
}

/// Does it until `stop` is cancelled, though it fails.
async fn again_and_again<F>(client: &Client, stop: &CancellationToken, service: &str, mut attempt: impl FnMut() -> F)
where
    F: Future<Output = Result<(), Failure>>,
{
    let work = async {
        let mut is_known = false;
        loop {
            let start = Instant::now();
            let outcome = attempt().await;
            is_known &= start.elapsed() < STABLE_AFTER;
            // Of a server that is away the connection itself tells.
            if let Err(error) = outcome
                && !is_known
                && client.connection_state() == State::Connected
            {
                warn!(service, error = %error, "no events from NATS for a moment");
                is_known = true;
            }
            sleep(RETRY_DELAY).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
}
