//! Observability of a process: logs, metrics for Prometheus, and spans for an OTLP collector.

mod logs;
mod metrics;
mod resource;
mod traces;

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use clap::Args;
use opentelemetry_sdk::trace::SdkTracerProvider;
use service::ClientTimeouts;
use tokio::runtime::Runtime;

use self::logs::LogFormat;

/// What it tells, and to whom.
#[derive(Args, Clone, Debug, Default)]
pub struct Settings {
    /// The format of log lines: `text` for people, `json` for programs, with the trace id.
    #[arg(long, env = "LYCEUM_LOG_FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,

    /// The address that serves `GET /metrics` for Prometheus. Clients must not be able to reach it. Without it no
    /// metrics are recorded.
    #[arg(long, env = "LYCEUM_METRICS_LISTEN", value_name = "ADDRESS:PORT")]
    metrics_listen: Option<SocketAddr>,

    /// The URL of the OpenTelemetry collector for spans, by OTLP over HTTP: `http://collector:4318`. Also honoured:
    /// `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` and
    /// `OTEL_EXPORTER_OTLP_HEADERS`.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", hide_env_values = true, value_name = "URL")]
    otlp_endpoint: Option<String>,
}

/// The URL of this process's metrics, if they are served.
pub fn metrics_url() -> Option<String> {
    metrics::address().map(|address| format!("http://{address}/metrics"))
}

impl Settings {
    fn collector(&self) -> Option<&str> {
        // An empty value, as scripts set it, counts as none.
        self.otlp_endpoint.as_deref().filter(|url| !url.is_empty())
    }
}

/// Timeout for the last export of spans at shutdown.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// Handles that need an orderly shutdown.
#[derive(Default)]
pub struct Telemetry {
    spans: Option<SdkTracerProvider>,
}

/// Starts the telemetry of the process `service`.
pub fn start(
    settings: &Settings,
    service: &'static str,
    level: &str,
    runtime: &Runtime,
    timeouts: ClientTimeouts,
) -> Result<Telemetry> {
    // Log lines have a trace ID also where no spans are exported.
    let are_traced = settings.collector().is_some() || settings.log_format == LogFormat::Json;
    let spans = are_traced.then(|| traces::provider(settings.collector(), service, runtime.handle())).transpose()?;
    if let Some(provider) = &spans {
        traces::start(provider);
    }
    let listening =
        settings.metrics_listen.map(|address| metrics::start(address, service, runtime, timeouts)).transpose();
    logs::start(settings.log_format, level, spans.as_ref());
    listening?;
    Ok(Telemetry { spans })
}

impl Telemetry {
    /// Exports the remaining spans.
    pub fn end(self) {
        if let Some(spans) = self.spans {
            // A failure can no longer be logged.
            let _ = spans.shutdown_with_timeout(LAST_SPANS);
        }
    }
}
