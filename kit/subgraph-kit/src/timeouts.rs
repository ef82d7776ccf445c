//! Timeouts of calls between processes. A process must respond before its own caller times out.

use std::time::Duration;

use tokio::time::Instant;

/// The router's timeout for a subgraph: `traffic_shaping.all.request_timeout` in `router.config.yaml`.
pub const ROUTER_REQUEST: Duration = Duration::from_secs(5);

/// A subgraph's timeout for a request: it responds with an error before the router gives up.
pub const SUBGRAPH_REQUEST: Duration = Duration::from_millis(4_750);

/// A subgraph's timeout for another subgraph.
pub const PEER_REQUEST: Duration = Duration::from_secs(2);

/// The payment subgraph's timeout for the provider.
pub const PROVIDER: Duration = Duration::from_secs(2);

/// The idle timeout of connections to other processes: shorter than the drain period (`ShutdownSettings`), so that no
/// connection is used while it is closed. The router's is `traffic_shaping.all.pool_idle_timeout` in
/// `router.config.yaml`.
pub const IDLE: Duration = Duration::from_secs(2);

/// The timeout of a list's total count: the list is returned without it.
pub const COUNT: Duration = Duration::from_secs(2);

/// The time that a count or a search leaves for the rest of the request.
const AFTER_SCAN: Duration = Duration::from_millis(500);

/// The time at which a subgraph gives up a request.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline of a request that arrives now.
    #[must_use]
    pub fn for_new_request() -> Self {
        Self(Instant::now() + SUBGRAPH_REQUEST)
    }

    /// The timeout of a count that begins now.
    pub(crate) fn time_left_for_count(self) -> Duration {
        self.time_left_for_scan().min(COUNT)
    }

    /// The timeout of a search that begins now, queueing included.
    pub(crate) fn time_left_for_scan(self) -> Duration {
        self.0.saturating_duration_since(Instant::now()).saturating_sub(AFTER_SCAN)
    }
}

/// The time for the subgraph's own database, and for latency.
const OVERHEAD: Duration = Duration::from_millis(750);

// `enroll` queries the course, then the payment; `purchaseCourse` queries the course and the enrollment
// concurrently, then calls the provider.
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
