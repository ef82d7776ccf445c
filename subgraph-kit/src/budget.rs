//! How long one waits for whom. Whoever waits for others must answer before those who wait for them give up.

use std::time::Duration;

/// The router, for a subgraph: `traffic_shaping.all.request_timeout` in `router.config.yaml`.
pub const ROUTER: Duration = Duration::from_secs(5);

/// A subgraph, for its own answer: it says that it is late before the router gives up.
pub const SUBGRAPH: Duration = Duration::from_millis(4_750);

/// A subgraph, for another one.
pub const PEER: Duration = Duration::from_secs(2);

/// The payment subgraph, for whoever moves the money.
pub const PROVIDER: Duration = Duration::from_secs(2);

/// How long a silent connection to another process is kept: less than a process that ends goes on answering
/// (`EndSettings`), so that none is used just when it is closed. `traffic_shaping.all.pool_idle_timeout` in
/// `router.config.yaml` is the router's.
pub const IDLE: Duration = Duration::from_secs(2);

/// For one's own database, and for the way.
const REST: Duration = Duration::from_millis(750);

// `enroll` asks for the course, then for the payment; `purchaseCourse` asks for the course, then for the money.
const _: () = assert!(2 * PEER.as_millis() + REST.as_millis() <= SUBGRAPH.as_millis());
const _: () = assert!(PEER.as_millis() + PROVIDER.as_millis() + REST.as_millis() <= SUBGRAPH.as_millis());
const _: () = assert!(SUBGRAPH.as_millis() < ROUTER.as_millis());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_router_is_configured_like_this() {
        let config = include_str!("../../router/router.config.yaml");
        let (_, shaping) = config.split_once("\ntraffic_shaping:\n").expect("what shapes the traffic");
        let (_, all) = shaping.split_once("\n  all:\n").expect("what applies to all subgraphs");

        let said = |name: &str| all.lines().find_map(|line| line.trim().strip_prefix(name));

        assert_eq!(said("request_timeout: "), Some(&*format!("{}s", ROUTER.as_secs())));
        assert_eq!(said("pool_idle_timeout: "), Some(&*format!("{}s", IDLE.as_secs())));
    }
}
