//! Statements that may read a whole table: searches and counts. They have a lane of their own, so that whatever is
//! searched and counted, a pool has connections left for everything else; and each client waits behind its own.

use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_graphql::Context;
use contracts::UserId;
use db::{DbConnection, DbPool, database::CLIENT_CHECK_INTERVAL};
use futures::{
    FutureExt as _,
    future::{BoxFuture, WeakShared},
};
use sqlx::{PgConnection, Postgres, QueryBuilder, postgres::PgRow};
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

/// Connections of a pool that no search takes.
const OTHER_CONNECTIONS: u32 = 3;

tokio::task_local! {
    /// That of the request whose rows are loaded.
    static LOADING: Scan;
}

/// Whose turn it is to read a whole table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScanClient {
    /// A signed-in user, wherever they are.
    User(UserId),
    /// Anybody at a network address.
    Network(IpAddr),
    /// Whoever sends a request, where the router does not say from where.
    Request(u64),
}

/// Who reads a whole table, and until when they wait.
#[derive(Clone, Copy, Debug)]
pub struct Scan {
    client: ScanClient,
    deadline: Option<Deadline>,
}

/// The statements of one pool that may read a whole table.
#[derive(Clone)]
pub(crate) struct ScanLane {
    db: DbPool,
    queue: FairQueue<ScanClient>,
}

/// A connection of the lane. Dropped before it is given back, it takes its statement along, and its slot is free when the
/// server is done with that.
pub(crate) struct ScanConnection {
    in_use: Option<(DbConnection, Slot)>,
}

impl ScanClient {
    /// The user; without one, the network of the client; without that, the request alone.
    #[must_use]
    pub fn of(viewer: Viewer, client: ClientIp) -> Self {
        static REQUESTS: AtomicU64 = AtomicU64::new(0);
        let user = viewer.id().map(Self::User);
        let known = user.or_else(|| client.network().map(Self::Network));
        known.unwrap_or_else(|| Self::Request(REQUESTS.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Finds out for whom a resolver reads a whole table.
pub trait ScanExt {
    /// On behalf of whoever sent the request.
    fn scan(&self) -> Scan;
}

impl ScanExt for Context<'_> {
    fn scan(&self) -> Scan {
        Scan { client: *self.data_unchecked(), deadline: self.data_opt().copied() }
    }
}

impl Scan {
    /// For a request of `client`, until `deadline`.
    #[must_use]
    pub fn new(client: ScanClient, deadline: Deadline) -> Self {
        Self { client, deadline: Some(deadline) }
    }

    /// Answers a request; what is loaded meanwhile is loaded on its behalf.
    pub async fn answer<T>(self, answer: impl Future<Output = T>) -> T {
        LOADING.scope(self, answer).await
    }

    /// That of the request whose rows are loaded. An event's are loaded on nobody's behalf.
    pub(crate) fn loading() -> Self {
        let nobody = || Self { client: ScanClient::of(Viewer::Anonymous, ClientIp(None)), deadline: None };
        LOADING.try_with(|scan| *scan).unwrap_or_else(|_| nobody())
    }

    pub(crate) fn client(self) -> ScanClient {
        self.client
    }

    /// Waits for as long as leaves the rest of the request some time.
    pub(crate) async fn within_deadline<T>(self, scan: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let Some(deadline) = self.deadline else { return scan.await };
        let scan = timeout(deadline.time_left_for_scan(), Box::pin(scan));
        scan.await.unwrap_or_else(|late| Err(Error::Unavailable(Arc::new(late))))
    }
}

impl ScanLane {
    /// That of a pool.
    pub(crate) fn new(db: DbPool) -> Self {
        let slots = db.max().saturating_sub(OTHER_CONNECTIONS).max(1);
        Self { db, queue: FairQueue::new(slots as usize) }
    }

    /// A connection for one statement, when it is this client's turn.
    pub(crate) async fn connection(&self, client: ScanClient) -> Result<ScanConnection, Error> {
        let waiting = WaitTimer::start(self.db.name(), Wait::Scan);
        let slot = self.queue.acquire(client).await;
        drop(waiting);
        Ok(ScanConnection { in_use: Some((self.db.acquire().await?, slot)) })
    }

    /// The rows of a statement, when it is its client's turn.
    pub(crate) async fn rows(&self, mut sql: QueryBuilder<Postgres>) -> Result<Vec<PgRow>, Error> {
        let scan = Scan::loading();
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
        let (connection, _) = self.in_use.as_mut().expect("it is in use until it is given back or dropped");
        connection
    }

    /// Gives it back, since its statement has ended like this.
    pub(crate) fn release_after<T>(mut self, done: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        let (connection, _slot) = self.in_use.take().expect("it is in use until it is given back or dropped");
        connection.release_after(done)
    }
}

impl Drop for ScanConnection {
    fn drop(&mut self) {
        let (Some((connection, slot)), Ok(runtime)) = (self.in_use.take(), Handle::try_current()) else { return };
        runtime.spawn(async move {
            // The server looks every so often whether its client is still there, and ends the statement.
            connection.close().await;
            sleep(CLIENT_CHECK_INTERVAL).await;
            drop(slot);
        });
    }
}

/// What several wait for at the same moment is done once.
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

    /// Joins whoever waits for the same, or begins. It ends when nobody waits any more.
    pub(crate) async fn run<F>(&self, key: K, begin: impl FnOnce() -> F) -> Result<V, Error>
    where
        F: Future<Output = Result<V, Error>> + Send + 'static,
    {
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            flights.retain(|_, flight| flight.upgrade().is_some());
            let under_way = flights.get(&key).and_then(WeakShared::upgrade);
            under_way.unwrap_or_else(|| {
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
    async fn what_is_asked_for_at_the_same_moment_is_done_once() {
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
