//! A baseline without GraphQL: a handler per page, with its own statements, over pools like those of the subgraphs.

mod answers;
mod catalogue;
mod databases;
mod purchase;
mod viewer;

use axum::{
    Router,
    routing::{get, post},
};

pub use self::databases::Databases;

/// The handlers, at the paths of their pages.
pub fn routes(databases: Databases) -> Router {
    Router::new()
        .route("/student-home", get(viewer::student_home))
        .route("/enrollments", get(viewer::enrollments))
        .route("/payments", get(viewer::payments))
        .route("/notifications", get(viewer::notifications))
        .route("/me", get(viewer::me))
        .route("/course", get(catalogue::course))
        .route("/catalogue", get(catalogue::page))
        .route("/catalogue-total", get(catalogue::page_with_total))
        .route("/search", get(catalogue::search))
        .route("/search-total", get(catalogue::search_with_total))
        .route("/purchase", post(purchase::purchase))
        .with_state(databases)
}
