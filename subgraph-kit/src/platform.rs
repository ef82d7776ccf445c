//! What a subgraph is given of the platform that it is a part of.

use crate::{
    Peers,
    events::{Bus, EventSettings},
    hop::Secrets,
    token::Verifier,
};

/// What a subgraph is given of the platform that it is a part of.
#[derive(Clone)]
pub struct Platform {
    /// Knows whose tokens to believe.
    pub verifier: Verifier,
    /// The other subgraphs.
    pub peers: Peers,
    /// How events travel.
    pub bus: Bus,
}

impl Platform {
    /// A platform with nobody else on it yet; events travel straight to whoever is added.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        let peers = Peers::default();
        Self { verifier, bus: Bus::local(peers.clone()), peers }
    }

    /// The same, with the bus that the settings name.
    ///
    /// # Errors
    /// If they name no address of a NATS server.
    pub async fn open(
        verifier: Verifier,
        settings: &EventSettings,
        secrets: Option<Secrets>,
    ) -> Result<Self, async_nats::ConnectError> {
        let peers = Peers::default();
        Ok(Self { verifier, bus: Bus::open(settings, peers.clone(), secrets).await?, peers })
    }
}
