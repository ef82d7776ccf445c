//! Purchases and refunds: the dependencies of their workflows.

use std::sync::Arc;

use contracts::PaymentId;
use db::DbPool;
use service::{Peers, ServiceContext};
use subgraph_kit::Error;

use crate::{
    payment::{self, Payment},
    provider::PaymentProvider,
};

/// Charges and refunds. No connection is held while the provider or the course subgraph is called.
#[derive(Clone)]
pub struct Payments {
    pub(crate) db: DbPool,
    pub(crate) provider: Arc<dyn PaymentProvider>,
    pub(crate) peers: Peers,
}

impl Payments {
    /// Creates the workflows over this database and provider.
    #[must_use]
    pub fn new(db: DbPool, context: &ServiceContext, provider: Arc<dyn PaymentProvider>) -> Self {
        Self { db, provider, peers: context.peers.clone() }
    }

    /// Finds a payment that must exist.
    pub(crate) async fn get(&self, id: PaymentId) -> Result<Payment, Error> {
        payment::store::find(&self.db, id).await?.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }
}
