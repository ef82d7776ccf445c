//! The NATS `JetStream` transport: one stream for all events, one durable consumer per service.
//!
//! A stream is a transport, not durable storage: a killed server can lose messages that it has acknowledged. So a
//! service that has stored an event in its inbox sends an ack to the producer, whose outbox republishes the event
//! until then.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_nats::{
    Client, ConnectError, ConnectOptions, Event, HeaderMap, ServerAddr,
    connection::State,
    jetstream::{
        self, AckKind, Context, ErrorCode, Message,
        consumer::{AckPolicy, PullConsumer, pull},
        context::GetStreamErrorKind,
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
    settings::{EventSettings, NatsLogin, NatsName, NatsServers},
    transport::{OutgoingEvent, Transport},
};

/// The prefix of all event types; NATS subjects have the system's name instead.
const EVENT_TYPE_PREFIX: &str = "lyceum.";

/// The header with a message's signature by a service.
const SIGNATURE: &str = "Lyceum-Signature";

/// A message that is not acknowledged by then is redelivered.
const ACK_WAIT: Duration = Duration::from_secs(5);

/// Messages per pull request: a service stores them well within `ACK_WAIT`.
const BATCH: usize = 16;

/// Messages that one process stores concurrently.
const CONCURRENCY: usize = 4;

/// The expiry of one pull request.
const PULL_EXPIRY: Duration = Duration::from_secs(10);

/// The idle heartbeat of a pull request. A server that restarted without its disk sends none.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The maximum age in the stream. Older unacknowledged events are republished from the outbox.
const RETENTION: Duration = Duration::from_hours(24);

const RETRY_DELAY: Duration = Duration::from_millis(500);

/// A failure is logged again after an attempt that lasted this long.
const STABLE_AFTER: Duration = Duration::from_secs(30);

const INVALID_SIGNATURE: &str = "NATS message with an invalid signature ignored";

/// The NATS transport.
#[derive(Clone)]
pub struct Nats(Arc<Connection>);

struct Connection {
    client: Client,
    jetstream: Context,
    /// The stream's name, and the first token of its subjects.
    name: NatsName,
    /// `None` only with `--insecure-dev`.
    secrets: Option<Secrets>,
    stream_ready: AtomicBool,
    /// The number of servers that store each event.
    replicas: usize,
    /// Whether the last event could not be published.
    is_failing: AtomicBool,
    /// Notified of each new connection.
    connected: watch::Receiver<()>,
}

/// The attributes needed to acknowledge an event.
#[derive(Deserialize)]
struct EventOrigin {
    id: Uuid,
    source: String,
}

/// A consumer's acknowledgement: the event is stored, or rejected.
#[derive(Serialize, Deserialize)]
struct Ack {
    event: Uuid,
    consumer: String,
    rejected: Option<String>,
}

/// An error of the NATS client.
type ClientError = async_nats::Error;

/// The reason why NATS cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// A file of the settings cannot be used.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The client rejects the settings.
    #[error("cannot use these settings of NATS")]
    Settings(#[from] ConnectError),
}

impl Nats {
    /// Connects in the background, as soon as a server is available, and reconnects automatically.
    ///
    /// # Errors
    /// [`NatsError`]: a file cannot be read, or the settings contradict each other.
    pub async fn connect(
        servers: &NatsServers,
        settings: &EventSettings,
        secrets: Option<Secrets>,
    ) -> Result<Self, NatsError> {
        let (connected_tx, connected_rx) = watch::channel(());
        let is_unavailable = AtomicBool::new(false);
        let options = connect_options(servers, settings).await?.event_callback(move |event| {
            match event {
                Event::Connected => {
                    is_unavailable.store(false, Ordering::Relaxed);
                    connected_tx.send_replace(());
                }
                Event::Disconnected | Event::ClientError(_) if !is_unavailable.swap(true, Ordering::Relaxed) => {
                    warn!(reason = %event, "NATS is unavailable, events are queued");
                }
                _ => {}
            }
            async {}
        });
        let client = options.connect(servers.addresses.clone()).await?;
        let jetstream = jetstream::new(client.clone());
        Ok(Self(Arc::new(Connection {
            client,
            jetstream,
            name: settings.nats_name.clone(),
            secrets,
            stream_ready: AtomicBool::new(false),
            replicas: settings.nats_replicas.into(),
            is_failing: AtomicBool::new(false),
            connected: connected_rx,
        })))
    }

