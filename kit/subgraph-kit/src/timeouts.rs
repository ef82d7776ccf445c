//! Timeouts of calls between processes. A process must answer before its own caller times out.

use std::time::Duration;

use tokio::time::Instant;

/// The router, for a subgraph: `traffic_shaping.all.request_timeout` in `router.config.yaml`.
pub const ROUTER_REQUEST: Duration = Duration::from_secs(5);

/// A subgraph, for its own answer: it says that it is late before the router gives up.
pub const SUBGRAPH_REQUEST: Duration = Duration::from_millis(4_750);

/// A subgraph, for another one.
pub const PEER_REQUEST: Duration = Duration::from_secs(2);

/// The payment subgraph, for whoever moves the money.
pub const PROVIDER: Duration = Duration::from_secs(2);

/// How long a silent connection to another process is kept: less than a process that ends goes on answering
/// (`ShutdownSettings`), so that none is used just when it is closed. `traffic_shaping.all.pool_idle_timeout` in
/// `router.config.yaml` is the router's.
pub const IDLE: Duration = Duration::from_secs(2);

/// A list, for the count of the whole of it: the list itself arrives without it.
pub const COUNT: Duration = Duration::from_secs(2);

/// What a count or a search leaves of a request's time, for what comes after it.
const AFTER_SCAN: Duration = Duration::from_millis(500);

/// When a subgraph gives up a request.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// Of a request that comes now.
    #[must_use]
    pub fn for_new_request() -> Self {
        Self(Instant::now() + SUBGRAPH_REQUEST)
    }

    /// How long a count may take that begins now.
    pub(crate) fn time_left_for_count(self) -> Duration {
        self.time_left_for_scan().min(COUNT)
    }

    /// How long a search may take that begins now, its turn included.
    pub(crate) fn time_left_for_scan(self) -> Duration {
        self.0.saturating_duration_since(Instant::now()).saturating_sub(AFTER_SCAN)
    }
}

/// For one's own database, and for the way.
const OVERHEAD: Duration = Duration::from_millis(750);

// `enroll` asks for the course, then for the payment; `purchaseCourse` asks for the course, then for the money.
const _: () = assert!(2 * PEER_REQUEST.as_millis() + OVERHEAD.as_millis() <= SUBGRAPH_REQUEST.as_millis());
const _: () =
    assert!(PEER_REQUEST.as_millis() + PROVIDER.as_millis() + OVERHEAD.as_millis() <= SUBGRAPH_REQUEST.as_millis());
const _: () = assert!(COUNT.as_millis() + AFTER_SCAN.as_millis() < SUBGRAPH_REQUEST.as_millis());
const _: () = assert!(SUBGRAPH_REQUEST.as_millis() < ROUTER_REQUEST.as_millis());

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_count_never_takes_the_time_that_its_list_needs() {
        let deadline = Deadline::for_new_request();
        assert_eq!(deadline.time_left_for_count(), COUNT);
        assert_eq!(deadline.time_left_for_scan(), SUBGRAPH_REQUEST.saturating_sub(AFTER_SCAN));

        tokio::time::advance(Duration::from_millis(3_750)).await;
        assert_eq!(deadline.time_left_for_count(), Duration::from_millis(500));

        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(deadline.time_left_for_count(), Duration::ZERO);
        assert_eq!(deadline.time_left_for_scan(), Duration::ZERO);
    }

    #[test]
    fn the_router_is_configured_like_this() {
        let config = include_str!("../../../router/router.config.yaml");
        let (_, shaping) = config.split_once("\ntraffic_shaping:\n").expect("what shapes the traffic");
        let (_, all) = shaping.split_once("\n  all:\n").expect("what applies to all subgraphs");

        let said = |name: &str| all.lines().find_map(|line| line.trim().strip_prefix(name));

        assert_eq!(said("request_timeout: "), Some(&*format!("{}s", ROUTER_REQUEST.as_secs())));
        assert_eq!(said("pool_idle_timeout: "), Some(&*format!("{}s", IDLE.as_secs())));
    }
}
