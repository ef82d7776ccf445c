//! Operations over a WebSocket, by the protocol `graphql-transport-ws`.
//!
//! The graph has one entry point, over HTTP: each operation becomes a request to the router's own endpoint, so that all
//! limits, plugins and checks apply to it. hive-router's own WebSocket bypasses them. Frames are parsed in
//! [`crate::client_messages`].

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    convert::Infallible,
    io,
    net::IpAddr,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream};
use hive_router::{
    RouterSharedState,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN, RETRY_AFTER, UPGRADE, USER_AGENT},
    },
    ntex::{
        http::{HeaderMap, RequestHead},
        rt,
        service::{fn_factory_with_config, fn_service},
        util::Bytes,
        web::{
            self, HttpRequest, HttpResponse,
            ws::{self, CloseReason, Frame, Message, WsSink},
        },
    },
    pipeline::cors::Cors,
    plugins::plugin_context::PluginContext,
};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json, value::RawValue};
use tokio::time::sleep;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use crate::{
    LiveTimeouts,
    client_messages::{ClientMessage, MessageBuffer, Received},
    connection_limits::{ConnectionLimits, LimitExceeded, Permit},
    hive_gaps::upgrade_response,
    loopback::Loopback,
    plugins::{client_address::Address, client_name, streams::RETRY_AFTER_SECONDS},
    subscription_proxy,
};

const PROTOCOL: &str = "graphql-transport-ws";
const MAX_OPERATIONS: usize = 100;
/// Bytes that may be buffered for a slow client before its operations are paused.
const MAX_UNSENT_BYTES: usize = 256 * 1024;
const UNSENT_POLL: Duration = Duration::from_millis(20);
const NOT_AVAILABLE: &str = "The server is unavailable. Try again later.";

/// State that all connections share.
#[derive(Clone)]
pub struct WebSocketServer {
    loopback: Loopback,
    path: Arc<str>,
    limits: ConnectionLimits,
    timeouts: LiveTimeouts,
    in_flight: TaskTracker,
    stop: CancellationToken,
}

impl WebSocketServer {
    /// Serves connections by requests to the router's GraphQL endpoint `path`.
    pub fn new(
        loopback: Loopback,
        path: &str,
        limits: ConnectionLimits,
        timeouts: LiveTimeouts,
        in_flight: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        Self { loopback, path: path.into(), limits, timeouts, in_flight, stop }
    }
}

/// Whether a page may connect: one of the router's own origin, or one that CORS allows to read responses. Clients that
/// are not browsers send no origin. Without this check, any page could use a router that only its visitor can reach.
fn is_origin_allowed(cors: Option<&Cors>, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_own = origin.split_once("://").is_some_and(|(_, at)| host.is_some_and(|host| at.eq_ignore_ascii_case(host)));
    is_own
        || match cors {
            None => false,
            Some(Cors::AllowAll { .. }) => true,
            Some(Cors::ByOrigin { rules }) => rules.iter().any(|rule| rule.matches_origin(origin)),
        }
}

