//! The notification subgraph: messages from the platform to its users.

pub mod erasure;
mod event_handler;
pub mod export;
pub mod notification;
mod user;

use db::{DbPool, database::Migrations};
use service::{Erasures, Schema, SchemaBuilder, ServiceContext, Subgraph, SubgraphArgs, SubgraphDefinition};
use sqlx::migrate;
use subgraph_kit::{Connection, Table, node::Node};

use crate::notification::{
    graphql::{NotificationMutation, NotificationQuery, NotificationSubscription},
    retention,
    store::Store,
};

pub use crate::event_handler::LOG_TARGET;

/// The subgraph's definition, for processes and tools.
pub static DEFINITION: SubgraphDefinition = SubgraphDefinition {
    name: "notification",
    about: "Notifications of users.",
    port: 8005,
    database_port: 5437,
    migrations,
    sdl: || service::sdl(&schema()),
    settings: SubgraphArgs::none(),
    open: |db, context| Box::pin(subgraph(db, context)),
    public_routes: None,
};

fn migrations() -> Migrations {
    Migrations { base: migrate!("../../migrations/notification"), tuned: None }
}

/// Builds the schema without a database, for its export.
fn schema() -> Schema<NotificationQuery, NotificationMutation, NotificationSubscription> {
    builder().finish()
}

fn builder() -> SchemaBuilder<NotificationQuery, NotificationMutation, NotificationSubscription> {
    service::build(NotificationQuery, NotificationMutation, NotificationSubscription)
        .override_output_type_description::<Connection<notification::Notification>>(
            "One page of a list of notifications.",
        )
        .register_output_type::<Node<notification::Notification>>()
}

/// Opens the subgraph over its migrated database.
pub async fn subgraph(db: impl Into<DbPool>, context: &ServiceContext) -> Result<Subgraph, sqlx::Error> {
    let db = db.into();
    let notifications = Table::<notification::Notification>::open(db.clone()).await?;
    let schema = builder().data(Store::new(db.clone())).finish();
    let subgraph = Subgraph::new(DEFINITION.name, schema, notifications, db.clone(), context.verifier.clone());
    let erasures = Erasures::new(erasure::NotificationEraser, context.seals.clone());
    Ok(subgraph
        .with_erasures(&erasures, event_handler::EventHandler)
        .with_task(move |stop| retention::run(db.clone(), stop)))
}
