//! The log, on standard error. Two kinds of line are on standard output, at any level: that a notification was written, as
//! the specification requires, and that a mail was stored.

use std::io::{IsTerminal as _, stderr, stdout};

use clap::ValueEnum;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use telemetry::{spans, trace};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt as _, filter_fn},
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

/// The target of hive-router's spans.
const ROUTERS_SPANS: &str = "hive-router";

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines of text for people.
    #[default]
    Text,
    /// One JSON object per line, with the trace id, for programs.
    Json,
}

/// Starts the log at `level`, unless `RUST_LOG` is set, and tracing, if there is a span processor.
pub fn start(format: LogFormat, level: &str, spans: Option<&SdkTracerProvider>) {
    let wanted = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // A line takes its trace ID from the enclosing span, whatever the level.
    let of_lines = filter_fn(is_span)
        .or(wanted.and(filter_fn(|metadata| is_safe_to_log(metadata) && !is_notification_line(metadata))));
    let of_notification_lines = filter_fn(is_span).or(filter_fn(is_notification_line));
    let traced = spans.map(|provider| {
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("lyceum"));
        let layer = layer.with_location(false).with_threads(false).with_target(false).with_tracked_inactivity(false);
        layer.with_filter(filter_fn(is_span))
    });
    tracing_subscriber::registry()
        .with(traced)
        .with(lines(format, stderr, stderr().is_terminal()).with_filter(of_lines))
        .with(lines(format, stdout, stdout().is_terminal()).with_filter(of_notification_lines))
        .with(trace::statement_layer())
        .init();
}

/// Formats lines without the fields of enclosing spans, which include clients' addresses.
fn lines<S, W>(format: LogFormat, to: W, in_colour: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    match format {
        LogFormat::Text => fmt::layer().with_writer(to).with_ansi(in_colour).with_filter(filter_fn(is_event)).boxed(),
        LogFormat::Json => json_subscriber::layer()
            .with_writer(to)
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_opentelemetry_ids(true)
            .boxed(),
    }
}

fn is_event(metadata: &Metadata<'_>) -> bool {
    metadata.is_event()
}

/// Whether it is a span of ours or of the router's, not of the libraries beneath.
fn is_span(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && [spans::TARGET, ROUTERS_SPANS].contains(&metadata.target())
}

fn is_notification_line(metadata: &Metadata<'_>) -> bool {
    let targets = [notification::LOG_TARGET, identity::mail::LOG_TARGET];
    targets.contains(&metadata.target()) && *metadata.level() == Level::INFO
}

/// Below `info`, hive-router logs documents and variables, including passwords; and at `warn` the value of a variable
/// of the wrong type, which the client gets in an error without the value. Its targets have the prefix of our own crate
/// `router`, so only the module distinguishes them. sqlx logs unusable lines of a password file, and values of unknown
/// parameters in a URL.
fn is_safe_to_log(metadata: &Metadata<'_>) -> bool {
    let module = metadata.module_path().unwrap_or_default();
    if module.starts_with("sqlx_postgres::options") {
        return !["line", "value"].iter().any(|field| metadata.fields().field(field).is_some());
    }
    let Some(module) = metadata.module_path().filter(|module| module.starts_with("hive_router")) else { return true };
    *metadata.level() <= Level::INFO && !module.ends_with("::coerce_variables")
}
