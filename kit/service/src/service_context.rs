//! The dependencies that a process provides to its subgraphs: keys, peers, the event bus.

use std::{any::type_name, sync::Arc};

use auth::{seal::SealKeys, signature::Secrets, token::Verifier};
use http::Extensions;
use messaging::{EventBus, EventBusAddress, EventSettings, Nats, NatsError};

use crate::Peers;

/// The dependencies that a process provides to its subgraphs: keys, peers, the event bus.
#[derive(Clone)]
pub struct ServiceContext {
    /// Verifies access tokens.
    pub verifier: Verifier,
    /// The other subgraphs.
    pub peers: Peers,
    /// The transport of events.
    pub event_bus: EventBus,
    /// The keys to seal own values, and to verify others'.
    pub seals: SealKeys,
    /// Dependencies of individual subgraphs, one per type.
    pub own: Extensions,
}

impl ServiceContext {
    /// A context without peers, with direct delivery of events to subgraphs that are added, and with a random seal key.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        let peers = Peers::default();
        Self { verifier, event_bus: Arc::new(peers.clone()), peers, seals: SealKeys::random(), own: Extensions::new() }
    }

    /// A context with the configured event bus.
    ///
    /// # Errors
    /// [`NatsError`]: a file of the settings cannot be used.
    pub async fn open(
        verifier: Verifier,
        settings: &EventSettings,
        secrets: Option<Secrets>,
        seals: SealKeys,
    ) -> Result<Self, NatsError> {
        let peers = Peers::default();
        let event_bus: EventBus = match &settings.event_bus {
            EventBusAddress::Local => Arc::new(peers.clone()),
            EventBusAddress::Nats(servers) => Arc::new(Nats::connect(servers, settings, secrets).await?),
        };
        Ok(Self { verifier, peers, event_bus, seals, own: Extensions::new() })
    }

    /// Returns an individual subgraph's dependency by its type.
    ///
    /// # Panics
    /// If the process does not provide it.
    #[must_use]
    pub fn require<T: Clone + Send + Sync + 'static>(&self) -> &T {
        self.own.get().unwrap_or_else(|| panic!("no {} was added to the service context", type_name::<T>()))
    }
}
