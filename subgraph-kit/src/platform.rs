//! What a subgraph is given of the platform that it is a part of.

use crate::{
    Peers,
    events::{Bus, EventSettings},
    seal::SealKeys,
    signature::Secrets,
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
    /// What a subgraph seals its own facts with, and verifies others'.
    pub seals: SealKeys,
}

impl Platform {
    /// A platform with nobody else on it yet; events travel straight to whoever is added. Its seals are good for itself
    /// alone.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        let peers = Peers::default();
        Self { verifier, bus: Bus::local(peers.clone()), peers, seals: SealKeys::random() }
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
        Ok(Self { verifier, bus: Bus::open(settings, peers.clone(), secrets).await?, peers, seals })
    }
}
