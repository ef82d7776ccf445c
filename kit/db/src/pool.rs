//! The connection pool of a subgraph's database.
//!
//! sqlx's own pool tests a connection before each statement and twice after it: four round trips instead of one. This
//! one tracks whether a connection's statement has ended, and tests only connections whose statement has not, or that
//! were idle. It also tracks the runtime that drives a connection, and prefers tasks of that runtime.

use std::{
    fmt, io,
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use futures::{
    StreamExt as _, TryFutureExt as _, TryStreamExt as _,
    future::{BoxFuture, join_all},
    stream::{self, BoxStream},
};
use sqlx::{
    Connection as _, Describe, Either, Execute, Executor, PgConnection, PgPool, Postgres, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use telemetry::metrics::{Wait, WaitTimer};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use crate::{
    Address,
    address::{is_read_only, is_rejected_as_read_only, require_writable, roll_back_and_require_writable},
    availability::{is_unavailable, with_timeout},
};

/// The idle time after which a connection is tested: a restarted server closes connections silently.
const TEST_AFTER_IDLE: Duration = Duration::from_millis(5);
/// The maximum age of a connection: the server's memory for it grows with use.
const MAX_AGE: Duration = Duration::from_mins(30);
/// The timeout of a test: a connection that exceeds it may be busy with an abandoned statement.
const TEST_TIMEOUT: Duration = Duration::from_millis(500);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The delay before the first retry with a server that starts or has no connection left; doubled each time.
const INITIAL_RETRY_DELAY: Duration = Duration::from_millis(10);
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// A service's connection pool, shared by its clones. Single statements run on `&DbPool`.
#[derive(Clone)]
pub struct DbPool(Arc<Shared>);

struct Shared {
    address: Address,
    /// The name in metrics.
    name: OnceLock<&'static str>,
    max: u32,
    /// The timeout of acquiring a connection.
    acquire_timeout: Duration,
    permits: Arc<Semaphore>,
    /// Idle connections, the most recently used last; `None` once the pool is closed.
    idle: Mutex<Option<Vec<PooledConnection>>>,
    outage: Outage,
}

/// Whether the server was not reached for a whole timeout. Then nobody else waits as long for it.
#[derive(Default)]
struct Outage {
    is_on: AtomicBool,
    /// The last attempt that has failed meanwhile, locked by the one that is being made.
    last: tokio::sync::Mutex<Option<FailedAttempt>>,
}

struct FailedAttempt {
    at: Instant,
    kind: io::ErrorKind,
    message: String,
    /// How many attempts in a row the server has not answered in time.
    timeouts: u32,
}

impl FailedAttempt {
    fn new(error: &io::Error, before: Option<&Self>) -> Self {
        let is_timeout = error.kind() == io::ErrorKind::TimedOut;
        let timeouts = if is_timeout { before.map_or(0, |before| before.timeouts) + 1 } else { 0 };
        Self { at: Instant::now(), kind: error.kind(), message: error.to_string(), timeouts }
    }
}

/// An open connection.
struct PooledConnection {
    connection: PgConnection,
    runtime: RuntimeKind,
    opened: Instant,
    used: Instant,
}

/// The runtime that drives a connection, and wakes tasks of other runtimes that wait for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RuntimeKind {
    /// A multi-threaded runtime.
    MultiThread,
    /// A runtime of this thread only, such as the router's.
    CurrentThread(ThreadId),
}

/// A connection of a pool, until it is dropped. Unless it was released, it is tested before reuse, and closed if its
/// statement does not end soon.
pub struct DbConnection {
    pool: DbPool,
    /// `None` once dropped or closed.
    pooled: Option<(PooledConnection, OwnedSemaphorePermit)>,
    /// Whether its last statement has ended.
    is_released: bool,
    /// Whether the server has rejected a change.
    may_be_read_only: bool,
}

/// A transaction, which is rolled back unless it is committed.
pub struct Transaction {
    connection: DbConnection,
}

impl DbPool {
    /// A pool of up to `max` connections, opened on demand.
    #[must_use]
    pub fn new(address: impl Into<Address>, max: u32, acquire_timeout: Duration) -> Self {
        let permits = Arc::new(Semaphore::new(max as usize));
        Self(Arc::new(Shared {
            address: address.into(),
            name: OnceLock::new(),
            max,
            acquire_timeout,
            permits,
            idle: Mutex::new(Some(Vec::new())),
            outage: Outage::default(),
        }))
    }

    /// Opens `count` connections.
    pub async fn open(&self, count: u32) -> Result<(), sqlx::Error> {
        for opened in join_all((0..count).map(|_| self.acquire())).await {
            opened?.release();
        }
        Ok(())
    }

    /// Acquires a connection for several statements.
    ///
    /// # Errors
    /// [`sqlx::Error::PoolTimedOut`] if no connection is free in time.
    pub async fn acquire(&self) -> Result<DbConnection, sqlx::Error> {
        let _timer = WaitTimer::start(self.name(), Wait::Connection);
        let mut is_connecting = false;
        let acquired = timeout(self.0.acquire_timeout, self.wait_for_connection(&mut is_connecting)).await;
        if acquired.is_err() && is_connecting {
            self.0.outage.is_on.store(true, Ordering::Relaxed);
        }
        acquired.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    async fn wait_for_connection(&self, is_connecting: &mut bool) -> Result<DbConnection, sqlx::Error> {
        let (permits, asked) = (Arc::clone(&self.0.permits), Instant::now());
        let permit = permits.acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let pooled = self.take_or_open(RuntimeKind::here(), asked, is_connecting).await?;
        Ok(DbConnection {
            pool: self.clone(),
            pooled: Some((pooled, permit)),
            is_released: false,
            may_be_read_only: false,
        })
    }

    async fn take_or_open(
        &self,
        here: RuntimeKind,
        asked: Instant,
        is_connecting: &mut bool,
    ) -> Result<PooledConnection, sqlx::Error> {
        let mut pause = INITIAL_RETRY_DELAY;
        loop {
            if let Some(mut pooled) = self.take_idle(here)?
                && pooled.is_usable(here).await
            {
                return Ok(pooled);
            }
            if self.0.outage.is_on.load(Ordering::Relaxed) {
                return self.open_one_in_outage(here, asked).await;
            }
            *is_connecting = true;
            match self.open_one(here, self.0.acquire_timeout).await {
                Err(error) if is_starting(&error) => {
                    // One that has no connection left is there.
                    *is_connecting = matches!(error, sqlx::Error::Io(_));
                    sleep(pause).await;
                }
                opened => return opened,
            }
            pause = (pause * 2).min(self.0.acquire_timeout / 5);
        }
    }

    /// Tries once, with a shorter timeout, one request at a time: those that have waited for an attempt share its outcome.
    /// Each third timeout in a row is as long as usual, for a server that is slow, not unavailable.
    async fn open_one_in_outage(&self, here: RuntimeKind, asked: Instant) -> Result<PooledConnection, sqlx::Error> {
        let outage = &self.0.outage;
        let mut last = outage.last.lock().await;
        if let Some(failed) = last.as_ref().filter(|failed| failed.at >= asked) {
            return Err(io::Error::new(failed.kind, failed.message.clone()).into());
        }
        // All servers of the address have a share of it.
        let is_third = last.as_ref().is_some_and(|last| last.timeouts % 3 == 2);
        let limit = if is_third { self.0.acquire_timeout } else { self.0.acquire_timeout / 3 };
        let opened = with_timeout(limit, self.open_one(here, limit)).await;
        *last = if let Err(sqlx::Error::Io(error)) = &opened {
            Some(FailedAttempt::new(error, last.as_ref()))
        } else {
            outage.is_on.store(false, Ordering::Relaxed);
            None
        };
        opened
    }

    async fn open_one(&self, here: RuntimeKind, limit: Duration) -> Result<PooledConnection, sqlx::Error> {
        let (connection, now) = (self.0.address.connect(limit).await?, Instant::now());
        Ok(PooledConnection { connection, runtime: here, opened: now, used: now })
    }

    /// The most recently used connection of this runtime, or else any.
    fn take_idle(&self, here: RuntimeKind) -> Result<Option<PooledConnection>, sqlx::Error> {
        let mut idle = self.idle();
        let idle = idle.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        let local = idle.iter().rposition(|pooled| pooled.runtime == here);
        Ok(local.map(|index| idle.remove(index)).or_else(|| idle.pop()))
    }

    /// Begins a transaction. Cancellation-safe: a dropped future leaves no open transaction.
    pub async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        let mut transaction = Transaction { connection: self.acquire().await? };
        transaction.execute("BEGIN").await?;
        Ok(transaction)
    }

    /// Opens a connection outside the pool, and without a pooler.
    ///
    /// # Errors
    /// [`sqlx::Error::PoolTimedOut`] if the server does not accept it in time.
    pub async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let connected = async {
            loop {
                match self.0.address.direct().connect(self.0.acquire_timeout).await {
                    Err(error) if is_starting(&error) => sleep(RETRY_DELAY).await,
                    connected => return connected,
                }
            }
        };
        timeout(self.0.acquire_timeout, connected).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// The database's address, and the role.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// How long acquiring a connection may take.
    pub(crate) fn acquire_timeout(&self) -> Duration {
        self.0.acquire_timeout
    }

    /// Sets the pool's name in metrics.
    pub(crate) fn set_name(&self, name: &'static str) {
        // The first name is kept.
        let _ = self.0.name.set(name);
    }

    /// The name in metrics, if it is observed.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        self.0.name.get().copied()
    }

    /// The maximum number of connections.
    #[must_use]
    pub fn max(&self) -> u32 {
        self.0.max
    }

    /// The numbers of used and of idle connections.
    #[must_use]
    pub fn used_and_idle(&self) -> (usize, usize) {
        let idle = self.idle().as_ref().map_or(0, Vec::len);
        ((self.0.max as usize).saturating_sub(self.0.permits.available_permits()), idle)
    }

    /// Closes the pool: idle connections immediately, used ones when they are released.
    pub async fn close(&self) {
        self.0.permits.close();
        let idle = self.idle().take().unwrap_or_default();
        join_all(idle.into_iter().map(|pooled| with_timeout(CLOSE_TIMEOUT, pooled.connection.close()))).await;
    }

    /// Checks that the server can be written to. If not, it is a former primary: the idle connections to it are closed,
    /// and the next ones are opened to where the address leads by then.
    ///
    /// # Errors
    /// [`sqlx::Error::Io`] if the server is read-only, or unavailable.
    pub async fn check_writable(&self, limit: Duration) -> Result<(), sqlx::Error> {
        with_timeout(limit, async {
            let mut connection = self.acquire().await?;
            match require_writable(&mut *connection).await {
                Ok(()) => connection.release(),
                Err(error) => {
                    connection.close().await;
                    self.close_idle();
                    return Err(error);
                }
            }
            Ok(())
        })
        .await
    }

    /// Closes the idle connections.
    pub fn close_idle(&self) {
        // Dropped outside the lock.
        let _idle = self.idle().as_mut().map(std::mem::take);
    }

    fn return_to_pool(&self, mut pooled: PooledConnection) {
        pooled.used = Instant::now();
        if pooled.opened.elapsed() > MAX_AGE {
            return;
        }
        if let Some(idle) = self.idle().as_mut() {
            idle.push(pooled);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<PooledConnection>>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PooledConnection {
    async fn is_usable(&mut self, here: RuntimeKind) -> bool {
        match (self.runtime, here) {
            // Another one is opened here: the multi-threaded runtime rarely needs its own.
            (RuntimeKind::MultiThread, RuntimeKind::CurrentThread(_)) => return false,
            // The connection's thread may have ended.
            (RuntimeKind::CurrentThread(_), RuntimeKind::MultiThread) => {}
            _ if self.used.elapsed() <= TEST_AFTER_IDLE => return true,
            _ => {}
        }
        with_timeout(TEST_TIMEOUT, self.connection.ping()).await.is_ok()
    }
}

impl RuntimeKind {
    fn here() -> Self {
        match Handle::current().runtime_flavor() {
            RuntimeFlavor::CurrentThread => Self::CurrentThread(thread::current().id()),
            _ => Self::MultiThread,
        }
    }
}

impl From<PgPool> for DbPool {
    fn from(pool: PgPool) -> Self {
        Self::from(&pool)
    }
}

impl From<&PgPool> for DbPool {
    fn from(pool: &PgPool) -> Self {
        let (address, options) = (pool.connect_options(), pool.options());
        Self::new(address.as_ref().clone(), options.get_max_connections(), options.get_acquire_timeout())
    }
}

impl From<&Self> for DbPool {
    fn from(pool: &Self) -> Self {
        pool.clone()
    }
}

impl fmt::Debug for DbPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DbPool").field(&self.used_and_idle()).finish()
    }
}

/// Whether the server may be starting, so that a retry can succeed.
fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.is_transient_in_connect_phase(),
        _ => false,
    }
}

