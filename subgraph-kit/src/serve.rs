//! A subgraph behind HTTP.

use async_graphql_axum::{GraphQLRequest, GraphQLResponse};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{get, post},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    Subgraph,
    events::Undelivered,
    hop::{self, Door, Hop, Refused, Secrets},
    peers::EVENTS_PATH,
};

/// The router takes 1 MB from a client, and asks for a thousand entities at most.
const MOST_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The routes that every subgraph has: `POST /graphql`, `POST /events` (a `CloudEvents` event),
/// `GET /health` (the process lives) and `GET /ready` (it can serve: its database answers). The first
/// two are behind the door.
pub fn routes(subgraph: Subgraph, door: Door) -> Router {
    let mut behind_the_door = Router::new().route("/graphql", post(graphql)).route(EVENTS_PATH, post(events));
    match door {
        Door::Signed(secrets) => {
            let guard = Guard { subgraph: subgraph.name(), secrets };
            behind_the_door = behind_the_door.layer(from_fn_with_state(guard, only_the_router));
        }
        Door::InsecureDev => {
            warn!(subgraph.name = subgraph.name(), "`--insecure-dev`: everybody on this machine may ask this subgraph");
        }
    }
    behind_the_door.route("/health", get(|| async { "ok" })).route("/ready", get(ready)).with_state(subgraph)
}

/// Serves until `stop` is cancelled, then lets the requests in flight finish.
///
/// # Errors
/// Those of the listener.
pub async fn serve(listener: TcpListener, routes: Router, stop: CancellationToken) -> std::io::Result<()> {
    axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await
}

#[derive(Clone)]
struct Guard {
    subgraph: &'static str,
    secrets: Secrets,
}

/// Lets the router's requests pass. To all others the answer is the same and says nothing.
async fn only_the_router(State(guard): State<Guard>, request: Request, next: Next) -> Result<Response, StatusCode> {
    let refuse = |refused| unauthorized(guard.subgraph, refused);
    let (parts, body) = request.into_parts();
    // Before the body: nobody makes us keep what is not signed at all.
    hop::require_timely(&parts.headers).map_err(refuse)?;
    let body = to_bytes(body, MOST_BODY_BYTES).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let hop = Hop {
        subgraph: guard.subgraph,
        method: &parts.method,
        path: parts.uri.path_and_query().map_or("/", |path| path.as_str()),
        headers: &parts.headers,
        body: &body,
    };
    guard.secrets.verify(hop).map_err(refuse)?;
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}

fn unauthorized(subgraph: &str, refused: Refused) -> StatusCode {
    warn!(subgraph.name = subgraph, reason = %refused, "a request is not the router's");
    StatusCode::UNAUTHORIZED
}

async fn graphql(State(subgraph): State<Subgraph>, headers: HeaderMap, request: GraphQLRequest) -> GraphQLResponse {
    subgraph.execute(&headers, request.into_inner()).await.into()
}

/// 204 when the event is kept, whether it has come before or not; 400 when it will never do; 503 when it
/// is worth sending again.
async fn events(State(subgraph): State<Subgraph>, body: Bytes) -> Result<StatusCode, (StatusCode, String)> {
    match subgraph.receive(&body).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(Undelivered::Refused(reason)) => Err((StatusCode::BAD_REQUEST, reason)),
        Err(Undelivered::Away(reason)) => {
            warn!(subgraph.name = subgraph.name(), reason, "an event cannot be kept at the moment");
            Err((StatusCode::SERVICE_UNAVAILABLE, String::new()))
        }
    }
}

async fn ready(State(subgraph): State<Subgraph>) -> (StatusCode, &'static str) {
    match sqlx::query("select 1").execute(subgraph.db()).await {
        Ok(_) => (StatusCode::OK, "ready"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer"),
    }
}
