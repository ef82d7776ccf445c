//! Full scans: searches and counts, which may read a whole table. They have a separate queue with limited concurrency,
//! so that a pool has connections left for other statements, and each client has one scan at a time.

use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_graphql::Context;
use contracts::UserId;
use db::{DbConnection, DbPool, availability::with_timeout, database::CLIENT_CHECK_INTERVAL};
use futures::{
    FutureExt as _,
    future::{BoxFuture, WeakShared},
};
use sqlx::{Connection as _, PgConnection, Postgres, QueryBuilder, postgres::PgRow};
use telemetry::metrics::{Wait, WaitTimer};
use tokio::{
    runtime::Handle,
    time::{sleep, timeout},
};

use crate::{
    ClientIp, Error, Viewer,
    fair_queue::{FairQueue, Slot},
    timeouts::Deadline,
};

/// Connections of a pool that are reserved for other statements.
const OTHER_CONNECTIONS: u32 = 3;
/// The time that an abandoned statement has to end, before it is cancelled.
const ABANDONED_TIMEOUT: Duration = Duration::from_millis(50);

tokio::task_local! {
    /// The scan context of the request whose rows are loaded.
    static CURRENT: ScanContext;
}

/// The client on whose behalf a table is scanned: full scans are queued per client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScanClient {
    /// A signed-in user, from any address.
    User(UserId),
    /// Anonymous clients of a network.
    Network(IpAddr),
    /// A single request, if its client's address is unknown.
    Request(u64),
}

/// The client of a full scan, and its deadline.
#[derive(Clone, Copy, Debug)]
pub struct ScanContext {
    client: ScanClient,
    deadline: Option<Deadline>,
}

/// The queue of one pool's full scans.
#[derive(Clone)]
pub(crate) struct ScanQueue {
    db: DbPool,
    queue: FairQueue<ScanClient>,
}

/// A connection of a full scan. If it is dropped before its release, its statement is cancelled unless it ends soon,
/// and its slot is released once the statement has ended.
pub(crate) struct ScanConnection {
    in_use: Option<(DbConnection, Slot)>,
}

