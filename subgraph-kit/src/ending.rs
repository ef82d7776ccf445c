//! How a process ends: it says so, and stops some time after that.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Settings of a process's end.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct EndSettings {
    /// Seconds that a process which is told to end (SIGTERM) still does what it is asked. Meanwhile `/ready` says no and
    /// each answer ends its connection, so that nobody has anything under way to it afterwards. Ctrl-C does without, as
    /// does a second signal.
    #[arg(long, env = "LYCEUM_NOTICE_SECONDS", value_name = "SECONDS", default_value_t = NOTICE_SECONDS)]
    pub notice_seconds: u64,

    /// Seconds that requests in flight get after that. When left out: 10 for a subgraph, whose requests have 5, and for
    /// a router what its configuration says (`http.shutdown_timeout`).
    #[arg(long, env = "LYCEUM_FINISH_SECONDS", value_name = "SECONDS")]
    pub finish_seconds: Option<u64>,
}

/// Twice as long as router and subgraphs keep silent connections to one another (`budget::IDLE`), and some more for
/// whoever asks `/ready` every other second.
const NOTICE_SECONDS: u64 = 5;

impl Default for EndSettings {
    fn default() -> Self {
        Self { notice_seconds: NOTICE_SECONDS, finish_seconds: None }
    }
}

impl EndSettings {
    /// How long a process that is to end still does what it is asked.
    #[must_use]
    pub fn notice(&self) -> Duration {
        Duration::from_secs(self.notice_seconds)
    }

    /// How long the requests in flight get after that.
    #[must_use]
    pub fn finish(&self) -> Option<Duration> {
        self.finish_seconds.map(Duration::from_secs)
    }
}

/// The end of a process. Clones share it.
#[derive(Clone, Default)]
pub struct Ending {
    /// It is known: nobody should send anything new.
    pub announced: CancellationToken,
    /// It has come: nothing new is begun, and whatever goes on for ever ends.
    pub stop: CancellationToken,
}

impl From<CancellationToken> for Ending {
    /// An end without notice.
    fn from(stop: CancellationToken) -> Self {
        Self { announced: stop.clone(), stop }
    }
}
