//! What moves money: the provider that does it, and those who have a say in it or hear of it.

use std::sync::Arc;
use subgraph_kit::DbPool;

use subgraph_kit::{Peers, ServiceContext};

use crate::provider::PaymentProvider;

/// Buys and gives back. Nothing of the database is held while provider or course subgraph are asked.
#[derive(Clone)]
pub struct Till {
    pub(crate) db: DbPool,
    pub(crate) provider: Arc<dyn PaymentProvider>,
    pub(crate) peers: Peers,
}

impl Till {
    /// A till over this database.
    #[must_use]
    pub fn new(db: DbPool, context: &ServiceContext, provider: Arc<dyn PaymentProvider>) -> Self {
        Self { db, provider, peers: context.peers.clone() }
    }
}