impl ScanClient {
    /// The viewer's user; if anonymous, the client's network; if unknown, the request.
    #[must_use]
    pub fn of(viewer: Viewer, client: ClientIp) -> Self {
        static REQUESTS: AtomicU64 = AtomicU64::new(0);
        let user = viewer.id().map(Self::User);
        let known = user.or_else(|| client.network().map(Self::Network));
        known.unwrap_or_else(|| Self::Request(REQUESTS.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Provides the scan context of a resolver's request.
pub trait ScanExt {
    /// The context of a full scan on behalf of the request's client.
    fn scan(&self) -> ScanContext;
}

impl ScanExt for Context<'_> {
    fn scan(&self) -> ScanContext {
        ScanContext { client: *self.data_unchecked(), deadline: self.data_opt().copied() }
    }
}

impl ScanContext {
    /// The context of a request of `client`, until `deadline`.
    #[must_use]
    pub fn new(client: ScanClient, deadline: Deadline) -> Self {
        Self { client, deadline: Some(deadline) }
    }

    /// Runs a request; loads within it scan on behalf of its client.
    pub async fn scope<T>(self, request: impl Future<Output = T>) -> T {
        CURRENT.scope(self, request).await
    }

    /// The scan context of the request whose rows are loaded. A subscription's events have no client and no deadline.
    pub(crate) fn current() -> Self {
        let unknown_client = || Self { client: ScanClient::of(Viewer::Anonymous, ClientIp(None)), deadline: None };
        CURRENT.try_with(|scan| *scan).unwrap_or_else(|_| unknown_client())
    }

    pub(crate) fn client(self) -> ScanClient {
        self.client
    }

    /// Runs a scan with a timeout that leaves time for the rest of the request.
    pub(crate) async fn within_deadline<T>(self, scan: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let Some(deadline) = self.deadline else { return scan.await };
        let scan = timeout(deadline.time_left_for_scan(), Box::pin(scan));
        scan.await.unwrap_or_else(|late| Err(Error::Unavailable(Arc::new(late))))
    }
}

impl ScanQueue {
    /// The queue of a pool.
    pub(crate) fn new(db: DbPool) -> Self {
        let slots = db.max().saturating_sub(OTHER_CONNECTIONS).max(1);
        Self { db, queue: FairQueue::new(slots as usize) }
    }

    /// Waits for the client's turn, and acquires a connection for one statement.
    pub(crate) async fn connection(&self, client: ScanClient) -> Result<ScanConnection, Error> {
        let waiting = WaitTimer::start(self.db.name(), Wait::Scan);
        let slot = self.queue.acquire(client).await;
        drop(waiting);
        Ok(ScanConnection { in_use: Some((self.db.acquire().await?, slot)) })
    }

    /// Waits for the client's turn, and fetches a statement's rows.
    pub(crate) async fn rows(&self, mut sql: QueryBuilder<Postgres>) -> Result<Vec<PgRow>, Error> {
        let scan = ScanContext::current();
        let rows = async {
            let mut connection = self.connection(scan.client()).await?;
            let rows = sql.build().fetch_all(connection.get()).await;
            Ok(connection.release_after(rows)?)
        };
        scan.within_deadline(Box::pin(rows)).await
    }
}

impl ScanConnection {
    pub(crate) fn get(&mut self) -> &mut PgConnection {
        let (connection, _) = self.in_use.as_mut().expect("it is in use until it is released or dropped");
        connection
    }

    /// Releases the connection after its statement, with this outcome.
    pub(crate) fn release_after<T>(mut self, done: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        let (connection, _slot) = self.in_use.take().expect("it is in use until it is released or dropped");
        connection.release_after(done)
    }
}

impl Drop for ScanConnection {
    fn drop(&mut self) {
        let (Some((mut connection, slot)), Ok(runtime)) = (self.in_use.take(), Handle::try_current()) else { return };
        runtime.spawn(async move {
            if with_timeout(ABANDONED_TIMEOUT, connection.ping()).await.is_ok() {
                connection.release();
            } else {
                // The server notices within this interval, and cancels the statement.
                connection.close().await;
                sleep(CLIENT_CHECK_INTERVAL).await;
            }
            drop(slot);
        });
    }
}

/// Deduplicates concurrent calls with the same key.
pub(crate) struct SingleFlight<K, V> {
    flights: Arc<Mutex<HashMap<K, Flight<V>>>>,
}

type Flight<V> = WeakShared<BoxFuture<'static, Result<V, Error>>>;

impl<K, V> Clone for SingleFlight<K, V> {
    fn clone(&self) -> Self {
        Self { flights: Arc::clone(&self.flights) }
    }
}

impl<K: Eq + Hash, V: Clone> SingleFlight<K, V> {
    pub(crate) fn new() -> Self {
        Self { flights: Arc::default() }
    }

    /// Joins the call in flight with this key, or begins one. It is cancelled when no caller waits for it.
    pub(crate) async fn run<F>(&self, key: K, begin: impl FnOnce() -> F) -> Result<V, Error>
    where
        F: Future<Output = Result<V, Error>> + Send + 'static,
    {
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            flights.retain(|_, flight| flight.upgrade().is_some());
            let in_flight = flights.get(&key).and_then(WeakShared::upgrade);
            in_flight.unwrap_or_else(|| {
                let flight = begin().boxed().shared();
                if let Some(weak) = flight.downgrade() {
                    flights.insert(key, weak);
                }
                flight
            })
        };
        flight.await
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn concurrent_calls_with_one_key_run_once() {
        let flights = SingleFlight::new();
        let done = Arc::new(AtomicU64::new(0));
        let ask = |question: &'static str| {
            let done = Arc::clone(&done);
            flights.run(question, move || async move {
                tokio::task::yield_now().await;
                Ok(done.fetch_add(1, Ordering::Relaxed))
            })
        };

        let answers = join_all(["a", "a", "b", "a"].map(ask)).await;
        assert_eq!(done.load(Ordering::Relaxed), 2);
        assert_eq!(answers.len(), 4);

        ask("a").await.expect("an answer");
        assert_eq!(done.load(Ordering::Relaxed), 3, "an answer is not kept");
    }

    #[test]
    fn a_client_is_a_user_then_a_network_then_a_request() {
        let user = Viewer::SignedIn {
            id: UserId(uuid::Uuid::nil()),
            role: contracts::claims::Role::Student,
            is_verified: false,
        };
        let here = ClientIp("2001:db8::1".parse().ok());
        let next_door = ClientIp("2001:db8::2".parse().ok());

        assert_eq!(ScanClient::of(user, here), ScanClient::of(user, ClientIp(None)));
        assert_eq!(ScanClient::of(Viewer::Anonymous, here), ScanClient::of(Viewer::Anonymous, next_door));
        assert_ne!(
            ScanClient::of(Viewer::Anonymous, ClientIp(None)),
            ScanClient::of(Viewer::Anonymous, ClientIp(None))
        );
    }
}
