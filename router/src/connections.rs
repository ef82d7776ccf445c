//! Limits the plain connections of one client, so that none exhausts the router for all others. Connections with live
//! operations have limits of their own ([`crate::connection_limits`]) and do not count meanwhile.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::select;
use hive_router::ntex::{
    Middleware, SharedCfg,
    io::{Io, types::PeerAddr},
    service::{Service, ServiceCtx},
};
use subgraph_kit::ClientIp;
use tokio::time::sleep;

const REJECTION_DELAY: Duration = Duration::from_millis(500);
/// Rejected connections of all clients whose close is delayed. Each is an open file until then.
const MAX_DELAYED: usize = 2_048;
/// The maximum of one client.
const MAX_DELAYED_PER_CLIENT: u32 = 512;

/// The connections of one router. Clones share them.
#[derive(Clone)]
pub struct Connections {
    /// `None` where all clients connect through one proxy.
    limit: Option<NonZeroU32>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    counts: HashMap<Option<IpAddr>, u32>,
    /// Rejected connections that are not closed yet.
    delayed: HashMap<Option<IpAddr>, u32>,
    /// Whether each connection counts, by the client's socket address.
    open: HashMap<SocketAddr, bool>,
}

/// An open connection, until dropped.
pub struct OpenConnection {
    peer: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// A connection that does not count, until dropped.
pub struct ExemptConnection {
    peer: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Default for Connections {
    fn default() -> Self {
        Self::new(None)
    }
}

/// A rejected connection whose close is delayed, until dropped.
struct Delayed {
    peer: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Connections {
    pub fn new(limit: Option<NonZeroU32>) -> Self {
        Self { limit, state: Arc::default() }
    }

    /// `None` when the client has reached its limit.
    fn open(&self, peer: SocketAddr) -> Option<OpenConnection> {
        let limit = self.limit.map_or(u32::MAX, NonZeroU32::get);
        let mut state = lock(&self.state);
        if state.counts.get(&client(peer)).is_some_and(|count| *count >= limit) {
            return None;
        }
        state.open.insert(peer, true);
        state.add(peer);
        Some(OpenConnection { peer, state: Arc::clone(&self.state) })
    }

    /// `None` when too many are delayed already.
    fn delay(&self, peer: SocketAddr) -> Option<Delayed> {
        let mut state = lock(&self.state);
        let all: u32 = state.delayed.values().sum();
        let of_client = state.delayed.get(&client(peer)).copied().unwrap_or_default();
        if of_client >= MAX_DELAYED_PER_CLIENT || all as usize >= MAX_DELAYED {
            return None;
        }
        *state.delayed.entry(client(peer)).or_default() += 1;
        Some(Delayed { peer, state: Arc::clone(&self.state) })
    }

    /// Excludes a connection from the count while a live operation uses it.
    pub fn exempt(&self, peer: SocketAddr) -> ExemptConnection {
        let mut state = lock(&self.state);
        if let Some(counts @ true) = state.open.get_mut(&peer) {
            *counts = false;
            state.remove(peer);
        }
        ExemptConnection { peer, state: Arc::clone(&self.state) }
    }
}

impl State {
    fn add(&mut self, peer: SocketAddr) {
        *self.counts.entry(client(peer)).or_default() += 1;
    }