    async fn publish(
        &self,
        destination: &str,
        OutgoingEvent { id, event_type, json }: OutgoingEvent<'_>,
    ) -> Result<Delivery, DeliveryError> {
        let sending = async {
            self.ensure_stream().await?;
            let subject = self.subject_of(destination, event_type, id);
            let headers = self.headers("application/cloudevents+json", &subject, json);
            let body = Bytes::copy_from_slice(json);
            self.0.jetstream.publish_with_headers(subject, headers, body).await?.await?;
            Ok::<(), ClientError>(())
        };
        let sent = sending.await;
        self.0.is_failing.store(sent.is_err(), Ordering::Relaxed);
        sent.map(|()| Delivery::Published).map_err(|error| {
            // The stream may be lost with the server's disk.
            self.0.stream_ready.store(false, Ordering::Relaxed);
            DeliveryError::Unavailable(error.to_string())
        })
    }

    async fn consume(&self, inbox: &Inbox) -> Result<(), ClientError> {
        let consumer = self.consumer(inbox.service()).await?;
        let stream = consumer.stream().max_messages_per_batch(BATCH).expires(PULL_EXPIRY).heartbeat(HEARTBEAT);
        let messages = stream.messages().await?.map_err(ClientError::from);
        messages.try_for_each_concurrent(CONCURRENCY, async |message| self.handle_message(inbox, &message).await).await
    }

    async fn handle_message(&self, inbox: &Inbox, message: &Message) -> Result<(), ClientError> {
        if !self.has_valid_signature(&message.message) {
            warn!(service = inbox.service(), subject = %message.subject, "{INVALID_SIGNATURE}");
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

    /// Acknowledges an event: first to its producer, then to NATS.
    async fn ack_event(&self, service: &str, message: &Message, rejected: Option<String>) -> Result<(), ClientError> {
        fail_point("nats.received");
        if let Ok(EventOrigin { id, source }) = serde_json::from_slice(&message.payload)
            && let Ok(producer) = source.trim_start_matches('/').parse::<NatsName>()
        {
            let ack = serde_json::to_vec(&Ack { event: id, consumer: service.to_owned(), rejected })?;
            let subject = self.ack_subject(&producer.to_string());
            let headers = self.headers("application/json", &subject, &ack);
            self.0.client.publish_with_headers(subject, headers, ack.into()).await?;
        }
        message.ack().await
    }

    async fn consume_acks(&self, service: &str, db: &DbPool) -> Result<(), ClientError> {
        // A queue group: one of the service's processes receives each ack.
        let acks = self.0.client.queue_subscribe(self.ack_subject(service), service.to_owned()).await?;
        let apply = acks.for_each_concurrent(CONCURRENCY, async |message| self.apply_ack(service, db, &message).await);
        tokio::select! {
            () = apply => Ok(()),
            failed = self.republish_unacked(db) => failed,
        }
    }

    /// Republishes after each connect: earlier acks were missed, and the server may have lost its stream.
    async fn republish_unacked(&self, db: &DbPool) -> Result<(), ClientError> {
        let mut connected = self.0.connected.clone();
        loop {
            connected.borrow_and_update();
            outbox::republish_unacked(db).await;
            connected.changed().await?;
        }
    }

    async fn apply_ack(&self, service: &str, db: &DbPool, message: &async_nats::Message) {
        if !self.has_valid_signature(message) {
            warn!(service, subject = %message.subject, "{INVALID_SIGNATURE}");
            return;
        }
        let Ok(Ack { event, consumer, rejected }) = serde_json::from_slice(&message.payload) else {
            warn!(service, "malformed acknowledgement ignored");
            return;
        };
        while let Err(error) =
            with_timeout(BACKGROUND_TIMEOUT, outbox::acknowledge(db, &consumer, event, rejected.as_deref())).await
        {
            match DeliveryError::from_storage(&error) {
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

    /// `lyceum.event.notification.payment.completed.ID`: the system's name, destination, event type and event id.
    fn subject_of(&self, destination: &str, event_type: EventType, id: Uuid) -> String {
        format!("{}.event.{destination}.{}.{id}", self.0.name, event_type.name().trim_start_matches(EVENT_TYPE_PREFIX))
    }

    fn ack_subject(&self, service: &str) -> String {
        format!("{}.ack.{service}", self.0.name)
    }

    /// Creates the stream, or gives it more replicas, unless that is known to be done.
    async fn ensure_stream(&self) -> Result<(), ClientError> {
        if self.0.stream_ready.load(Ordering::Relaxed) {
            return Ok(());
        }
        let config = stream::Config {
            name: self.0.name.to_string(),
            description: Some("Events between Lyceum's services.".to_owned()),
            subjects: vec![format!("{}.event.>", self.0.name)],
            max_age: RETENTION,
            // A republished event replaces the previous message.
            max_messages_per_subject: 1,
            // Never fewer: an operator, or a process with other settings, may have asked for more.
            num_replicas: self.0.replicas.max(self.current_replicas().await?),
            ..stream::Config::default()
        };
        self.0.jetstream.create_or_update_stream(config).await?;
        self.0.stream_ready.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The stream's number of replicas; 0 if there is no stream yet.
    async fn current_replicas(&self) -> Result<usize, ClientError> {
        match self.0.jetstream.get_stream(self.0.name.to_string()).await {
            Ok(stream) => Ok(stream.cached_info().config.num_replicas),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(0),
                _ => Err(error.into()),
            },
        }
    }

    /// Creates a service's durable consumer, which all its processes share. Events about one entity arrive in order:
    /// the next is published when the previous one is acknowledged.
    async fn consumer(&self, service: &str) -> Result<PullConsumer, ClientError> {
        let config = pull::Config {
            durable_name: Some(service.to_owned()),
            filter_subject: format!("{}.event.{service}.>", self.0.name),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            ..pull::Config::default()
        };
        // The last attempt has failed, perhaps because the server lost its disk.
        self.0.stream_ready.store(false, Ordering::Relaxed);
        self.ensure_stream().await?;
        Ok(self.0.jetstream.create_consumer_on_stream(config, self.0.name.to_string()).await?)
    }
}

impl Transport for Nats {
    /// Publishes an event to `destination`, which acknowledges it when it is stored.
    fn deliver<'a>(
        &'a self,
        destination: &'a str,
        event: OutgoingEvent<'a>,
    ) -> BoxFuture<'a, Result<Delivery, DeliveryError>> {
        self.publish(destination, event).boxed()
    }

    fn receive<'a>(&'a self, inbox: &'a Inbox, stop: &'a CancellationToken) -> BoxFuture<'a, ()> {
        retry_forever(&self.0.client, stop, inbox.service(), async || self.consume(inbox).await).boxed()
    }

    fn receive_acks<'a>(&'a self, service: &'a str, db: &'a DbPool, stop: &'a CancellationToken) -> BoxFuture<'a, ()> {
        retry_forever(&self.0.client, stop, service, async || self.consume_acks(service, db).await).boxed()
    }

    fn problem(&self) -> Option<&'static str> {
        if self.0.client.connection_state() != State::Connected {
            return Some("NATS is unavailable");
        }
        self.0.is_failing.load(Ordering::Relaxed).then_some("NATS does not store events")
    }
}

