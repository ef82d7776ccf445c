//! The router's proxy for subscriptions to a subgraph.
//!
//! hive-router sends subscriptions, and requests for the entities of their events, without calling any plugin. So it is
//! configured to send them here, to a loopback port, with a key that no other client has. The proxy then sends each
//! request as all others are sent: by function call to a subgraph of this process, signed to another one.
//!
//! Events are forwarded only as fast as the client consumes them: hive-router itself silently drops what does not fit
//! into its buffers.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use auth::signature::{SIGNATURE, Secret, Secrets, SignedParts};
use axum::{
    Extension, Router,
    body::Body,
    extract::{Query, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
        uri::Uri,
    },
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::post,
};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};
use reqwest::redirect::Policy;
use serde::Deserialize;
use service::{ClientTimeouts, Shutdown, Subgraph, http_server, serve::routes_without_signature};
use sha2::{Digest as _, Sha256};
use subgraph_kit::{Error, report, timeouts};
use telemetry::spans::{self, TRACEPARENT};
use tokio::{runtime::Handle, sync::Notify};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, warn};

use crate::Settings;

/// The header by which hive-router authenticates itself.
pub const KEY: HeaderName = HeaderName::from_static("x-lyceum-relay-key");
/// The header with the ID of the client's stream that a request belongs to.
pub const STREAM: HeaderName = HeaderName::from_static("x-lyceum-stream");

/// The maximum number of events between the proxy and a client. hive-router's smallest buffer has 32.
const MAX_IN_FLIGHT: u64 = 16;
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The headers that a subgraph uses, and those by which it chooses the response format.
const FORWARDED_HEADERS: [HeaderName; 5] = [
    AUTHORIZATION,
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static(TRACEPARENT),
    ACCEPT,
    CONTENT_TYPE,
];

/// The proxy of one router: bound to its port, not serving yet.
pub struct SubscriptionProxy {
    listener: TcpListener,
    address: SocketAddr,
    key: String,
    state: Arc<ProxyState>,
    subgraphs: Vec<Subgraph>,
    runtime: Option<Handle>,
    timeouts: ClientTimeouts,
}

struct ProxyState {
    /// Hashed: hashes compare in constant time, wherever they differ.
    key: [u8; 32],
    secrets: Option<Secrets>,
    client: reqwest::Client,
    streams: Streams,
}

impl SubscriptionProxy {
    /// Binds a port on the loopback interface and generates a key.
    pub fn bind(settings: &Settings, secrets: Option<Secrets>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("cannot bind a loopback port for subscriptions")?;
        listener.set_nonblocking(true)?;
        let key = Secret::random().reveal().to_owned();
        // As hive-router does: no proxy, no redirects.
        let client = reqwest::Client::builder().no_proxy().redirect(Policy::none());
        let client = client.connect_timeout(CONNECT_TIMEOUT).read_timeout(settings.live_timeouts.subgraph);
        let client = client.pool_idle_timeout(timeouts::IDLE).http1_only().build()?;
        let state = ProxyState { key: hash(key.as_bytes()), secrets, client, streams: Streams::default() };
        let address = listener.local_addr()?;
        let (subgraphs, runtime) = (settings.in_process.clone(), settings.runtime.clone());
        Ok(Self {
            listener,
            address,
            key,
            state: Arc::new(state),
            subgraphs,
            runtime,
            timeouts: settings.client_timeouts,
        })
    }

    /// The key that hive-router has to send.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The streams that clients have open.
    pub fn streams(&self) -> Streams {
        self.state.streams.clone()
    }

    /// The URL for a subgraph of this process.
    pub fn in_process_url(&self, subgraph: &str) -> String {
        format!("http://{}/in-process/{subgraph}/graphql", self.address)
    }

    /// The URL prefix for other subgraphs; their name and URL follow it.
    pub fn url_prefix(&self) -> String {
        format!("http://{}/remote/", self.address)
    }

    /// The names of the subgraphs of this process.
    pub fn in_process(&self) -> impl Iterator<Item = &'static str> {
        self.subgraphs.iter().map(Subgraph::name)
    }

    /// Serves until `stop` is cancelled, on the subgraphs' runtime or on a thread of its own. Cancels `ended` when it
    /// ends, for whatever reason.
    pub fn start(self, stop: CancellationToken, ended: CancellationToken) -> Result<()> {
        let runtime = self.runtime.clone();
        let routes = self.routes(&stop);
        let serve = serve(self.listener, routes, self.timeouts, stop, ended.drop_guard());
        if let Some(runtime) = runtime {
            runtime.spawn(serve);
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("relay".to_owned()).spawn(move || runtime.block_on(serve))?;
        Ok(())
    }

    fn routes(&self, stop: &CancellationToken) -> Router {
        let mut routes = Router::new().route("/remote/{subgraph}", post(remote)).with_state(Arc::clone(&self.state));
        for subgraph in &self.subgraphs {
            let path = format!("/in-process/{}", subgraph.name());
            routes = routes.nest(&path, routes_without_signature(subgraph.clone()));
        }
        routes
            .layer(from_fn_with_state(Arc::clone(&self.state), require_relay_key))
            .layer(Extension(Shutdown::from(stop.clone())))
    }
}

