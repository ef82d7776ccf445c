//! A subgraph over HTTP.

use std::{
    borrow::Cow,
    convert::Infallible,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_graphql::Response as ExecutionResponse;
use async_graphql_axum::{GraphQLRequest, GraphQLResponse};
use auth::signature::{self, RouterAuth, Secrets, SignatureError, SignedParts};
use axum::{
    Extension, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT, CONNECTION},
    },
    middleware::{Next, from_fn_with_state, map_response},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures::{
    Stream, StreamExt as _,
    stream::{self, BoxStream},
};
use messaging::DeliveryError;
use subgraph_kit::{Error, report};
use telemetry::trace;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Service as _;
use tracing::warn;

use crate::{ClientTimeouts, Shutdown, Subgraph, http_server, peers::EVENTS_PATH};

/// The router accepts 1 MB from a client, and requests at most a thousand entities.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The interval of keep-alive comments: proxies close idle connections.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// The routes that every subgraph has: `POST /graphql`, `POST /events` (a `CloudEvents` event),
/// `GET /health` (the process is live) and `GET /ready` (its database is available, identity's keys are known, and it
/// is not shutting down). The first two require the router's signature. The subgraph's own public routes are beside them.
pub fn routes(subgraph: Subgraph, auth: RouterAuth) -> Router {
    let public = subgraph.public_routes();
    let mut protected = Router::new().route("/graphql", post(graphql)).route(EVENTS_PATH, post(receive_event));
    match auth {
        RouterAuth::Signed(secrets) => {
            let verifier = SignatureVerifier { subgraph: subgraph.name(), secrets };
            protected = protected.layer(from_fn_with_state(verifier, require_router_signature));
        }
        RouterAuth::InsecureDev => {
            warn!(subgraph.name = subgraph.name(), "`--insecure-dev`: unsigned requests are accepted");
        }
    }
    protected.route("/health", get(health)).route("/ready", get(ready)).with_state(subgraph).merge(public)
}

/// The routes of a process that is not ready yet: `/health` returns 200, everything else 503.
pub fn not_ready_routes() -> Router {
    let not_yet = || async { (StatusCode::SERVICE_UNAVAILABLE, "waiting for dependencies") };
    Router::new().route("/health", get(health)).fallback(not_yet).layer(map_response(with_connection_close))
}

/// Routes that are set after the server has started. Clones share them.
#[derive(Clone, Default)]
pub struct LateRoutes(Arc<OnceLock<Router>>);

impl LateRoutes {
    /// Serves `meanwhile` until the routes are set.
    pub fn routes(&self, meanwhile: Router) -> Router {
        let late = self.clone();
        Router::new().fallback(move |request: Request| {
            let mut routes = late.0.get().unwrap_or(&meanwhile).clone();
            async move { routes.call(request).await }
        })
    }

    /// Serves `routes` from now on.
    ///
    /// # Panics
    /// If they are set already.
    pub fn set(&self, routes: Router) {
        assert!(self.0.set(routes).is_ok(), "the routes are set once");
    }
}

/// `POST /graphql` without a signature check, for a process that authenticates its callers itself.
pub fn routes_without_signature(subgraph: Subgraph) -> Router {
    Router::new().route("/graphql", post(graphql)).with_state(subgraph)
}

/// Serves until shutdown, then lets the requests in flight finish.
pub async fn serve(listener: TcpListener, routes: Router, timeouts: ClientTimeouts, shutdown: Shutdown) {
    let stop = shutdown.stop.clone();
    let routes = routes.layer(from_fn_with_state(shutdown.clone(), close_when_draining)).layer(Extension(shutdown));
    http_server::serve(listener, routes, timeouts, stop).await;
}

/// While the process drains, each response closes its connection: by the time that the process closes the remaining
/// connections, no request is in flight on them.
async fn close_when_draining(State(shutdown): State<Shutdown>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if shutdown.draining.is_cancelled() { with_connection_close(response).await } else { response }
}

