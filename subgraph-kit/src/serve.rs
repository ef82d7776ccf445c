//! A subgraph behind HTTP.

use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_graphql::Response as Answer;
use async_graphql_axum::{GraphQLRequest, GraphQLResponse};
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
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Service as _;
use tracing::warn;

use crate::{
    ClientTimeouts, Ending, Error, Subgraph,
    events::Undelivered,
    hop::{self, Door, Hop, Refused, Secrets},
    http_server,
    peers::EVENTS_PATH,
    report, trace,
};

/// The router takes 1 MB from a client, and asks for a thousand entities at most.
const MOST_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Whatever is between us and the client closes what is silent for long.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// The routes that every subgraph has: `POST /graphql`, `POST /events` (a `CloudEvents` event),
/// `GET /health` (the process lives) and `GET /ready` (it can serve: its database answers, identity's keys are known, and
/// it is not about to end). The first two are behind the door.
pub fn routes(subgraph: Subgraph, door: Door) -> Router {
    let mut behind_the_door = Router::new().route("/graphql", post(graphql)).route(EVENTS_PATH, post(take_event));
    match door {
        Door::Signed(secrets) => {
            let guard = Guard { subgraph: subgraph.name(), secrets };
            behind_the_door = behind_the_door.layer(from_fn_with_state(guard, only_the_router));
        }
        Door::InsecureDev => {
            warn!(subgraph.name = subgraph.name(), "`--insecure-dev`: everybody on this machine may ask this subgraph");
        }
    }
    behind_the_door.route("/health", get(health)).route("/ready", get(ready)).with_state(subgraph)
}

/// What a process answers that waits for something: that it lives, and that it cannot serve.
pub fn waiting() -> Router {
    let not_yet = || async { (StatusCode::SERVICE_UNAVAILABLE, "waiting for what this process needs") };
    Router::new().route("/health", get(health)).fallback(not_yet).layer(map_response(last_of_its_connection))
}

/// The routes of a process that has to wait before it has them. Clones share them.
#[derive(Clone, Default)]
pub struct Opening(Arc<OnceLock<Router>>);

impl Opening {
    /// Answers as `meanwhile` does, until it is opened.
    pub fn routes(&self, meanwhile: Router) -> Router {
        let opening = self.clone();
        Router::new().fallback(move |request: Request| {
            let mut routes = opening.0.get().unwrap_or(&meanwhile).clone();
            async move { routes.call(request).await }
        })
    }

    /// Answers as `routes` do from now on.
    ///
    /// # Panics
    /// When it is open already.
    pub fn open(&self, routes: Router) {
        assert!(self.0.set(routes).is_ok(), "it is opened once");
    }
}

/// `POST /graphql` without a door, for a process that has one of its own before it.
pub fn behind_another_door(subgraph: Subgraph) -> Router {
    Router::new().route("/graphql", post(graphql)).with_state(subgraph)
}

/// Serves until the end has come, then lets the requests in flight finish.
pub async fn serve(listener: TcpListener, routes: Router, timeouts: ClientTimeouts, ending: Ending) {
    let stop = ending.stop.clone();
    let routes = routes.layer(from_fn_with_state(ending.clone(), until_the_end)).layer(Extension(ending));
    http_server::serve(listener, routes, timeouts, stop).await;
}

/// Once the end is known, no connection outlives its next answer: by the time that the process closes those that are
/// left, nobody has a request under way on them.
async fn until_the_end(State(ending): State<Ending>, request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    if ending.announced.is_cancelled() { last_of_its_connection(answer).await } else { answer }
}

async fn last_of_its_connection(mut answer: Response) -> Response {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

#[derive(Clone)]
struct Guard {
    subgraph: &'static str,
    secrets: Secrets,
}

/// A request that the router has signed.
#[derive(Clone)]
struct Signed;

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
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(Signed);
    Ok(next.run(request).await)
}

fn unauthorized(subgraph: &str, refused: Refused) -> StatusCode {
    warn!(subgraph.name = subgraph, reason = %refused, "a request is not the router's");
    StatusCode::UNAUTHORIZED
}

async fn graphql(
    State(subgraph): State<Subgraph>,
    ending: Option<Extension<Ending>>,
    signed: Option<Extension<Signed>>,
    mut headers: HeaderMap,
    request: GraphQLRequest,
) -> Response {
    // Who may see a trace is the router's to decide, so nobody else is given one.
    if signed.is_none() {
        headers.remove(trace::HEADER);
    }
    if wants_events(&headers) {
        let Extension(Ending { stop, .. }) = ending.unwrap_or_default();
        return events(subgraph.subscribe(&headers, request.into_inner()), stop).into_response();
    }
    GraphQLResponse::from(subgraph.execute(&headers, request.into_inner()).await).into_response()
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|one| one.trim().starts_with("text/event-stream"))
}

/// Answers as server-sent events, as the GraphQL-over-SSE protocol has them: `next` for each, then
/// `complete`. When the process stops, the last one says so.
///
/// # Panics
/// Never: an answer is JSON.
pub fn events(
    answers: impl Stream<Item = Answer> + Send + 'static,
    stop: CancellationToken,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + Send + 'static> {
    let next = |answer: Answer| {
        let json = serde_json::to_string(&answer).expect("an answer is JSON");
        Event::default().event("next").data(json)
    };
    let complete = stream::iter([Event::default().event("complete").data("")]);
    let events = until(stop, answers.boxed()).map(next).chain(complete).map(Ok);
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

fn until(stop: CancellationToken, answers: BoxStream<'static, Answer>) -> impl Stream<Item = Answer> + Send + 'static {
    stream::unfold(Some((answers, stop)), |open| async {
        let (mut answers, stop) = open?;
        tokio::select! {
            biased;
            () = stop.cancelled() => Some((report::failure(&Error::Restarting), None)),
            answer = answers.next() => answer.map(|answer| (answer, Some((answers, stop)))),
        }
    })
}

/// 204 when the event is kept, whether it has come before or not; 400 when it will never do; 503 when it
/// is worth sending again.
async fn take_event(State(subgraph): State<Subgraph>, body: Bytes) -> Result<StatusCode, (StatusCode, String)> {
    match subgraph.receive(&body).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(Undelivered::Refused(reason)) => Err((StatusCode::BAD_REQUEST, reason)),
        Err(Undelivered::Away(reason)) => {
            warn!(subgraph.name = subgraph.name(), reason, "an event cannot be kept at the moment");
            Err((StatusCode::SERVICE_UNAVAILABLE, String::new()))
        }
    }
}

async fn health() -> &'static str {
    "ok"
}

async fn ready(
    State(subgraph): State<Subgraph>,
    ending: Option<Extension<Ending>>,
) -> Result<&'static str, (StatusCode, &'static str)> {
    let Extension(ending) = ending.unwrap_or_default();
    if ending.announced.is_cancelled() {
        return Err((StatusCode::SERVICE_UNAVAILABLE, "this process is about to end"));
    }
    match subgraph.lack().await {
        None => Ok("ready"),
        Some(lack) => Err((StatusCode::SERVICE_UNAVAILABLE, lack)),
    }
}
