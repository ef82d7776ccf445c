//! Raises this process's limit of open files: each connection is one.

use tracing::warn;

/// Files besides client connections: databases, other processes, logs, libraries, and 2,048 rejected connections.
const OTHER_FILES: u64 = 3_100;
/// A live operation over a WebSocket: the client's socket, both ends of the router's request to itself, both of
/// hive-router's to the subscription proxy, and the proxy's to a subgraph.
const FILES_PER_LIVE_CONNECTION: u64 = 6;
/// One per live connection of a router.
const FILES_OF_A_SUBGRAPH: u64 = 10_000;

/// Raises the limit to the maximum that this process may have.
pub fn raise() {
    raise_for(0);
}

/// Raises the limit, and warns if it does not suffice for a router with this many live connections.
pub fn raise_for_router(live_connections: usize) {
    raise_for(FILES_PER_LIVE_CONNECTION * u64::try_from(live_connections).unwrap_or(u64::MAX));
}

/// Raises the limit, and warns if it does not suffice for a subgraph.
pub fn raise_for_subgraph() {
    raise_for(FILES_OF_A_SUBGRAPH);
}

fn raise_for(connections: u64) {
    let wanted = OTHER_FILES + connections;
    // Without a limit there is nothing to warn of.
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    if limit < wanted {
        warn!(limit, wanted, "open file limit too low for all connections: raise the hard limit (`ulimit -Hn`)");
    }
}
