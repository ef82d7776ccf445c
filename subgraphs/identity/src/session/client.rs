//! Who uses a session.

use subgraph_kit::ClientIp;

/// The sender of a request, as the router forwards it.
#[derive(Clone, Debug)]
pub struct SessionClient {
    /// The network address.
    pub ip: ClientIp,
    /// The `User-Agent`.
    pub user_agent: Option<String>,
}