/// Whether this is a request for a WebSocket upgrade.
pub fn is_upgrade(head: &RequestHead) -> bool {
    let upgrade = head.headers().get(UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// Opens a connection.
pub async fn connect(
    request: HttpRequest,
    server: web::types::State<WebSocketServer>,
    shared: web::types::State<Arc<RouterSharedState>>,
) -> Result<HttpResponse, web::Error> {
    let server = server.get_ref().clone();
    if !is_origin_allowed(shared.cors_runtime.as_ref(), request.headers()) {
        return Ok(HttpResponse::Forbidden().body("Requests from this origin are not allowed."));
    }
    if server.stop.is_cancelled() {
        return Ok(HttpResponse::ServiceUnavailable().body("The server is restarting. Connect again."));
    }
    let client = client_address(&request);
    let permit = match server.limits.socket(client) {
        Ok(permit) => Rc::new((permit, server.in_flight.token())),
        Err(exceeded) => return Ok(too_many(exceeded)),
    };
    let protocol = ws::subprotocols(&request).find(|name| *name == PROTOCOL).map(|_| PROTOCOL);
    let authorization = request.headers().get(AUTHORIZATION).cloned().map(HeaderValue::from);
    let program = program(request.headers());
    let factory = fn_factory_with_config(move |sink: WsSink| {
        // ntex has written its response by now, and sends it once this task pauses. A connection that has closed
        // meanwhile needs none.
        _ = sink.io().with_write_buf(upgrade_response::correct);
        let connection = Rc::new(Connection {
            server: server.clone(),
            sink,
            client,
            authorization: RefCell::new(authorization.clone()),
            program: program.clone(),
            state: Cell::new(State::New),
            operations: RefCell::default(),
            message: RefCell::default(),
            last_seen: Cell::new(Instant::now()),
            _permit: permit.clone(),
        });
        if protocol.is_none() {
            connection.close(4406, "Subprotocol not acceptable");
        }
        rt::spawn(keep_alive(connection.clone()));
        async move {
            Ok::<_, web::Error>(fn_service(move |frame| {
                let connection = connection.clone();
                async move { Ok::<_, Infallible>(connection.on_frame(frame)) }
            }))
        }
    });
    ws::start(request, protocol, factory).await
}

fn program(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let names = client_name::NAMES.into_iter().flatten().chain([USER_AGENT]);
    names.filter_map(|name| headers.get(&name).cloned().map(|value| (name, value.into()))).collect()
}

fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    let extensions = request.extensions();
    let context = extensions.get::<Arc<PluginContext>>()?;
    context.get_ref::<Address>().map(|address| address.0)
}

fn too_many(exceeded: LimitExceeded) -> HttpResponse {
    let status = match exceeded {
        LimitExceeded::Total => StatusCode::SERVICE_UNAVAILABLE,
        LimitExceeded::Client(_) | LimitExceeded::User(_) => StatusCode::TOO_MANY_REQUESTS,
    };
    HttpResponse::build(status).header(RETRY_AFTER, RETRY_AFTER_SECONDS.to_string()).body(exceeded.message())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No message has been received.
    New,
    /// The token is being verified.
    Initialising,
    Ready,
    Closed,
}

struct Connection {
    server: WebSocketServer,
    sink: WsSink,
    client: Option<IpAddr>,
    authorization: RefCell<Option<HeaderValue>>,
    /// Headers that say which program the client is.
    program: Vec<(HeaderName, HeaderValue)>,
    state: Cell<State>,
    /// Dropping a guard cancels its operation.
    operations: RefCell<HashMap<String, DropGuard>>,
    message: RefCell<MessageBuffer>,
    last_seen: Cell<Instant>,
    _permit: Rc<(Permit, TaskTrackerToken)>,
}

/// An entry is present also where it is null.
#[derive(Deserialize)]
struct ExecutionResult<'a> {
    #[serde(borrow, default, deserialize_with = "as_it_is")]
    data: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "as_it_is")]
    errors: Option<&'a RawValue>,
}

fn as_it_is<'a, D: Deserializer<'a>>(json: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(json).map(Some)
}

impl Connection {
    fn on_frame(self: &Rc<Self>, frame: Frame) -> Option<Message> {
        self.last_seen.set(Instant::now());
        let received = self.message.borrow_mut().receive(frame);
        match received {
            Ok(Received::Nothing) => {}
            Ok(Received::Message(text)) => self.on_message(&text),
            Ok(Received::Ping(text)) => return Some(Message::Pong(text)),
            Ok(Received::Close(reason)) => {
                self.end();
                return Some(Message::Close(reason));
            }
            Err(error) => self.close(error.code, error.reason),
        }
        None
    }

    fn on_message(self: &Rc<Self>, text: &[u8]) {
        if self.state.get() == State::Closed {
            return;
        }
        match ClientMessage::parse(text) {
            Ok(ClientMessage::ConnectionInit(payload)) => self.on_init(payload.as_ref()),
            Ok(ClientMessage::Ping) => self.send(&json!({ "type": "pong" })),
            Ok(ClientMessage::Pong) => {}
            Ok(ClientMessage::Subscribe { id, payload }) => self.on_subscribe(id, payload),
            Ok(ClientMessage::Complete { id }) => _ = self.operations.borrow_mut().remove(&id),
            Err(error) => self.close(error.code, error.reason),
        }
    }

