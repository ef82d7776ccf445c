//! The payment subgraph: purchases, payments and refunds.

mod course;
mod enrollment;
pub mod erasure;
mod event_handler;
pub mod export;
pub mod payment;
pub mod payments;
pub mod provider;
pub mod purchase;
mod reconciler;
pub mod refund;
pub mod sales;
mod teachers;
mod user;

use std::sync::Arc;

use async_graphql::{EmptySubscription, MergedObject};
use db::{DbPool, database::Migrations};
use service::{Erasures, Schema, SchemaBuilder, ServiceContext, Subgraph, SubgraphArgs, SubgraphDefinition};
use sqlx::migrate;
use subgraph_kit::{Connection, Table, list::List};

use crate::{
    payment::graphql::PaymentQuery,
    payments::Payments,
    provider::{MockProvider, PaymentProvider},
    purchase::graphql::PurchaseMutation,
    refund::graphql::RefundMutation,
};

/// The subgraph's definition, for processes and tools.
pub static DEFINITION: SubgraphDefinition = SubgraphDefinition {
    name: "payment",
    about: "Purchases, payments and refunds.",
    port: 8004,
    database_port: 5436,
    migrations,
    sdl: || service::sdl(&schema()),
    settings: SubgraphArgs::none(),
    open: |db, context| Box::pin(subgraph(db, context)),
    public_routes: None,
};

fn migrations() -> Migrations {
    Migrations { base: migrate!("../../migrations/payment"), tuned: None }
}

/// Mutations.
#[derive(MergedObject)]
pub struct Mutation(PurchaseMutation, RefundMutation);

/// Builds the schema without a database, for its export.
fn schema() -> Schema<PaymentQuery, Mutation, EmptySubscription> {
    builder().finish()
}

/// Opens the subgraph over its migrated database, with the specification's provider.
pub async fn subgraph(db: impl Into<DbPool>, context: &ServiceContext) -> Result<Subgraph, sqlx::Error> {
    subgraph_with(db, context, Arc::new(MockProvider)).await
}

/// Opens the subgraph over its migrated database, with this payment provider.
pub async fn subgraph_with(
    db: impl Into<DbPool>,
    context: &ServiceContext,
    provider: Arc<dyn PaymentProvider>,
) -> Result<Subgraph, sqlx::Error> {
    let db = db.into();
    let table = Table::<payment::Payment>::open(db.clone()).await?;
    let payments = Payments::new(db.clone(), context, provider);
    let schema = builder().data(List::open(&table).await?).data(payments.clone()).data(context.clone()).finish();
    let erasures = Erasures::new(erasure::PaymentEraser, context.seals.clone());
    Ok(Subgraph::new(DEFINITION.name, schema, table, db, context.verifier.clone())
        .with_erasures(&erasures, payments.clone())
        .with_task({
            let payments = payments.clone();
            move |stop| reconciler::run(payments.clone(), stop)
        })
        .with_task(move |stop| teachers::run(payments.clone(), stop)))
}

fn builder() -> SchemaBuilder<PaymentQuery, Mutation, EmptySubscription> {
    service::build(PaymentQuery, Mutation(PurchaseMutation, RefundMutation), EmptySubscription)
        .override_output_type_description::<Connection<payment::Payment>>("One page of a list of payments.")
}
