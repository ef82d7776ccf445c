//! The course subgraph: the catalogue.

pub mod course;
pub mod erasure;
pub mod export;
mod user;

use async_graphql::EmptySubscription;
use db::{DbPool, database::Migrations};
use service::{
    Erasures, Schema, SchemaBuilder, ServiceContext, Subgraph, SubgraphArgs, SubgraphDefinition, erasure::NoOtherEvents,
};
use sqlx::migrate;
use subgraph_kit::{Connection, Table, list::List, node::Node};

use crate::course::{
    graphql::{CourseMutation, CourseQuery},
    store::{HasSearchText, Store},
};

/// The subgraph's definition, for processes and tools.
pub static DEFINITION: SubgraphDefinition = SubgraphDefinition {
    name: "course",
    about: "The course catalogue.",
    port: 8002,
    database_port: 5434,
    migrations,
    sdl: || service::sdl(&schema()),
    settings: SubgraphArgs::none(),
    open: |db, context| Box::pin(subgraph(db, context)),
    public_routes: None,
};

fn migrations() -> Migrations {
    Migrations { base: migrate!("../../migrations/course"), tuned: Some(migrate!("../../migrations/course/tuned")) }
}

/// Builds the schema without a database, for its export.
fn schema() -> Schema<CourseQuery, CourseMutation, EmptySubscription> {
    builder().finish()
}

fn builder() -> SchemaBuilder<CourseQuery, CourseMutation, EmptySubscription> {
    service::build(CourseQuery, CourseMutation, EmptySubscription)
        .override_output_type_description::<Connection<course::Course>>("One page of a list of courses.")
        .register_output_type::<Node<course::Course>>()
}

/// Opens the subgraph over its migrated database.
pub async fn subgraph(db: impl Into<DbPool>, context: &ServiceContext) -> Result<Subgraph, sqlx::Error> {
    let db = db.into();
    let courses = Table::<course::Course>::open(db.clone()).await?;
    let schema = builder()
        .data(List::open(&courses).await?)
        .data(HasSearchText::detect(&db).await?)
        .data(Store::new(db.clone()))
        .data(context.peers.clone())
        .data(context.seals.clone())
        .finish();
    let erasures = Erasures::new(erasure::CourseEraser, context.seals.clone());
    Ok(Subgraph::new(DEFINITION.name, schema, courses, db, context.verifier.clone())
        .with_erasures(&erasures, NoOtherEvents))
}
