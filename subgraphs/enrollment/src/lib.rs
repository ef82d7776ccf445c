//! The enrollment subgraph: who is on which course.

mod course;
pub mod enrollment;
mod payment;
mod user;

use async_graphql::{EmptySubscription, Schema};
use sqlx::{PgPool, migrate};
use subgraph_kit::{Connection, Platform, Subgraph, database::Migrations, service};

use crate::enrollment::{
    graphql::{EnrollmentMutation, EnrollmentQuery},
    store::Store,
};

/// The name in `supergraph.yaml`.
pub const NAME: &str = "enrollment";

/// The database's migrations.
#[must_use]
pub fn migrations() -> Migrations {
    Migrations {
        base: migrate!("../../migrations/enrollment"),
        tuned: Some(migrate!("../../migrations/enrollment/tuned")),
    }
}

/// The schema, as it can be exported without a database.
#[must_use]
pub fn schema() -> Schema<EnrollmentQuery, EnrollmentMutation, EmptySubscription> {
    service::build(EnrollmentQuery, EnrollmentMutation, EmptySubscription)
        .override_output_type_description::<Connection<enrollment::Enrollment>>("A page of a list of enrollments.")
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