impl DbConnection {
    /// Returns the connection to the pool untested: its last statement has ended.
    pub fn release(mut self) {
        self.is_released = true;
    }

    /// Releases the connection if this outcome leaves it usable.
    pub fn release_after<T>(mut self, done: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.may_be_read_only = done.as_ref().err().is_some_and(is_rejected_as_read_only);
        let is_in_order = match &done {
            Ok(_) | Err(sqlx::Error::RowNotFound) => true,
            // The statement's fault, not the connection's.
            Err(error @ sqlx::Error::Database(_)) => !is_unavailable(error),
            Err(_) => false,
        };
        if is_in_order {
            self.release();
        }
        done
    }

    /// Closes the connection, even during a statement.
    pub async fn close(mut self) {
        if let Some((pooled, _permit)) = self.pooled.take() {
            let _ = with_timeout(CLOSE_TIMEOUT, pooled.connection.close()).await;
        }
    }

    /// Returns the connection to the pool once `reset` succeeds; otherwise replaces it.
    fn reset_in_background(
        &mut self,
        reset: impl for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<(), sqlx::Error>> + Send + 'static,
    ) {
        let (Some((mut pooled, permit)), Ok(runtime)) = (self.pooled.take(), Handle::try_current()) else { return };
        let pool = self.pool.clone();
        runtime.spawn(async move {
            if let Err(error) = with_timeout(TEST_TIMEOUT, reset(&mut pooled.connection)).await {
                if is_read_only(&error) {
                    pool.close_idle();
                }
                // The server notices, and cancels the statement.
                let _ = with_timeout(CLOSE_TIMEOUT, pooled.connection.close_hard()).await;
                let limit = pool.0.acquire_timeout;
                let Ok(another) = with_timeout(limit, pool.open_one(RuntimeKind::here(), limit)).await else { return };
                pool.0.outage.is_on.store(false, Ordering::Relaxed);
                pooled = another;
            }
            pool.return_to_pool(pooled);
            drop(permit);
        });
    }
}

