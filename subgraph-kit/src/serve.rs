//! A subgraph behind HTTP.

use async_graphql_axum::{GraphQLRequest, GraphQLResponse};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Subgraph;

/// The routes that every subgraph has: `POST /graphql`, `GET /health` (the process lives) and
/// `GET /ready` (it can serve: its database answers).
pub fn routes(subgraph: Subgraph) -> Router {
    Router::new()
        .route("/graphql", post(graphql))
        .route("/health", get(|| async { "ok" }))
        .route("/ready", get(ready))
        .with_state(subgraph)
}

/// Serves until `stop` is cancelled, then lets the requests in flight finish.
///
/// # Errors
/// Those of the listener.
pub async fn serve(listener: TcpListener, routes: Router, stop: CancellationToken) -> std::io::Result<()> {
    axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn graphql(State(subgraph): State<Subgraph>, headers: HeaderMap, request: GraphQLRequest) -> GraphQLResponse {
    subgraph.execute(&headers, request.into_inner()).await.into()
}

async fn ready(State(subgraph): State<Subgraph>) -> (StatusCode, &'static str) {
    match sqlx::query("select 1").execute(subgraph.db()).await {
        Ok(_) => (StatusCode::OK, "ready"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer"),
    }
}
