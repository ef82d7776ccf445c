//! The payment subgraph: purchases, payments and refunds.

mod course;
mod enrollment;
pub mod erasure;
mod event_handler;
pub mod export;
pub mod http_provider;
pub mod payment;
pub mod payments;
pub mod pending;
pub mod provider;
pub mod provider_settings;
pub mod purchase;
mod reconciler;
pub mod refund;
pub mod sales;
mod teachers;
mod user;
mod webhook;

use std::sync::Arc;

use async_graphql::{EmptySubscription, MergedObject};
use db::{DbPool, database::Migrations};
use service::{Erasures, Schema, SchemaBuilder, ServiceContext, Subgraph, SubgraphArgs, SubgraphDefinition};
use sqlx::migrate;
use subgraph_kit::{Connection, Table, list::List, node::Node};

use crate::{
    payment::graphql::PaymentQuery,
    payments::Payments,
    provider::{MockProvider, PaymentProvider},
    provider_settings::ProviderSettings,
    purchase::graphql::PurchaseMutation,
    refund::graphql::RefundMutation,
    webhook::Webhooks,
};

/// The subgraph's definition, for processes and tools.
pub static DEFINITION: SubgraphDefinition = SubgraphDefinition {
    name: "payment",
    about: "Purchases, payments and refunds.",
    port: 8004,
    database_port: 5436,
    migrations,
    sdl: || service::sdl(&schema()),
    settings: SubgraphArgs::of::<ProviderSettings>(),
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

/// Opens the subgraph over its migrated database, with the configured payment provider, or else the specification's.
///
/// # Errors
/// [`sqlx::Error::Configuration`] if the settings of the provider are invalid.
pub async fn subgraph(db: impl Into<DbPool>, context: &ServiceContext) -> Result<Subgraph, sqlx::Error> {
    webhook::begin_metrics();
    let settings = context.own.get::<ProviderSettings>();
    let configured = settings.map_or(Ok(None), ProviderSettings::open);
    match configured.map_err(|error| sqlx::Error::Configuration(Box::new(error)))? {
        Some((provider, keys)) => {
            let currency = provider.currency().to_owned();
            let payments = Payments::new(db.into(), context, Arc::new(provider));
            let webhooks = webhook::routes(Webhooks::new(payments.clone(), keys, currency));
            Ok(subgraph_of(payments, context).await?.with_public_routes(webhooks))
        }
        None => subgraph_with(db, context, Arc::new(MockProvider)).await,
    }
}

/// Opens the subgraph over its migrated database, with this payment provider.
pub async fn subgraph_with(
    db: impl Into<DbPool>,
    context: &ServiceContext,
    provider: Arc<dyn PaymentProvider>,
) -> Result<Subgraph, sqlx::Error> {
    subgraph_of(Payments::new(db.into(), context, provider), context).await
}

async fn subgraph_of(payments: Payments, context: &ServiceContext) -> Result<Subgraph, sqlx::Error> {
    let db = payments.db.clone();
    let table = Table::<payment::Payment>::open(db.clone()).await?;
    let schema = builder().data(List::open(&table).await?).data(payments.clone()).data(context.clone()).finish();
    let erasures = Erasures::new(erasure::PaymentEraser, context.seals.clone());
    Ok(Subgraph::new(DEFINITION.name, schema, table, db, context.verifier.clone())
        .with_erasures(&erasures, payments.clone())
        .with_task({
            let payments = payments.clone();
            move |stop| reconciler::run(payments.clone(), stop)
        })
        .with_task({
            let db = payments.db.clone();
            move |stop| pending::observe(db.clone(), stop)
        })
        .with_task(move |stop| teachers::run(payments.clone(), stop)))
}

fn builder() -> SchemaBuilder<PaymentQuery, Mutation, EmptySubscription> {
    service::build(PaymentQuery, Mutation(PurchaseMutation, RefundMutation), EmptySubscription)
        .override_output_type_description::<Connection<payment::Payment>>("One page of a list of payments.")
        .register_output_type::<Node<payment::Payment>>()
}
