//! The way of a request through all processes, as W3C's Trace Context and OpenTelemetry have it: from the router to the
//! subgraph, to its SQL, and with an event to whoever acts on it. One trace id throughout.
//!
//! There are no spans until the process says where they go: [`enable`].

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

/// Of all spans, so that whoever writes log lines can leave them out.
pub const TARGET: &str = "lyceum::span";

/// The header, and the attribute of an event, that names a span to whoever goes on beneath it.
pub const TRACEPARENT: &str = "traceparent";
const MESSAGING_SYSTEM: &str = "lyceum";

static TRACER: OnceLock<BoxedTracer> = OnceLock::new();

/// From now on there are spans, in the tracer provider and with the propagator that the process has set.
pub fn enable() {
    let _ = TRACER.set(global::tracer("lyceum"));
}

/// Whether there are any.
#[must_use]
pub fn is_enabled() -> bool {
    TRACER.get().is_some()
}

/// A subgraph's answer to a request, beneath the span of whoever asks.
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

/// Notes on a span that what it stands for has failed.
pub fn record_failure(span: &Span, kind: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", kind);
}

/// An event that is written down, beneath what makes it happen.
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

/// What a service does about an event, beneath the span that published it.
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

/// A statement that has just ended.
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
        // Placeholders stand where values were.
        KeyValue::new("db.query.text", text.to_owned()),
        KeyValue::new("db.response.returned_rows", i64::try_from(rows).unwrap_or(i64::MAX)),
    ];
    let span = tracer.span_builder(operation).with_kind(SpanKind::Client).with_start_time(end - elapsed);
    let mut span = span.with_attributes(attributes).start_with_context(tracer, &current);
    span.end_with_timestamp(end);
}

/// The current span, for whom it is told to by another process.
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

/// Tells whoever gets these headers of the current span.
pub fn inject(headers: &mut HeaderMap) {
    if let Some(value) = traceparent().and_then(|value| HeaderValue::try_from(value).ok()) {
        headers.insert(HeaderName::from_static(TRACEPARENT), value);
    }
}

/// The same headers, with the current span if there is one.
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
        // It fails where the span is not recorded at all.
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

/// What an event says of where it comes from: `traceparent`, and nothing else.
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
