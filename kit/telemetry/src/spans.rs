//! Distributed tracing with W3C's Trace Context and OpenTelemetry: from the router to the subgraph, to its SQL, and
//! with an event to its consumers, under one trace id.
//!
//! There are no spans until the process has set an exporter and calls [`enable`].

use std::{
    borrow::Cow,
    sync::OnceLock,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context, KeyValue,
    global::{self, BoxedTracer},
    propagation::{Extractor, Injector},
    trace::{Span as _, SpanKind, TraceContextExt as _, Tracer as _},
};
use tracing::{Span, field::Empty, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The target of all spans, so that log output can exclude them.
pub const TARGET: &str = "lyceum::span";

/// The header, and the event attribute, that carries the parent span.
pub const TRACEPARENT: &str = "traceparent";
const MESSAGING_SYSTEM: &str = "lyceum";

static TRACER: OnceLock<BoxedTracer> = OnceLock::new();

/// Enables spans, with the tracer provider and the propagator that the process has set.
pub fn enable() {
    let _ = TRACER.set(global::tracer("lyceum"));
}

/// Whether spans are enabled.
#[must_use]
pub fn is_enabled() -> bool {
    TRACER.get().is_some()
}

/// The server span of a subgraph's request, as a child of the caller's span.
#[must_use]
pub fn request(subgraph: &'static str, headers: &HeaderMap) -> Span {
    if !is_enabled() {
        return Span::none();
    }
    let span = info_span!(
        target: TARGET, "subgraph",
        otel.name = subgraph, otel.kind = "server", otel.status_code = Empty, subgraph.name = subgraph,
        error.type = Empty,
    );
    child_of(span, &Headers(headers))
}

/// Records on a span that its operation has failed.
pub fn record_failure(span: &Span, kind: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", kind);
}

/// The span of publishing an event, as a child of the current span.
#[must_use]
pub fn producer_span(kind: &'static str) -> Span {
    if !is_enabled() {
        return Span::none();
    }
    info_span!(
        target: TARGET, "publish",
        otel.name = format!("publish {kind}"), otel.kind = "producer", messaging.system = MESSAGING_SYSTEM,
        messaging.operation.name = "publish", messaging.destination.name = kind,
    )
}

/// The span of handling an event, as a child of the span that published it.
#[must_use]
pub fn consumer_span(service: &'static str, kind: &str, traceparent: Option<&str>) -> Span {
    if !is_enabled() {
        return Span::none();
    }
    let span = info_span!(
        target: TARGET, "process",
        otel.name = format!("process {kind}"), otel.kind = "consumer", messaging.system = MESSAGING_SYSTEM,
        messaging.operation.name = "process", messaging.destination.name = kind, subgraph.name = service,
        otel.status_code = Empty, error.type = Empty,
    );
    child_of(span, &Event(traceparent))
}

/// Records a span for a statement that has just ended.
pub(crate) fn record_statement(
    service: &'static str,
    operation: &'static str,
    text: &str,
    elapsed: Duration,
    rows: u64,
) {
    let Some(tracer) = TRACER.get() else { return };
    let current = Context::current();
    if !current.span().span_context().is_sampled() {
        return;
    }
    let end = SystemTime::now();
    let attributes = [
        KeyValue::new("db.system.name", "postgresql"),
        KeyValue::new("db.namespace", service),
        KeyValue::new("db.operation.name", operation),
        // Has placeholders instead of values.
        KeyValue::new("db.query.text", text.to_owned()),
        KeyValue::new("db.response.returned_rows", i64::try_from(rows).unwrap_or(i64::MAX)),
    ];
    let span = tracer.span_builder(operation).with_kind(SpanKind::Client).with_start_time(end - elapsed);
    let mut span = span.with_attributes(attributes).start_with_context(tracer, &current);
    span.end_with_timestamp(end);
}

/// The current span as a `traceparent`, for another process.
#[must_use]
pub fn traceparent() -> Option<String> {
    let mut written = Event(None::<String>);
    if is_enabled() {
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&Span::current().context(), &mut written);
        });
    }
    written.0
}

/// Adds the current span to the headers of a request.
pub fn inject(headers: &mut HeaderMap) {
    if let Some(value) = traceparent().and_then(|value| HeaderValue::try_from(value).ok()) {
        headers.insert(HeaderName::from_static(TRACEPARENT), value);
    }
}

/// The headers with the current span, if there is one.
#[must_use]
pub fn with_traceparent(headers: &HeaderMap) -> Cow<'_, HeaderMap> {
    let mut headers = Cow::Borrowed(headers);
    if is_enabled() {
        inject(headers.to_mut());
    }
    headers
}

fn child_of(span: Span, carrier: &dyn Extractor) -> Span {
    let parent =
        global::get_text_map_propagator(|propagator| propagator.extract_with_context(&Context::new(), carrier));
    if parent.span().span_context().is_valid() {
        // Fails if the span is not recorded.
        let _ = span.set_parent(parent);
    }
    span
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// An event as a carrier of `traceparent`, and of nothing else.
struct Event<T>(Option<T>);

impl<T: AsRef<str>> Extractor for Event<T> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.as_ref().filter(|_| key == TRACEPARENT).map(AsRef::as_ref)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|_| TRACEPARENT).collect()
    }
}

impl Injector for Event<String> {
    fn set(&mut self, key: &str, value: String) {
        if key == TRACEPARENT {
            self.0 = Some(value);
        }
    }
}
