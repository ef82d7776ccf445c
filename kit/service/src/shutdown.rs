//! Graceful shutdown: a process drains its connections first, and stops after that.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Settings of a graceful shutdown.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct ShutdownSettings {
    /// The number of seconds for which a process still accepts requests after SIGTERM. Meanwhile `/ready` answers 503
    /// and each response closes its connection, so that no request is in flight afterwards. Ctrl-C and a second signal
    /// skip this period.
    #[arg(long, env = "LYCEUM_DRAIN_SECONDS", value_name = "SECONDS", default_value_t = DRAIN_SECONDS)]
    pub drain_seconds: u64,

    /// The number of seconds that requests in flight have to finish after the drain period. Default: 10 for a subgraph,
    /// whose requests time out after 5; for a router, `http.shutdown_timeout` of its configuration.
    #[arg(long, env = "LYCEUM_SHUTDOWN_TIMEOUT_SECONDS", value_name = "SECONDS")]
    pub shutdown_timeout_seconds: Option<u64>,
}

/// Twice the idle timeout of connections between router and subgraphs (`timeouts::IDLE`), and a margin for probes of
/// `/ready` every two seconds.
const DRAIN_SECONDS: u64 = 5;

impl Default for ShutdownSettings {
    fn default() -> Self {
        Self { drain_seconds: DRAIN_SECONDS, shutdown_timeout_seconds: None }
    }
}

impl ShutdownSettings {
    /// How long a process still accepts requests after SIGTERM.
    #[must_use]
    pub fn drain_period(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }

    /// How long the requests in flight get after the drain period.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.shutdown_timeout_seconds.map(Duration::from_secs)
    }
}

/// The shutdown of a process. Clones share its state.
#[derive(Clone, Default)]
pub struct Shutdown {
    /// Cancelled when the drain period begins: clients should send nothing new.
    pub draining: CancellationToken,
    /// Cancelled when the drain period is over: nothing new is started, and all loops end.
    pub stop: CancellationToken,
}

impl From<CancellationToken> for Shutdown {
    /// A shutdown without a drain period.
    fn from(stop: CancellationToken) -> Self {
        Self { draining: stop.clone(), stop }
    }
}