impl Deref for DbConnection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        let (pooled, _) = self.pooled.as_ref().expect("it is there until it is dropped");
        &pooled.connection
    }
}

impl DerefMut for DbConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        let (pooled, _) = self.pooled.as_mut().expect("it is there until it is dropped");
        &mut pooled.connection
    }
}

impl Drop for DbConnection {
    fn drop(&mut self) {
        if !self.is_released {
            let may_be_read_only = self.may_be_read_only;
            self.reset_in_background(move |connection| {
                if may_be_read_only { Box::pin(require_writable(connection)) } else { Box::pin(connection.ping()) }
            });
        } else if let Some((pooled, _permit)) = self.pooled.take() {
            self.pool.return_to_pool(pooled);
        }
    }
}

impl Transaction {
    /// Commits the transaction.
    pub async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.execute("COMMIT").await?;
        self.connection.is_released = true;
        Ok(())
    }

    /// Rolls the transaction back.
    pub async fn rollback(mut self) -> Result<(), sqlx::Error> {
        self.execute("ROLLBACK").await?;
        self.connection.is_released = true;
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.connection.is_released {
            self.connection.reset_in_background(|connection| Box::pin(roll_back_and_require_writable(connection)));
        }
    }
}

type Step = Either<PgQueryResult, PgRow>;

impl<'p> Executor<'p> for &'p DbPool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let steps = async move {
            let mut connection = self.acquire().await?;
            let steps = connection.fetch_many(query).try_collect::<Vec<Step>>().await;
            connection.release_after(steps)
        };
        steps.map_ok(|steps| stream::iter(steps.into_iter().map(Ok))).try_flatten_stream().boxed()
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<PgRow>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(async move {
            let mut connection = self.acquire().await?;
            let found = connection.fetch_all(query).await;
            connection.release_after(found)
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(async move {
            let mut connection = self.acquire().await?;
            let found = connection.fetch_optional(query).await;
            connection.release_after(found)
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>>
    where
        'p: 'e,
    {
        Box::pin(async move {
            let mut connection = self.acquire().await?;
            let prepared = connection.prepare_with(sql, parameters).await;
            connection.release_after(prepared)
        })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, sqlx::Error>>
    where
        'p: 'e,
    {
        Box::pin(async move {
            let mut connection = self.acquire().await?;
            let described = connection.describe(sql).await;
            connection.release_after(described)
        })
    }
}
