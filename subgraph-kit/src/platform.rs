//! What a subgraph is given of the platform that it is a part of.

use crate::{Peers, events::Bus, token::Verifier};

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
}
