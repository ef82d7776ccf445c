//! The log: on standard error, for people. One line of it is on standard output, whatever the level: that a
//! notification was written, as the specification wants it.

use std::io::{IsTerminal as _, stderr, stdout};

use subgraph_kit::trace;
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// Starts it at `level`, unless `RUST_LOG` says otherwise.
pub fn start(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let lines = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal());
    let notices = fmt::layer().with_writer(stdout).with_ansi(stdout().is_terminal());
    tracing_subscriber::registry()
        .with(
            lines.with_filter(filter).with_filter(filter_fn(|metadata| is_discreet(metadata) && !is_notice(metadata))),
        )
        .with(notices.with_filter(filter_fn(is_notice)))
        .with(trace::statements())
        .init();
}

fn is_notice(metadata: &Metadata<'_>) -> bool {
    metadata.target() == notification::LOG_TARGET && *metadata.level() == Level::INFO
}

/// Below `info`, hive-router repeats documents and variables, and with them passwords. Its targets
/// begin like those of our own crate `router`, so only the module tells.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    let is_theirs = metadata.module_path().is_some_and(|module| module.starts_with("hive_router"));
    !is_theirs || *metadata.level() <= Level::INFO
}
