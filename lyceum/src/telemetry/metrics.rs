//! The metrics, in the text format of Prometheus.

use std::{net::SocketAddr, sync::OnceLock};

use anyhow::{Context as _, Result};
use axum::{
    Router, extract::State, http::StatusCode, http::header::CONTENT_TYPE, response::IntoResponse, routing::get,
};
use opentelemetry::{Key, global};
use opentelemetry_sdk::metrics::{Aggregation, Instrument, InstrumentKind, SdkMeterProvider, Stream};
use prometheus::{Encoder as _, Registry, TextEncoder};
use service::{ClientTimeouts, http_server};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_util::sync::CancellationToken;

use super::resource::resource;

/// The scope of hive-router's instruments.
const ROUTERS: &str = "hive-router";
/// Instruments with an attribute per operation name: names are the client's choice, so each would be a series of its
/// own.
const NAMED_BY_CLIENTS: [&str; 2] = ["http.server.", "hive.router.request."];
/// Their other attributes.
const LABELS: [&str; 6] = [
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "error.type",
    "graphql.operation.type",
    "graphql.response.status",
];

/// Instruments of hive-router's demand control, which have that attribute, too.
const COST: &str = "hive.router.demand_control.";

/// Histogram buckets in seconds, for the router's responses and its requests to subgraphs.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();

/// The address of the metrics, if they are served.
pub fn address() -> Option<SocketAddr> {
    ADDRESS.get().copied()
}

/// Enables metrics, and serves them at `address` for as long as `runtime` lives.
pub fn start(address: SocketAddr, service: &'static str, runtime: &Runtime, timeouts: ClientTimeouts) -> Result<()> {
    let listener = runtime.block_on(TcpListener::bind(address)).with_context(|| {
        format!("cannot serve metrics on {address}: choose another address with `--metrics-listen`")
    })?;
    let _ = ADDRESS.set(listener.local_addr()?);
    let registry = Registry::new();
    let reader = opentelemetry_prometheus::exporter().with_registry(registry.clone()).without_scope_info().build()?;
    let provider = SdkMeterProvider::builder()
        .with_resource(resource(service))
        .with_reader(reader)
        .with_view(instrument_view)
        .build();
    global::set_meter_provider(provider);
    telemetry::metrics::enable();
    let routes = Router::new().route("/metrics", get(metrics)).with_state(registry);
    runtime.spawn(http_server::serve(listener, routes, timeouts, CancellationToken::new()));
    Ok(())
}

/// The view of hive-router's instruments. Ours need none.
fn instrument_view(instrument: &Instrument) -> Option<Stream> {
    if instrument.scope().name() != ROUTERS {
        return None;
    }
    let mut stream = Stream::builder();
    // Prometheus appends this suffix to a counter's name.
    if let Some(name) = ["_total", ".total"].iter().find_map(|end| instrument.name().strip_suffix(end)) {
        stream = stream.with_name(name.to_owned());
    }
    if NAMED_BY_CLIENTS.iter().any(|prefix| instrument.name().starts_with(prefix)) {
        stream = stream.with_allowed_attribute_keys(LABELS.map(Key::from_static_str));
    }
    if instrument.name().starts_with(COST) {
        stream = stream.with_allowed_attribute_keys([Key::from_static_str("cost.result")]);
    }
    if instrument.kind() == InstrumentKind::Histogram && instrument.unit() == "s" {
        let boundaries = SECONDS.to_vec();
        stream = stream.with_aggregation(Aggregation::ExplicitBucketHistogram { boundaries, record_min_max: false });
    }
    stream.build().ok()
}

async fn metrics(State(registry): State<Registry>) -> Result<impl IntoResponse, StatusCode> {
    let text = TextEncoder::new().encode_to_string(&registry.gather()).map_err(|error| {
        tracing::error!(%error, "cannot encode metrics");
        StatusCode::INTERNAL_SERVER_ERROR
    })?;
    Ok(([(CONTENT_TYPE, TextEncoder::new().format_type().to_owned())], text))
}
