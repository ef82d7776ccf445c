//! Handles what live connections need in addition: limits per client and user; an upstream of their own, since one that
//! joined later would miss earlier events; backpressure ([`crate::subscription_proxy`]); and their end when the client
//! disconnects or the router shuts down.

use std::{
    error::Error,
    future::Future as _,
    net::IpAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use graphql_tools::static_graphql::query::{Definition, Document, OperationDefinition};
use hive_router::{
    PlanExecutionOutput,
    executor::execution::{client_request_details::JwtRequestDetails, plan::FailedExecutionResult},
    http::{
        HeaderValue, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    ntex::{
        http::{
            ConnectionType, HeaderMap,
            body::{Body, BodySize, MessageBody, ResponseBody},
        },
        io::{IoRef, OnDisconnect},
        util::Bytes,
        web::WebResponse,
    },
    plugins::{
        hooks::{
            on_graphql_analysis::OnGraphqlAnalysisHookPayload,
            on_graphql_validation::{OnGraphQLValidationStartHookPayload, OnGraphQLValidationStartHookResult},
            on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
            on_subgraph_execute::{OnSubgraphExecuteStartHookPayload, OnSubgraphExecuteStartHookResult},
        },
        plugin_trait::{EndHookPayload, StartHookPayload},
    },
};
use service::Shutdown;
use sonic_rs::JsonValueTrait;
use tokio_util::{
    sync::WaitForCancellationFutureOwned,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use super::{client_address::Address, dependencies::Dependencies, errors};
use crate::{
    connection_limits::{ConnectionLimits, LimitExceeded, Permit},
    connections::{Connections, ExemptConnection},
    subscription_proxy::{ClientStream, KEY, STREAM, StreamGuard, StreamRegistry},
};

/// When a rejected client may retry: it is unknown when a stream ends.
pub const RETRY_AFTER_SECONDS: u64 = 5;

pub struct Streams {
    registry: StreamRegistry,
    connection_limits: ConnectionLimits,
    connections: Connections,
    in_flight: TaskTracker,
    shutdown: Shutdown,
}

/// Marks a request in its context as in flight, until the router has responded.
struct InFlight(#[expect(dead_code, reason = "it is there to be dropped")] TaskTrackerToken);

/// The permit in a subscription's context, until its stream takes it.
struct HeldPermit(Option<Permit>);

/// The stream, in the context of a request that accepts one.
struct StreamRef(Arc<ClientStream>);

impl Streams {
    pub fn new(dependencies: &Dependencies) -> Self {
        Self {
            registry: dependencies.streams.clone(),
            connection_limits: dependencies.connection_limits.clone(),
            connections: dependencies.connections.clone(),
            in_flight: dependencies.in_flight.clone(),
            shutdown: dependencies.shutdown.clone(),
        }
    }

    pub fn on_http_request<'req>(
        &'req self,
        mut payload: OnHttpRequestHookPayload<'req>,
    ) -> OnHttpRequestHookResult<'req> {
        payload.context.insert(InFlight(self.in_flight.token()));
        let headers = payload.router_http_request.headers_mut();
        headers.remove(STREAM);
        let stream = accepts_stream(headers).then(|| self.registry.open());
        if let Some(stream) = &stream {
            headers.insert(STREAM, HeaderValue::from(stream.id()).into());
            payload.context.insert(StreamRef(Arc::clone(stream.stream())));
        }
        payload.on_end(move |payload| {
            let permit = payload.context.get_mut::<HeldPermit>().and_then(|mut held| held.0.take());
            payload
                .map_response(|mut response| {
                    if self.shutdown.draining.is_cancelled() {
                        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
                    }
                    match permit {
                        Some(permit) => self.subscription(response, stream, permit),
                        None => response,
                    }
                })
                .proceed()
        })
    }

    pub fn on_graphql_validation(
        payload: OnGraphQLValidationStartHookPayload<'_>,
    ) -> OnGraphQLValidationStartHookResult<'_> {
        if has_subscription(&payload.document) {
            payload.add_inbound_dedupe_partition(rand::random());
        }
        payload.proceed()
    }

    // After `credentials`: a client with an invalid token takes no permit.
    pub fn on_graphql_analysis(&self, payload: &OnGraphqlAnalysisHookPayload<'_>) -> Result<(), PlanExecutionOutput> {
        let request = &payload.client_request_details;
        if request.operation.kind != "subscription" {
            return Ok(());
        }
        if self.shutdown.stop.is_cancelled() {
            return errors::reject(payload.context, StatusCode::SERVICE_UNAVAILABLE, errors::restarting());
        }
        let client = payload.context.get_ref::<Address>().map(|address| address.0);
        match self.permit(client, &request.jwt) {
            Ok(permit) => {
                payload.context.insert(HeldPermit(Some(permit)));
                if let Some(stream) = payload.context.get_ref::<StreamRef>() {
                    stream.0.attach_span();
                }
                Ok(())
            }
            Err(exceeded) => {
                let error = errors::rate_limited(exceeded.message(), RETRY_AFTER_SECONDS);
                errors::reject(payload.context, StatusCode::TOO_MANY_REQUESTS, error)
            }
        }
    }

    // hive-router sends subscriptions without this hook, so these requests do not need the subscription proxy.
    pub fn on_subgraph_execute(
        mut payload: OnSubgraphExecuteStartHookPayload<'_>,
    ) -> OnSubgraphExecuteStartHookResult<'_> {
        for name in [KEY, STREAM] {
            payload.execution_request.headers.remove(name);
        }
        payload.proceed()
    }
}