async fn with_connection_close(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

#[derive(Clone)]
struct SignatureVerifier {
    subgraph: &'static str,
    secrets: Secrets,
}

/// The marker of a request that the router has signed.
#[derive(Clone)]
struct RouterSigned;

/// Rejects requests without a valid signature of the router, all with the same empty 401.
async fn require_router_signature(
    State(verifier): State<SignatureVerifier>,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let reject = |error| unauthorized(verifier.subgraph, error);
    let (parts, body) = request.into_parts();
    // Before the body is buffered, which an unsigned request must not cause.
    signature::check_timestamp(&parts.headers).map_err(reject)?;
    let body = to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let signed_parts = SignedParts {
        subgraph: verifier.subgraph,
        method: &parts.method,
        path: parts.uri.path_and_query().map_or("/", |path| path.as_str()),
        headers: &parts.headers,
        body: &body,
    };
    verifier.secrets.verify(signed_parts).map_err(reject)?;
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(RouterSigned);
    Ok(next.run(request).await)
}

fn unauthorized(subgraph: &str, error: SignatureError) -> StatusCode {
    warn!(subgraph.name = subgraph, reason = %error, "request signature rejected");
    StatusCode::UNAUTHORIZED
}

async fn graphql(
    State(subgraph): State<Subgraph>,
    shutdown: Option<Extension<Shutdown>>,
    signed: Option<Extension<RouterSigned>>,
    mut headers: HeaderMap,
    request: GraphQLRequest,
) -> Response {
    // The router decides who may see a trace, so unsigned requests get none.
    if signed.is_none() {
        headers.remove(trace::HEADER);
    }
    if wants_events(&headers) {
        let Extension(Shutdown { stop, .. }) = shutdown.unwrap_or_default();
        return events(subgraph.subscribe(&headers, request.into_inner()), stop).into_response();
    }
    GraphQLResponse::from(subgraph.execute(&headers, request.into_inner()).await).into_response()
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|one| one.trim().starts_with("text/event-stream"))
}

/// Responses as server-sent events of the GraphQL-over-SSE protocol: `next` for each, then `complete`. When the
/// process stops, the last response is an error that says so.
///
/// # Panics
/// Never: a response has a JSON form.
pub fn events(
    responses: impl Stream<Item = ExecutionResponse> + Send + 'static,
    stop: CancellationToken,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + Send + 'static> {
    let next = |response: ExecutionResponse| {
        let json = serde_json::to_string(&response).expect("a response is JSON");
        Event::default().event("next").data(json)
    };
    let complete = stream::iter([Event::default().event("complete").data("")]);
    let events = until(stop, responses.boxed()).map(next).chain(complete).map(Ok);
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

fn until(
    stop: CancellationToken,
    responses: BoxStream<'static, ExecutionResponse>,
) -> impl Stream<Item = ExecutionResponse> + Send + 'static {
    stream::unfold(Some((responses, stop)), |open| async {
        let (mut responses, stop) = open?;
        tokio::select! {
            biased;
            () = stop.cancelled() => Some((report::error_response(&Error::Restarting), None)),
            response = responses.next() => response.map(|response| (response, Some((responses, stop)))),
        }
    })
}

/// Responds 204 if the event is stored or a duplicate, 400 if it is rejected, and 503 if the sender should retry.
async fn receive_event(State(subgraph): State<Subgraph>, body: Bytes) -> Result<StatusCode, (StatusCode, String)> {
    match subgraph.receive(&body).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(DeliveryError::Rejected(reason)) => Err((StatusCode::BAD_REQUEST, reason)),
        Err(DeliveryError::Unavailable(reason)) => {
            warn!(subgraph.name = subgraph.name(), reason, "event not stored, the sender retries");
            Err((StatusCode::SERVICE_UNAVAILABLE, String::new()))
        }
    }
}

async fn health() -> &'static str {
    "ok"
}

async fn ready(
    State(subgraph): State<Subgraph>,
    shutdown: Option<Extension<Shutdown>>,
) -> Result<Cow<'static, str>, (StatusCode, &'static str)> {
    let Extension(shutdown) = shutdown.unwrap_or_default();
    if shutdown.draining.is_cancelled() {
        return Err((StatusCode::SERVICE_UNAVAILABLE, "this process is shutting down"));
    }
    match subgraph.not_ready_reason().await {
        None => Ok(subgraph.event_problem().map_or(Cow::Borrowed("ready"), |problem| {
            Cow::Owned(format!("ready, but events between services stand still: {problem}"))
        })),
        Some(reason) => Err((StatusCode::SERVICE_UNAVAILABLE, reason)),
    }
}
