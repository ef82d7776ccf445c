//! Events by way of NATS `JetStream`: one stream holds them all, and each service reads what is for it.
//!
//! A stream is a way, not a place to keep something: a server that is killed can lose what it has acknowledged.
//! So the service that has an event in its inbox sends an ack to the one that published it, and until then the
//! event stays in that one's outbox and is sent again.

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
use auth::signature::Secrets;
use bytes::Bytes;
use contracts::events::EventType;
use db::{
    DbPool,
    availability::{BACKGROUND_TIMEOUT, with_timeout},
    fail_point,
};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use uuid::Uuid;

use crate::{
    Inbox,
    delivery::{Delivery, DeliveryError},
    outbox,
    settings::NatsName,
    transport::{OutgoingEvent, Transport},
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

const NOT_SIGNED: &str = "NATS message with an invalid signature ignored";

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
    stream_ready: AtomicBool,
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
struct Ack {
    event: Uuid,
    consumer: String,
    rejected: Option<String>,
}

/// Why NATS does not do what it should.
type NatsError = async_nats::Error;

impl Nats {
    /// A connection that is made as soon as there is a server, and again whenever it was lost.
    ///
    /// # Errors
    /// If `url` is not a valid server URL.
    pub async fn connect(
        url: &str,
        name: NatsName,
        secrets: Option<Secrets>,
    ) -> Result<Self, async_nats::ConnectError> {
        let (say, connected) = watch::channel(());
        let is_unavailable = AtomicBool::new(false);
        let options = ConnectOptions::new().retry_on_initial_connect().name("lyceum").event_callback(move |event| {
            match event {
                Event::Connected => {
                    is_unavailable.store(false, Ordering::Relaxed);
                    say.send_replace(());
                }
                Event::Disconnected | Event::ClientError(_) if !is_unavailable.swap(true, Ordering::Relaxed) => {
                    warn!("NATS is unavailable, events are queued");
                }
                _ => {}
            }
            async {}
        });
        let client = options.connect(url).await?;
        let jetstream = jetstream::new(client.clone());
        let stream_ready = AtomicBool::new(false);
        Ok(Self(Arc::new(Connection { client, jetstream, name, secrets, stream_ready, connected })))
    }

    async fn publish(
        &self,
        destination: &str,
        OutgoingEvent { id, event_type, json }: OutgoingEvent<'_>,
    ) -> Result<Delivery, DeliveryError> {
        let send = async {
            self.ensure_stream().await?;
            let subject = self.subject_of(destination, event_type, id);
            let headers = self.headers("application/cloudevents+json", &subject, json);
            let body = Bytes::copy_from_slice(json);
            self.0.jetstream.publish_with_headers(subject, headers, body).await?.await?;
            Ok::<(), NatsError>(())
        };
        send.await.map(|()| Delivery::Published).map_err(|error| {
            // The stream may be gone with the server's disk.
            self.0.stream_ready.store(false, Ordering::Relaxed);
            DeliveryError::Unavailable(error.to_string())
        })
    }

    async fn read(&self, inbox: &Inbox) -> Result<(), NatsError> {
        let consumer = self.consumer(inbox.service()).await?;
        let stream = consumer.stream().max_messages_per_batch(BATCH).expires(PULL_EXPIRY).heartbeat(HEARTBEAT);
        let messages = stream.messages().await?.map_err(NatsError::from);
        messages.try_for_each_concurrent(CONCURRENCY, async |message| self.take(inbox, &message).await).await
    }

    async fn take(&self, inbox: &Inbox, message: &Message) -> Result<(), NatsError> {
        if !self.has_valid_signature(&message.message) {
            warn!(service = inbox.service(), subject = %message.subject, "{NOT_SIGNED}");
            return message.ack().await;
        }
        loop {
            match inbox.receive(&message.payload).await {
                Ok(()) => return self.ack_event(inbox.service(), message, None).await,
                Err(DeliveryError::Rejected(reason)) => {
                    return self.ack_event(inbox.service(), message, Some(reason)).await;
                }
                Err(DeliveryError::Unavailable(reason)) => {
                    debug!(service = inbox.service(), reason, "event from NATS not stored yet, retrying");
                    message.ack_with(AckKind::Progress).await?;
                    sleep(RETRY_DELAY).await;
                }
            }
        }
    }

    /// Says that an event has arrived: first to the service that published it, then to NATS.
    async fn ack_event(&self, service: &str, message: &Message, rejected: Option<String>) -> Result<(), NatsError> {
        fail_point("nats.received");
        if let Ok(Sender { id, source }) = serde_json::from_slice(&message.payload)
            && let Ok(producer) = source.trim_start_matches('/').parse::<NatsName>()
        {
            let ack = serde_json::to_vec(&Ack { event: id, consumer: service.to_owned(), rejected })?;
            let subject = self.ack_subject(&producer.to_string());
            let headers = self.headers("application/json", &subject, &ack);
            self.0.client.publish_with_headers(subject, headers, ack.into()).await?;
        }
        message.ack().await
    }

    async fn read_acks(&self, service: &str, db: &DbPool) -> Result<(), NatsError> {
        // Any one of a service's processes hears an ack.
        let acks = self.0.client.queue_subscribe(self.ack_subject(service), service.to_owned()).await?;
        let apply = acks.for_each_concurrent(CONCURRENCY, async |message| self.apply_ack(service, db, &message).await);
        tokio::select! {
            () = apply => Ok(()),
            failed = self.republish_unacked(db) => failed,
        }
    }

    /// Nobody has heard what was said before now, and a server that is back may have lost what it had.
    async fn republish_unacked(&self, db: &DbPool) -> Result<(), NatsError> {
        let mut connected = self.0.connected.clone();
        loop {
            connected.borrow_and_update();
            outbox::republish_unacked(db).await;
            connected.changed().await?;
        }
    }

    async fn apply_ack(&self, service: &str, db: &DbPool, message: &async_nats::Message) {
        if !self.has_valid_signature(message) {
            warn!(service, subject = %message.subject, "{NOT_SIGNED}");
            return;
        }
        let Ok(Ack { event, consumer, rejected }) = serde_json::from_slice(&message.payload) else {
            warn!(service, "malformed acknowledgement ignored");
            return;
        };
        while let Err(error) =
            with_timeout(BACKGROUND_TIMEOUT, outbox::acknowledge(db, &consumer, event, rejected.as_deref())).await
        {
            match DeliveryError::of_storage(&error) {
                DeliveryError::Unavailable(reason) => {
                    debug!(service, reason, "acknowledgement not stored yet, retrying");
                }
                DeliveryError::Rejected(reason) => {
                    warn!(service, reason, "acknowledgement not stored, ignored");
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

    fn has_valid_signature(&self, message: &async_nats::Message) -> bool {
        let Some(secrets) = &self.0.secrets else { return true };
        let signature = message.headers.as_ref().and_then(|headers| headers.get(SIGNATURE));
        signature
            .is_some_and(|signature| secrets.verify_message(&message.subject, &message.payload, signature.as_str()))
    }

    /// `lyceum.event.notification.payment.completed.ID`: the system, whom it is for, what has happened, which event.
    fn subject_of(&self, destination: &str, event_type: EventType, id: Uuid) -> String {
        format!("{}.event.{destination}.{}.{id}", self.0.name, event_type.name().trim_start_matches(PREFIX))
    }

    fn ack_subject(&self, service: &str) -> String {
        format!("{}.ack.{service}", self.0.name)
    }

    /// The stream, before the first event comes.
    async fn ensure_stream(&self) -> Result<(), NatsError> {
        if self.0.stream_ready.load(Ordering::Relaxed) {
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
        self.0.stream_ready.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// What is for one service, shared by all its processes. What is about the same thing comes in order, because
    /// the next one is sent when the one before has arrived.
    async fn consumer(&self, service: &str) -> Result<PullConsumer, NatsError> {
        let config = pull::Config {
            durable_name: Some(service.to_owned()),
            filter_subject: format!("{}.event.{service}.>", self.0.name),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            ..pull::Config::default()
        };
        // Whoever looks for events anew has lost them, perhaps with the server's disk.
        self.0.stream_ready.store(false, Ordering::Relaxed);
        self.ensure_stream().await?;
        Ok(self.0.jetstream.create_consumer_on_stream(config, self.0.name.to_string()).await?)
    }
}

impl Transport for Nats {
    /// Sends an event to `destination`, which acknowledges it when it has arrived.
    fn deliver<'a>(
        &'a self,
        destination: &'a str,
        event: OutgoingEvent<'a>,
    ) -> BoxFuture<'a, Result<Delivery, DeliveryError>> {
        self.publish(destination, event).boxed()
    }

    fn receive<'a>(&'a self, inbox: &'a Inbox, stop: &'a CancellationToken) -> BoxFuture<'a, ()> {
        retry_forever(&self.0.client, stop, inbox.service(), async || self.read(inbox).await).boxed()
    }

    fn receive_acks<'a>(&'a self, service: &'a str, db: &'a DbPool, stop: &'a CancellationToken) -> BoxFuture<'a, ()> {
        retry_forever(&self.0.client, stop, service, async || self.read_acks(service, db).await).boxed()
    }
}

/// Does it until `stop` is cancelled, though it fails.
async fn retry_forever<F>(client: &Client, stop: &CancellationToken, service: &str, mut attempt: impl FnMut() -> F)
where
    F: Future<Output = Result<(), NatsError>>,
{
    let work = async {
        let mut is_logged = false;
        loop {
            let start = Instant::now();
            let outcome = attempt().await;
            is_logged &= start.elapsed() < STABLE_AFTER;
            // Of a server that is unavailable the connection itself tells.
            if let Err(error) = outcome
                && !is_logged
                && client.connection_state() == State::Connected
            {
                warn!(service, error = %error, "NATS consumer failed, retrying");
                is_logged = true;
            }
            sleep(RETRY_DELAY).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
}