impl Streams {
    fn permit(&self, client: Option<IpAddr>, viewer: &JwtRequestDetails) -> Result<Permit, LimitExceeded> {
        let user = match viewer {
            JwtRequestDetails::Authenticated { claims, .. } => claims.get("sub"),
            JwtRequestDetails::Unauthenticated => None,
        };
        self.connection_limits.subscription(client, user.as_str())
    }

    fn subscription(&self, response: WebResponse, stream: Option<StreamGuard>, permit: Permit) -> WebResponse {
        // An error is not a stream.
        let Some(format) = StreamFormat::of(response.headers()) else { return response };
        let disconnected = response.request().io().map(IoRef::on_disconnect);
        let exempt = response.request().peer_addr().map(|peer| self.connections.exempt(peer));
        response.map_body(|_, body| {
            let subscription = SubscriptionBody {
                body,
                stream,
                format,
                disconnected,
                stop: Box::pin(self.shutdown.stop.clone().cancelled_owned()),
                is_between_events: true,
                has_ended: false,
                _held: (permit, exempt, self.in_flight.token()),
            };
            ResponseBody::Other(Body::from_message(subscription))
        })
    }
}

fn accepts_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).map(str::trim).any(|one| {
        let one = one.to_ascii_lowercase();
        one.starts_with("text/event-stream") || one.starts_with("multipart/")
    })
}

fn has_subscription(document: &Document) -> bool {
    let is_subscription = |one: &Definition| matches!(one, Definition::Operation(OperationDefinition::Subscription(_)));
    document.definitions.iter().any(is_subscription)
}

/// A subscription's body: reports what the client has consumed, and ends on shutdown or disconnect.
struct SubscriptionBody {
    body: ResponseBody<Body>,
    stream: Option<StreamGuard>,
    format: StreamFormat,
    /// ntex itself detects a disconnect only at its next write, up to ten seconds later.
    disconnected: Option<OnDisconnect>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    is_between_events: bool,
    has_ended: bool,
    _held: (Permit, Option<ExemptConnection>, TaskTrackerToken),
}

impl MessageBody for SubscriptionBody {
    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Rc<dyn Error>>>> {
        if self.has_ended
            || self.disconnected.as_ref().is_some_and(|disconnected| disconnected.poll_ready(cx).is_ready())
        {
            return Poll::Ready(None);
        }
        // Checked before the body, which may be ending as well: the client gets one final event in any case.
        if self.is_between_events && self.stop.as_mut().poll(cx).is_ready() {
            self.has_ended = true;
            return Poll::Ready(Some(Ok(self.format.final_event().into())));
        }
        let chunk = self.body.poll_next_chunk(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &chunk {
            self.is_between_events = self.format.ends_with(bytes);
            if let Some(stream) = &self.stream
                && !bytes.starts_with(b":")
            {
                stream.stream().record_consumed();
            }
        }
        chunk
    }
}

/// The format of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StreamFormat {
    /// Server-sent events.
    ServerSentEvents,
    /// `multipart/mixed` of Apollo's multipart protocol.
    ApolloMultipart,
    /// `multipart/mixed` of incremental delivery.
    IncrementalDelivery,
}

impl StreamFormat {
    fn of(headers: &HeaderMap) -> Option<Self> {
        match headers.get(CONTENT_TYPE)?.to_str().ok()? {
            of if of.starts_with("text/event-stream") => Some(Self::ServerSentEvents),
            of if of.contains("subscriptionSpec") => Some(Self::ApolloMultipart),
            of if of.starts_with("multipart/") => Some(Self::IncrementalDelivery),
            _ => None,
        }
    }

    /// Whether an event ends with this chunk.
    fn ends_with(self, piece: &[u8]) -> bool {
        match self {
            Self::ServerSentEvents => true,
            // The headers of a part end with an empty line.
            Self::ApolloMultipart | Self::IncrementalDelivery => {
                piece.ends_with(b"\r\n") && !piece.ends_with(b"\r\n\r\n")
            }
        }
    }

    /// The last event, and the stream's end.
    fn final_event(self) -> Vec<u8> {
        let part = |boundary, before: &str, after: &str, body: Vec<u8>| {
            let head = format!("--{boundary}\r\nContent-Type: application/json\r\n\r\n{before}");
            let end = format!("{after}\r\n--{boundary}--");
            [head.into_bytes(), body, end.into_bytes()].concat()
        };
        let error = FailedExecutionResult { errors: vec![errors::restarting()] }.serialize();
        match self {
            Self::ServerSentEvents => [&b"event: next\ndata: "[..], &error, b"\n\nevent: complete\n\n"].concat(),
            Self::ApolloMultipart => part("graphql", r#"{"payload":"#, "}", error),
            Self::IncrementalDelivery => part("-", "", "", error),
        }
    }
}
