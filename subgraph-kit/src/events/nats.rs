//! Events by way of NATS `JetStream`: one stream holds them all, and each service reads it from where
//! it was.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{
    Client, ConnectOptions, HeaderMap,
    jetstream::{
        self, AckKind, Context, Message,
        consumer::{AckPolicy, PullConsumer, pull},
        stream,
    },
};
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use uuid::Uuid;

use super::{Inbox, Kind, bus::Undelivered, work::NatsName};
use crate::{crash, hop::Secrets};

/// What the types of all events begin with. In NATS the system's name stands there.
const PREFIX: &str = "lyceum.";

/// Says that the event comes from a service of ours.
const SIGNATURE: &str = "Lyceum-Signature";

/// In this time NATS recognizes an event that is sent again. The inboxes do it later, too.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);

/// A service that has not acknowledged by then gets the event again.
const ACK_WAIT: Duration = Duration::from_secs(5);

/// A service may be away for so long and misses nothing. (Retention by interest would keep an event until each
/// service has it, but a server that is killed loses many then. It still loses a few with this: ARCHITECTURE.md.)
const KEPT_FOR: Duration = Duration::from_hours(30 * 24);

const PAUSE: Duration = Duration::from_millis(500);

/// Events in NATS.
#[derive(Clone)]
pub struct Nats(Arc<Connection>);

struct Connection {
    jetstream: Context,
    /// Of the stream, and the first part of its subjects.
    name: NatsName,
    /// None with `--insecure-dev` only.
    secrets: Option<Secrets>,
    is_prepared: AtomicBool,
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
        let client: Client = ConnectOptions::new().retry_on_initial_connect().name("lyceum").connect(url).await?;
        let jetstream = jetstream::new(client);
        Ok(Self(Arc::new(Connection { jetstream, name, secrets, is_prepared: AtomicBool::new(false) })))
    }

    /// Hands an event over to NATS, which then answers for it.
    ///
    /// # Errors
    /// If NATS does not acknowledge it.
    pub(super) async fn publish(&self, kind: Kind, id: Uuid, event: &[u8]) -> Result<(), Undelivered> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", id.to_string());
        headers.insert("Content-Type", "application/cloudevents+json");
        if let Some(secrets) = &self.0.secrets {
            headers.insert(SIGNATURE, secrets.seal(event));
        }
        let send = async {
            self.prepare().await?;
            let body = Bytes::copy_from_slice(event);
            self.0.jetstream.publish_with_headers(self.subject_of(kind), headers, body).await?.await?;
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
        while !stop.is_cancelled() {
            let read = async {
                if let Err(error) = self.read(inbox, stop).await {
                    warn!(service = inbox.service(), error = %error, "no events from NATS for a moment");
                }
                sleep(PAUSE).await;
            };
            tokio::select! {
                () = read => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn read(&self, inbox: &Inbox, stop: &CancellationToken) -> Result<(), Failure> {
        let mut messages = self.consumer(inbox.service()).await?.messages().await?;
        while let Some(message) = messages.next().await {
            self.take(inbox, &message?, stop).await?;
        }
        Ok(())
    }

    async fn take(&self, inbox: &Inbox, message: &Message, stop: &CancellationToken) -> Result<(), Failure> {
        if !concerns(inbox.service(), &kind_of(message)) {
            return message.double_ack().await;
        }
        while !stop.is_cancelled() {
            match self.keep(inbox, message).await {
                Ok(()) => {
                    crash::point("nats.received");
                    return message.double_ack().await;
                }
                Err(reason) => {
                    debug!(service = inbox.service(), reason, "an event from NATS has to wait");
                    message.ack_with(AckKind::Progress).await?;
                    sleep(PAUSE).await;
                }
            }
        }
        Ok(())
    }

    /// Puts a message into the inbox: what cannot be an event of ours as something to look at. Its outbox
    /// has been told that it was delivered, so it must not be lost.
    async fn keep(&self, inbox: &Inbox, message: &Message) -> Result<(), String> {
        let received = if self.is_ours(message) { inbox.receive(&message.payload).await } else { Err(not_signed()) };
        match received {
            Ok(()) => Ok(()),
            Err(Undelivered::Away(reason)) => Err(reason),
            Err(Undelivered::Refused(reason)) => {
                let kept = inbox.keep_refused(&kind_of(message), &message.payload, &reason).await;
                kept.map_err(|error| error.to_string())
            }
        }
    }

    fn subject_of(&self, kind: Kind) -> String {
        format!("{}.{}", self.0.name, kind.name().trim_start_matches(PREFIX))
    }

    fn is_ours(&self, message: &Message) -> bool {
        let Some(secrets) = &self.0.secrets else { return true };
        let signature = message.headers.as_ref().and_then(|headers| headers.get(SIGNATURE));
        signature.is_some_and(|signature| secrets.has_sealed(&message.payload, signature.as_str()))
    }

    /// The stream, and the place of each service in it, before the first event comes.
    async fn prepare(&self) -> Result<(), Failure> {
        if self.0.is_prepared.load(Ordering::Relaxed) {
            return Ok(());
        }
        for service in Kind::ALL.into_iter().flat_map(Kind::consumers) {
            self.consumer(service).await?;
        }
        self.0.is_prepared.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn stream(&self) -> Result<stream::Stream<stream::Info>, Failure> {
        let config = stream::Config {
            name: self.0.name.to_string(),
            description: Some("What Lyceum's services tell each other.".to_owned()),
            subjects: vec![format!("{}.>", self.0.name)],
            max_age: KEPT_FOR,
            duplicate_window: DUPLICATE_WINDOW,
            ..stream::Config::default()
        };
        Ok(self.0.jetstream.get_or_create_stream(config).await?)
    }

    /// One event at a time, over all the processes of a service: so they arrive in order. To keep one
    /// takes a moment; acting on them is done side by side.
    async fn consumer(&self, service: &str) -> Result<PullConsumer, Failure> {
        let config = pull::Config {
            durable_name: Some(service.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: 1,
            ..pull::Config::default()
        };
        Ok(self.stream().await?.get_or_create_consumer(service, config).await?)
    }
}

/// What its subject says it is: the name of a kind, if it is known.
fn kind_of(message: &Message) -> String {
    let (_, kind) = message.subject.split_once('.').unwrap_or_default();
    format!("{PREFIX}{kind}")
}

fn not_signed() -> Undelivered {
    Undelivered::Refused("not signed with a secret of ours: not ours, or the secret has been changed since".to_owned())
}

/// Whether a service acts on this kind of event. One that is not known, since its teller is newer than this
/// process, concerns everybody: it is set aside, and can be acted on later.
fn concerns(service: &str, kind: &str) -> bool {
    Kind::named(kind).is_none_or(|kind| kind.consumers().contains(&service))
}
