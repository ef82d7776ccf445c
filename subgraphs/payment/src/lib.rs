//! The payment subgraph: what students paid.

mod course;
pub mod payment;
mod user;

use async_graphql::{EmptyMutation, EmptySubscription, Schema};
use sqlx::{PgPool, migrate};
use subgraph_kit::{Connection, Platform, Subgraph, database::Migrations, service};

use crate::payment::{graphql::PaymentQuery, store::Store};

/// The name in `supergraph.yaml`.
pub const NAME: &str = "payment";

/// The database's migrations.
#[must_use]
pub fn migrations() -> Migrations {
    Migrations { base: migrate!("../../migrations/payment"), tuned: None }
}

/// The schema, as it can be exported without a database.
#[must_use]
pub fn schema() -> Schema<PaymentQuery, EmptyMutation, EmptySubscription> {
    service::build(PaymentQuery, EmptyMutation, EmptySubscription)
        .override_output_type_description::<Connection<payment::Payment>>("A page of a list of payments.")
        .finish()
}

/// The subgraph over its migrated database.
///
/// # Errors
/// Those of the database.
#[expect(clippy::unused_async, reason = "all subgraphs open in the same way")]
pub async fn subgraph(db: PgPool, platform: &Platform) -> Result<Subgraph, sqlx::Error> {
    Ok(Subgraph::new(NAME, schema(), Store::new(db.clone()), db, platform.verifier.clone()))
}
