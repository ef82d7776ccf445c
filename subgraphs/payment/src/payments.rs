//! Purchases and refunds: the dependencies of their workflows.

use db::DbPool;
use std::sync::Arc;

use service::{Peers, ServiceContext};

use crate::provider::PaymentProvider;

/// Charges and refunds. No connection is held while the provider or the course subgraph is called.
#[derive(Clone)]
pub struct Payments {
    pub(crate) db: DbPool,
    pub(crate) provider: Arc<dyn PaymentProvider>,
    pub(crate) peers: Peers,
}

impl Payments {
    /// Payments over this database.
    #[must_use]
    pub fn new(db: DbPool, context: &ServiceContext, provider: Arc<dyn PaymentProvider>) -> Self {
        Self { db, provider, peers: context.peers.clone() }
    }
}