    fn on_init(self: &Rc<Self>, payload: Option<&Value>) {
        if self.state.get() != State::New {
            return self.close(4429, "Too many initialisation requests");
        }
        self.state.set(State::Initialising);
        // Many clients send it always, and leave it empty until somebody signs in.
        if let Some(text) = payload.and_then(authorization).filter(|text| !text.trim().is_empty()) {
            let Ok(mut value) = HeaderValue::from_str(text) else { return self.close(4403, "Forbidden") };
            value.set_sensitive(true);
            self.authorization.replace(Some(value));
        }
        let connection = Rc::clone(self);
        rt::spawn(async move {
            if connection.has_bad_token().await {
                return connection.close(4403, "Forbidden");
            }
            if connection.state.get() == State::Initialising {
                connection.state.set(State::Ready);
                connection.send(&json!({ "type": "connection_ack" }));
            }
        });
    }

    /// Checked once, so that a client learns early that it has to refresh its session. Each operation is verified
    /// again.
    async fn has_bad_token(&self) -> bool {
        if self.authorization.borrow().is_none() {
            return false;
        }
        let response = self.request(&json!({ "query": "{ __typename }" })).send().await;
        response.is_ok_and(|response| response.status() == reqwest::StatusCode::UNAUTHORIZED)
    }

    fn on_subscribe(self: &Rc<Self>, id: String, payload: Map<String, Value>) {
        if self.state.get() != State::Ready {
            return self.close(4401, "Unauthorized");
        }
        if self.operations.borrow().contains_key(&id) {
            return self
                .close(4409, &format!("Subscriber for {} already exists", id.chars().take(60).collect::<String>()));
        }
        if self.operations.borrow().len() >= MAX_OPERATIONS {
            let message = format!("A connection can run at most {MAX_OPERATIONS} operations at a time.");
            return self.fail(&id, &message, "RATE_LIMITED");
        }
        let cancel = CancellationToken::new();
        self.operations.borrow_mut().insert(id.clone(), cancel.clone().drop_guard());
        let connection = Rc::clone(self);
        rt::spawn(async move {
            tokio::select! {
                // The ID may belong to another operation by now.
                biased;
                () = cancel.cancelled() => {}
                () = connection.run(&id, payload) => {}
            }
        });
    }

