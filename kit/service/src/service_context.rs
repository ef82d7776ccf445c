//! What a subgraph gets from the process that it runs in: keys, peers, the event bus.

use std::{any::type_name, sync::Arc};

use auth::{seal::SealKeys, signature::Secrets, token::Verifier};
use http::Extensions;
use messaging::{Bus, BusAddress, EventSettings, Nats};

use crate::Peers;

/// What a subgraph gets from the process that it runs in: keys, peers, the event bus.
#[derive(Clone)]
pub struct ServiceContext {
    /// Knows whose tokens to believe.
    pub verifier: Verifier,
    /// The other subgraphs.
    pub peers: Peers,
    /// How events travel.
    pub bus: Bus,
    /// What a subgraph seals its own facts with, and verifies others'.
    pub seals: SealKeys,
    /// What one subgraph alone needs, each of a type of its own.
    pub own: Extensions,
}

impl ServiceContext {
    /// A context without peers; events go directly to the subgraphs that are added. Its seals are good for itself
    /// alone.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        let peers = Peers::default();
        Self { verifier, bus: Arc::new(peers.clone()), peers, seals: SealKeys::random(), own: Extensions::new() }
    }

    /// The same, with the bus that the settings name.
    ///
    /// # Errors
    /// If they name no address of a NATS server.
    pub async fn open(
        verifier: Verifier,
        settings: &EventSettings,
        secrets: Option<Secrets>,
        seals: SealKeys,
    ) -> Result<Self, async_nats::ConnectError> {
        let peers = Peers::default();
        let bus: Bus = match &settings.bus {
            BusAddress::Local => Arc::new(peers.clone()),
            BusAddress::Nats(url) => Arc::new(Nats::connect(url, settings.nats_name.clone(), secrets).await?),
        };
        Ok(Self { verifier, peers, bus, seals, own: Extensions::new() })
    }

    /// What one subgraph alone needs, of this type.
    ///
    /// # Panics
    /// If the process did not give it.
    #[must_use]
    pub fn require<T: Clone + Send + Sync + 'static>(&self) -> &T {
        self.own.get().unwrap_or_else(|| panic!("the process gives its subgraphs no {}", type_name::<T>()))
    }
}
