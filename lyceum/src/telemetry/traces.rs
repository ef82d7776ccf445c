//! Exports spans to an OTLP collector.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, anyhow};
use opentelemetry::{
    global,
    trace::{SpanContext, Status, TraceState},
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    propagation::TraceContextPropagator,
    trace::{self, SdkTracerProvider, SpanData},
};
use tokio::runtime::Handle;
use tracing::{info, warn};

use super::resource::resource;

/// Attributes that spans may have. hive-router also adds data of the client, such as its address, `Host` and URL, which
/// does not belong in a trace.
const ALLOWED: [&str; 28] = [
    "cache.hit",
    "db.namespace",
    "db.operation.name",
    "db.query.text",
    "db.response.returned_rows",
    "db.system.name",
    "error.type",
    "graphql.document.hash",
    "graphql.operation.name",
    "graphql.operation.type",
    "hive.graphql.error.codes",
    "hive.graphql.error.count",
    "hive.graphql.operation.hash",
    "hive.graphql.subgraph.name",
    "hive.inflight.role",
    "hive.kind",
    "http.request.body.size",
    "http.request.method",
    "http.response.body.size",
    "http.response.status_code",
    "http.route",
    "messaging.destination.name",
    "messaging.operation.name",
    "messaging.system",
    "network.protocol.version",
    "router.request_id",
    "subgraph.name",
    "url.scheme",
];

/// The tracer provider, with an exporter if there is a collector.
pub fn provider(collector: Option<&str>, service: &'static str, runtime: &Handle) -> Result<SdkTracerProvider> {
    let mut provider = SdkTracerProvider::builder().with_resource(resource(service));
    if let Some(collector) = collector {
        provider = provider.with_batch_exporter(Exporter::new(collector, runtime)?);
    }
    Ok(provider.build())
}

/// Enables tracing.
pub fn start(provider: &SdkTracerProvider) {
    global::set_text_map_propagator(TraceContextPropagator::new());
    global::set_tracer_provider(provider.clone());
    telemetry::spans::enable();
}

/// Exports spans with allowed attributes only, and logs when the collector becomes unavailable.
struct Exporter {
    inner: Arc<SpanExporter>,
    /// The library exports on its own thread, where its HTTP client finds no reactor.
    runtime: Handle,
    is_unavailable: AtomicBool,
}

impl fmt::Debug for Exporter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Exporter").finish_non_exhaustive()
    }
}

impl Exporter {
    fn new(collector: &str, runtime: &Handle) -> Result<Self> {
        let inner = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", collector.trim_end_matches('/')))
            .build()
            // The cause repeats the URL, which may contain a password.
            .map_err(|_| anyhow!("cannot export spans: `--otlp-endpoint` is not a valid collector URL"))?;
        Ok(Self { inner: Arc::new(inner), runtime: runtime.clone(), is_unavailable: AtomicBool::new(false) })
    }

    fn log_change(&self, outcome: &OTelSdkResult) {
        let was_unavailable = self.is_unavailable.swap(outcome.is_err(), Ordering::Relaxed);
        match outcome {
            Err(error) if !was_unavailable => warn!(%error, "spans lost: the collector does not accept them"),
            Ok(()) if was_unavailable => info!("the collector accepts spans again"),
            _ => {}
        }
    }
}

impl trace::SpanExporter for Exporter {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        for span in &mut batch {
            redact_span(span);
        }
        let inner = Arc::clone(&self.inner);
        let sent = self.runtime.spawn(async move { inner.export(batch).await }).await;
        let outcome = sent.unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string())));
        self.log_change(&outcome);
        // The library would log it again for each batch.
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.set_resource(resource);
        }
    }
}

fn redact_span(span: &mut SpanData) {
    let context = &span.span_context;
    // Without the trace state, which comes from the client.
    span.span_context = SpanContext::new(
        context.trace_id(),
        context.span_id(),
        context.trace_flags(),
        context.is_remote(),
        TraceState::NONE,
    );
    span.attributes.retain(|attribute| ALLOWED.binary_search(&attribute.key.as_str()).is_ok());
    // Error messages, which repeat request data.
    span.events = trace::SpanEvents::default();
    if let Status::Error { description } = &mut span.status {
        *description = "".into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_said_is_in_order() {
        assert!(ALLOWED.is_sorted());
    }
}