    /// Runs one operation, from its request to its last message.
    async fn run(&self, id: &str, payload: Map<String, Value>) {
        let keep = ["query", "documentId", "operationName", "variables", "extensions"];
        let body: Map<_, _> = payload.into_iter().filter(|(name, _)| keep.contains(&name.as_str())).collect();
        let Ok(response) = self.request(&Value::Object(body)).send().await else {
            return self.fail(id, NOT_AVAILABLE, "SERVICE_UNAVAILABLE");
        };
        let of = response.headers().get(CONTENT_TYPE).map_or(&b""[..], |of| of.as_bytes());
        if of.starts_with(b"text/event-stream") {
            return self.forward_events(id, response).await;
        }
        let response = response.text().await.unwrap_or_default();
        match serde_json::from_str(&response) {
            Ok(ExecutionResult { data: Some(_), .. }) => {
                self.next(id, &response);
                self.complete(id);
            }
            Ok(ExecutionResult { errors: Some(errors), .. }) => {
                self.finish(id, format!(r#"{{"type":"error","id":{},"payload":{errors}}}"#, json!(id)));
            }
            _ => self.fail(id, NOT_AVAILABLE, "SERVICE_UNAVAILABLE"),
        }
    }

    async fn forward_events(&self, id: &str, response: reqwest::Response) {
        let chunks = stream::unfold(response, |mut response| async {
            let chunk = response.chunk().await.map_err(io::Error::other).transpose()?;
            Some((chunk, response))
        });
        let mut events = std::pin::pin!(subscription_proxy::events(chunks.boxed()));
        while let Some(Ok(event)) = events.next().await {
            let text = String::from_utf8_lossy(&event);
            if text.starts_with("event: complete") {
                return self.complete(id);
            }
            let Some(json) = text.strip_prefix("event: next\ndata: ") else { continue };
            let Ok(payload) = serde_json::from_str::<&RawValue>(json.trim_end()) else { break };
            self.next(id, payload.get());
            while self.sink.io().with_write_buf(|unsent| unsent.len()).is_ok_and(|unsent| unsent > MAX_UNSENT_BYTES) {
                sleep(UNSENT_POLL).await;
            }
        }
        // The stream was interrupted.
        self.fail(id, NOT_AVAILABLE, "SERVICE_UNAVAILABLE");
    }

    fn request(&self, body: &Value) -> reqwest::RequestBuilder {
        let request = self.server.loopback.post(&self.server.path, self.client).json(body);
        let mut request = request.header(ACCEPT, "application/json, text/event-stream");
        for (name, value) in &self.program {
            request = request.header(name, value);
        }
        if let Some(authorization) = &*self.authorization.borrow() {
            request = request.header(AUTHORIZATION, authorization);
        }
        request
    }

    /// Forwards a response as text, so that an object's keys stay in the order of its selections.
    fn next(&self, id: &str, response: &str) {
        self.send_text(format!(r#"{{"type":"next","id":{},"payload":{response}}}"#, json!(id)));
    }

    fn complete(&self, id: &str) {
        self.finish(id, json!({ "type": "complete", "id": id }).to_string());
    }

    fn fail(&self, id: &str, message: &str, code: &str) {
        let errors = json!([{ "message": message, "extensions": { "code": code } }]);
        self.finish(id, json!({ "type": "error", "id": id, "payload": errors }).to_string());
    }

    fn finish(&self, id: &str, message: String) {
        // Removed first, since the client may reuse the ID as soon as it receives the last message. Dropped last: that
        // cancels the task that runs this, at its next await.
        let operation = self.operations.borrow_mut().remove(id);
        self.send_text(message);
        drop(operation);
    }

    fn send(&self, message: &Value) {
        self.send_text(message.to_string());
    }

    fn send_text(&self, text: String) {
        if self.state.get() != State::Closed {
            // Encoding fails only on a closed connection, which `keep_alive` detects.
            drop(self.sink.send(Message::Text(text.into())));
        }
    }

    fn close(&self, code: u16, reason: &str) {
        if self.state.get() == State::Closed {
            return;
        }
        let reason = CloseReason { code: code.into(), description: Some(reason.to_owned()) };
        drop(self.sink.send(Message::Close(Some(reason))));
        self.end();
        let sink = self.sink.clone();
        rt::spawn(async move { sink.io().close() });
    }

    fn end(&self) {
        self.state.set(State::Closed);
        self.operations.borrow_mut().clear();
    }
}

/// Closes silent connections, and all of them when the router stops.
async fn keep_alive(connection: Rc<Connection>) {
    let opened = Instant::now();
    let timeouts = connection.server.timeouts;
    let mut gone = std::pin::pin!(connection.sink.on_disconnect());
    loop {
        let initialised = matches!(connection.state.get(), State::Ready | State::Closed);
        let left = timeouts.initialisation.saturating_sub(opened.elapsed());
        let wait = if initialised { timeouts.ping } else { timeouts.ping.min(left) };
        tokio::select! {
            () = &mut gone => return connection.end(),
            () = connection.server.stop.cancelled() => return connection.close(1001, "The server is restarting"),
            () = sleep(wait) => {}
        }
        if connection.state.get() == State::Closed {
            return;
        }
        if connection.state.get() != State::Ready {
            if opened.elapsed() >= timeouts.initialisation {
                return connection.close(4408, "Connection initialisation timeout");
            }
            continue;
        }
        if connection.last_seen.get().elapsed() > timeouts.client {
            return connection.close(1001, "Connection idle timeout");
        }
        drop(connection.sink.send(Message::Ping(Bytes::default())));
    }
}

/// The token in the first message: among its parameters, or in its `headers`.
fn authorization(payload: &Value) -> Option<&str> {
    let of =
        |object: &Value| object.as_object()?.keys().find(|name| name.eq_ignore_ascii_case("authorization")).cloned();
    match of(payload) {
        Some(name) => payload[name].as_str(),
        None => payload["headers"][of(&payload["headers"])?].as_str(),
    }
}