async fn connect_options(servers: &NatsServers, settings: &EventSettings) -> Result<ConnectOptions, NatsError> {
    let options =
        ConnectOptions::new().retry_on_initial_connect().name("lyceum").require_tls(needs_tls(servers, settings));
    let mut options = match servers.login.clone() {
        Some(NatsLogin::User { name, password }) => options.user_and_password(name, password),
        Some(NatsLogin::Token(token)) => options.token(token),
        None => options,
    };
    if let Some(path) = &settings.nats_credentials_file {
        let loaded = options.credentials_file(path).await;
        options = loaded.map_err(|source| NatsError::File { path: path.clone(), source })?;
    }
    if let Some(path) = &settings.nats_ca_file {
        options = options.add_root_certificates(readable(path).await?);
    }
    if let (Some(certificate), Some(key)) = (&settings.nats_certificate_file, &settings.nats_key_file) {
        options = options.add_client_certificate(readable(certificate).await?, readable(key).await?);
    }
    Ok(options)
}

/// Whether the servers are to prove who they are: also those that the client hears of from others, by an address without
/// a scheme.
fn needs_tls(servers: &NatsServers, settings: &EventSettings) -> bool {
    let files = [&settings.nats_ca_file, &settings.nats_certificate_file];
    files.into_iter().any(Option::is_some) || servers.addresses.iter().any(ServerAddr::tls_required)
}

/// The client reads files when it connects, and says nothing of one that it cannot read.
async fn readable(path: &Path) -> Result<PathBuf, NatsError> {
    let path = path.to_owned();
    match tokio::fs::read(&path).await {
        Ok(_) => Ok(path),
        Err(source) => Err(NatsError::File { path, source }),
    }
}

/// Repeats `attempt` until `stop` is cancelled.
async fn retry_forever<F>(client: &Client, stop: &CancellationToken, service: &str, mut attempt: impl FnMut() -> F)
where
    F: Future<Output = Result<(), ClientError>>,
{
    let work = async {
        let mut is_logged = false;
        loop {
            let start = Instant::now();
            let outcome = attempt().await;
            is_logged &= start.elapsed() < STABLE_AFTER;
            // The connection itself logs that the server is unavailable.
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
