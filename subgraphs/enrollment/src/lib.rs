//! The enrollment subgraph: students' enrollments in courses.

mod course;
pub mod enrollment;
pub mod erasure;
mod event_handler;
pub mod export;
mod history;
mod payment;
mod user;

use async_graphql::EmptySubscription;
use db::{DbPool, database::Migrations};
use service::{Erasures, Schema, SchemaBuilder, ServiceContext, Subgraph, SubgraphArgs, SubgraphDefinition};
use sqlx::migrate;
use subgraph_kit::{Connection, Table, list::List, node::Node};

use crate::{
    enrollment::graphql::{EnrollmentMutation, EnrollmentQuery},
    event_handler::EventHandler,
};

/// The subgraph's definition, for processes and tools.
pub static DEFINITION: SubgraphDefinition = SubgraphDefinition {
    name: "enrollment",
    about: "Enrollments of students in courses, and their progress.",
    port: 8003,
    database_port: 5435,
    migrations,
    sdl: || service::sdl(&schema()),
    settings: SubgraphArgs::none(),
    open: |db, context| Box::pin(subgraph(db, context)),
    public_routes: None,
};

fn migrations() -> Migrations {
    Migrations {
        base: migrate!("../../migrations/enrollment"),
        tuned: Some(migrate!("../../migrations/enrollment/tuned")),
    }
}

/// Builds the schema without a database, for its export.
fn schema() -> Schema<EnrollmentQuery, EnrollmentMutation, EmptySubscription> {
    builder().finish()
}

fn builder() -> SchemaBuilder<EnrollmentQuery, EnrollmentMutation, EmptySubscription> {
    service::build(EnrollmentQuery, EnrollmentMutation, EmptySubscription)
        .override_output_type_description::<Connection<enrollment::Enrollment>>("One page of a list of enrollments.")
        .register_output_type::<Node<enrollment::Enrollment>>()
}

/// Opens the subgraph over its migrated database.
pub async fn subgraph(db: impl Into<DbPool>, context: &ServiceContext) -> Result<Subgraph, sqlx::Error> {
    let db = db.into();
    let enrollments = Table::<enrollment::Enrollment>::open(db.clone()).await?;
    let schema = builder().data(List::open(&enrollments).await?).data(context.clone()).finish();
    let erasures = Erasures::new(erasure::EnrollmentEraser, context.seals.clone());
    Ok(Subgraph::new(DEFINITION.name, schema, enrollments, db, context.verifier.clone())
        .with_erasures(&erasures, EventHandler))
}