async fn serve(
    listener: TcpListener,
    routes: Router,
    timeouts: ClientTimeouts,
    stop: CancellationToken,
    _ended: DropGuard,
) {
    match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => http_server::serve(listener, routes, timeouts, stop).await,
        Err(error) => error!(%error, "cannot start the subscription proxy"),
    }
}

/// Rejects requests without hive-router's key, removes the proxy's headers, and paces the events of responses.
async fn require_relay_key(
    State(state): State<Arc<ProxyState>>,
    mut request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let key = request.headers_mut().remove(KEY);
    if key.is_none_or(|key| hash(key.as_bytes()) != state.key) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let stream = request.headers_mut().remove(STREAM).and_then(|id| id.to_str().ok()?.parse().ok());
    let stream = stream.and_then(|id| state.streams.get(id));
    if let Some(span) = stream.as_ref().and_then(|stream| stream.span.get()) {
        // hive-router propagates its span only in requests for entities.
        request.headers_mut().entry(TRACEPARENT).or_insert_with(|| span.clone());
    }
    let answer = next.run(request).await;
    Ok(match stream {
        Some(stream) if is_event_stream(answer.headers()) => {
            answer.map(|body| Body::from_stream(with_backpressure(events(body.into_data_stream()), stream)))
        }
        _ => answer,
    })
}

pub fn hash(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

#[derive(Deserialize)]
struct Target {
    url: String,
}

/// Sends a signed request to a subgraph of another process.
async fn remote(
    State(state): State<Arc<ProxyState>>,
    axum::extract::Path(subgraph): axum::extract::Path<String>,
    Query(target): Query<Target>,
    request: Request,
) -> Result<Response, StatusCode> {
    let url: Uri = target.url.parse().map_err(|_| StatusCode::BAD_GATEWAY)?;
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let mut headers = HeaderMap::new();
    for name in FORWARDED_HEADERS {
        for value in parts.headers.get_all(&name) {
            headers.append(&name, value.clone());
        }
    }
    if let Some(secrets) = &state.secrets {
        let path = url.path_and_query().map_or("/", |path| path.as_str());
        let parts = SignedParts { subgraph: &subgraph, method: &Method::POST, path, headers: &headers, body: &body };
        let signature: HeaderValue = secrets.sign(parts);
        headers.insert(SIGNATURE, signature);
    }
    let answer = state.client.post(target.url).headers(headers).body(body).send().await;
    let answer = answer.map_err(|error| {
        warn!(subgraph, error = %error.without_url(), "subscription request to a subgraph failed");
        StatusCode::BAD_GATEWAY
    })?;
    let mut response = Response::builder().status(answer.status());
    if let Some(of) = answer.headers().get(CONTENT_TYPE) {
        response = response.header(CONTENT_TYPE, of);
    }
    let is_stream = is_event_stream(answer.headers());
    let chunks = stream::unfold(answer, |mut answer| async {
        let chunk = answer.chunk().await.transpose()?;
        Some((chunk, answer))
    });
    let body = if is_stream {
        Body::from_stream(report_upstream_failure(events(chunks.boxed())))
    } else {
        Body::from_stream(chunks)
    };
    response.body(body).map_err(|_| StatusCode::BAD_GATEWAY)
}

/// Whole events; if the upstream connection fails, the last one is an error. hive-router would report that to the
/// client with a code of its own.
fn report_upstream_failure(
    events: impl Stream<Item = reqwest::Result<Bytes>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    stream::unfold(Some(events.boxed()), |open| async {
        let mut events = open?;
        match events.next().await? {
            Ok(event) => Some((Ok(event), Some(events))),
            Err(error) => Some((Ok(upstream_failed_event(error)), None)),
        }
    })
}

fn upstream_failed_event(error: reqwest::Error) -> Bytes {
    let error = Error::Unavailable(Arc::new(error.without_url()));
    let answer = serde_json::to_string(&report::error_response(&error)).expect("an answer is JSON");
    format!("event: next\ndata: {answer}\n\nevent: complete\ndata:\n\n").into()
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|of| of.as_bytes().starts_with(b"text/event-stream"))
}

/// Splits a body into chunks of one event or comment each.
pub fn events<E>(
    chunks: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
) -> impl Stream<Item = Result<Bytes, E>> + Send
where
    E: Send,
{
    let state = (chunks, BytesMut::new());
    stream::unfold(state, |(mut chunks, mut read)| async {
        loop {
            if let Some(end) = read.windows(2).position(|two| two == b"\n\n") {
                let event = read.split_to(end + 2).freeze();
                return Some((Ok(event), (chunks, read)));
            }
            match chunks.next().await? {
                Ok(chunk) => read.extend_from_slice(&chunk),
                Err(error) => return Some((Err(error), (chunks, read))),
            }
        }
    })
}