    fn remove(&mut self, peer: SocketAddr) {
        decrement(&mut self.counts, peer);
    }
}

fn decrement(counts: &mut HashMap<Option<IpAddr>, u32>, peer: SocketAddr) {
    if let Entry::Occupied(mut entry) = counts.entry(client(peer)) {
        *entry.get_mut() = entry.get().saturating_sub(1);
        if *entry.get() == 0 {
            entry.remove();
        }
    }
}

impl Drop for Delayed {
    fn drop(&mut self) {
        decrement(&mut lock(&self.state).delayed, self.peer);
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        if state.open.remove(&self.peer) == Some(true) {
            state.remove(self.peer);
        }
    }
}

impl Drop for ExemptConnection {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        // The count may exceed the limit now: only new connections are rejected.
        if let Some(counts @ false) = state.open.get_mut(&self.peer) {
            *counts = true;
            state.add(self.peer);
        }
    }
}

fn client(peer: SocketAddr) -> Option<IpAddr> {
    ClientIp(Some(peer.ip().to_canonical())).network()
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S> Middleware<S, SharedCfg> for Connections {
    type Service = LimitedConnections<S>;

    fn create(&self, service: S, _: SharedCfg) -> Self::Service {
        LimitedConnections { connections: self.clone(), service }
    }
}

pub struct LimitedConnections<S> {
    connections: Connections,
    service: S,
}

impl<S: Service<Io, Response = ()>> Service<Io> for LimitedConnections<S> {
    type Response = ();
    type Error = S::Error;

    hive_router::ntex::forward_ready!(service);
    hive_router::ntex::forward_poll!(service);
    hive_router::ntex::forward_shutdown!(service);

    async fn call(&self, io: Io, ctx: ServiceCtx<'_, Self>) -> Result<(), Self::Error> {
        let Some(PeerAddr(peer)) = io.query::<PeerAddr>().get() else {
            return ctx.call(&self.service, io).await;
        };
        let Some(_open) = self.connections.open(peer) else {
            // Without a delay, a rejected client would reconnect immediately.
            if let Some(_delayed) = self.connections.delay(peer) {
                select(pin!(sleep(REJECTION_DELAY)), io.on_disconnect()).await;
            }
            // Dropping it closes it.
            return Ok(());
        };
        ctx.call(&self.service, io).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> SocketAddr {
        text.parse().expect("an address and a port")
    }

    #[test]
    fn a_client_has_so_many_and_no_more() {
        let connections = Connections::new(NonZeroU32::new(2));

        let first = connections.open(peer("192.0.2.1:1")).expect("the first");
        let second = connections.open(peer("192.0.2.1:2")).expect("the second");
        assert!(connections.open(peer("192.0.2.1:3")).is_none());
        assert!(connections.open(peer("[::ffff:192.0.2.1]:3")).is_none(), "the same client");
        assert!(connections.open(peer("192.0.2.2:1")).is_some());

        drop(first);
        assert!(connections.open(peer("192.0.2.1:3")).is_some());
        drop(second);
        assert!(lock(&connections.state).counts.is_empty());
        assert!(lock(&connections.state).open.is_empty());
    }

    #[test]
    fn what_is_live_does_not_count_while_it_is() {
        let connections = Connections::new(NonZeroU32::new(1));

        let first = connections.open(peer("192.0.2.1:1")).expect("the first");
        let live = connections.exempt(peer("192.0.2.1:1"));
        let second = connections.open(peer("192.0.2.1:2")).expect("the first is live");
        drop(live);
        assert!(connections.open(peer("192.0.2.1:3")).is_none());
        drop(second);
        assert!(connections.open(peer("192.0.2.1:3")).is_none(), "the first counts again");

        let live = connections.exempt(peer("192.0.2.1:1"));
        drop(first);
        drop(live);
        assert!(connections.open(peer("192.0.2.1:3")).is_some());
        assert!(lock(&connections.state).counts.is_empty());
    }

    #[test]
    fn so_many_rejected_ones_are_closed_late_and_no_more() {
        let connections = Connections::new(NonZeroU32::new(1));
        let delay = |client: u8, count: u32| -> Vec<_> {
            (0..count).filter_map(|_| connections.delay(SocketAddr::from(([10, 0, 0, client], 1)))).collect()
        };
        let first = delay(1, 600);
        assert_eq!(first.len(), MAX_DELAYED_PER_CLIENT as usize);
        let others: Vec<_> = (2..10).flat_map(|client| delay(client, 600)).collect();
        assert_eq!(first.len() + others.len(), MAX_DELAYED);

        drop((first, others));
        assert!(lock(&connections.state).delayed.is_empty());
        assert_eq!(delay(1, 1).len(), 1);
    }

    #[test]
    fn without_a_limit_there_is_none() {
        let connections = Connections::new(None);
        let open: Vec<_> = (1..1_000).map(|port| connections.open(SocketAddr::from(([10, 0, 0, 1], port)))).collect();

        assert!(open.iter().all(Option::is_some));
    }
}
