//! How many files this process may have open: each connection is one.

use tracing::warn;

/// Beside connections of clients: databases, other processes, logs, what libraries keep, and 2,048 that were rejected.
const OTHER_FILES: u64 = 3_100;
/// A live operation over a WebSocket: the client's end, both of the router's request to itself, both of hive-router's to
/// the relay, and the relay's to a subgraph.
const FILES_PER_LIVE_CONNECTION: u64 = 6;
/// One for each live connection of a router.
const FILES_OF_A_SUBGRAPH: u64 = 10_000;

/// Raises the limit as far as this process may.
pub fn raise() {
    raise_for(0);
}

/// The same, and says so if that is not enough for a router with so many live connections.
pub fn raise_for_router(live_connections: usize) {
    raise_for(FILES_PER_LIVE_CONNECTION * u64::try_from(live_connections).unwrap_or(u64::MAX));
}

/// The same, for a subgraph.
pub fn raise_for_subgraph() {
    raise_for(FILES_OF_A_SUBGRAPH);
}

fn raise_for(connections: u64) {
    let wanted = OTHER_FILES + connections;
    // Where there is no limit to raise, none is lacking.
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    if limit < wanted {
        warn!(limit, wanted, "open file limit too low for all connections: raise the hard limit (`ulimit -Hn`)");
    }
}