/// Yields each event once the client has consumed enough of the previous ones, until the client has closed.
fn with_backpressure(
    events: impl Stream<Item = Result<Bytes, axum::Error>> + Send,
    stream: Arc<ClientStream>,
) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send {
    let closed = stream.closed.clone().cancelled_owned();
    let events = events.then(move |event| {
        let stream = Arc::clone(&stream);
        async move {
            if event.as_ref().is_ok_and(|event| !event.starts_with(b":")) {
                stream.send().await;
            }
            event
        }
    });
    events.take_until(closed)
}

/// The streams that clients have open, by a random ID that clients do not see.
#[derive(Clone, Default)]
pub struct Streams {
    open: Arc<Mutex<HashMap<u64, Arc<ClientStream>>>>,
}

/// The flow control of one client.
#[derive(Default)]
pub struct ClientStream {
    /// The router's span of the client's request, for the subgraphs that answer it.
    span: OnceLock<HeaderValue>,
    in_flight: AtomicU64,
    taken: Notify,
    closed: CancellationToken,
}

/// The client's end of its stream. Dropping it closes the stream: the client needs no more events.
pub struct StreamGuard {
    id: u64,
    stream: Arc<ClientStream>,
    streams: Streams,
}

impl Streams {
    pub fn open(&self) -> StreamGuard {
        let (id, stream) = (rand::random(), Arc::<ClientStream>::default());
        self.lock().insert(id, Arc::clone(&stream));
        StreamGuard { id, stream, streams: self.clone() }
    }

    fn get(&self, id: u64) -> Option<Arc<ClientStream>> {
        self.lock().get(&id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<ClientStream>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StreamGuard {
    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn stream(&self) -> &Arc<ClientStream> {
        &self.stream
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.streams.lock().remove(&self.id);
        self.stream.closed.cancel();
    }
}

impl ClientStream {
    /// Makes the current span the parent of the subgraphs' spans for this stream.
    pub fn attach_span(&self) {
        if let Some(span) = spans::traceparent().and_then(|span| span.try_into().ok()) {
            let _ = self.span.set(span);
        }
    }

    /// Records that the client has consumed an event.
    pub fn take(&self) {
        // Not below zero: the router sends events of its own.
        let _ = self.in_flight.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| count.checked_sub(1));
        self.taken.notify_one();
    }

    async fn send(&self) {
        while self.in_flight.load(Ordering::Acquire) >= MAX_IN_FLIGHT {
            self.taken.notified().await;
        }
        self.in_flight.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn events_are_told_apart_wherever_they_are_cut() {
        let chunks = ["event: ne", "xt\ndata: 1\n", "\n:\n\nevent: next\ndata: 2\n\n"].map(Ok::<_, io::Error>);

        let events: Vec<_> = events(Body::from_stream(stream::iter(chunks)).into_data_stream())
            .map(|event| event.expect("an event"))
            .collect()
            .await;

        assert_eq!(events, ["event: next\ndata: 1\n\n", ":\n\n", "event: next\ndata: 2\n\n"]);
    }

    #[tokio::test]
    async fn events_wait_for_a_client_that_does_not_take_them() {
        let reader = Streams::default().open();
        let stream = reader.stream();
        let events = stream::repeat(Bytes::from_static(b"event: next\n\n")).map(Ok);
        let mut with_backpressure = Box::pin(with_backpressure(events, Arc::clone(stream)));

        for _ in 0..MAX_IN_FLIGHT {
            assert!(with_backpressure.next().now_or_never().is_some());
        }
        assert!(with_backpressure.next().now_or_never().is_none());
        stream.take();

        assert!(with_backpressure.next().now_or_never().is_some());
        assert!(with_backpressure.next().now_or_never().is_none());
    }

    #[tokio::test]
    async fn events_end_when_their_client_has_gone_whether_one_waits_or_none_comes() {
        let streams = Streams::default();
        let (slow, idle) = (streams.open(), streams.open());
        let many = stream::repeat(Bytes::from_static(b"event: next\n\n")).map(Ok);
        let mut waiting = Box::pin(with_backpressure(many, Arc::clone(slow.stream())));
        let mut silent = Box::pin(with_backpressure(stream::pending(), Arc::clone(idle.stream())));
        while waiting.next().now_or_never().is_some() {}
        assert!(silent.next().now_or_never().is_none());

        drop((slow, idle));

        assert!(waiting.next().await.is_none());
        assert!(silent.next().await.is_none());
        assert!(streams.lock().is_empty());
    }
}
