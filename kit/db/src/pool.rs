//! Connections to a subgraph's database.
//!
//! sqlx's own pool tests a connection before each statement and twice after it: four round trips where one is meant. This
//! one knows whether the statement of a connection has ended, and tests what has not, or what was idle for long. And it
//! knows which thread hears of a connection's answers, and hands it to tasks of that runtime.

use std::{
    fmt, io,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use futures::{
    StreamExt as _, TryFutureExt as _, TryStreamExt as _,
    future::{BoxFuture, join_all},
    stream::{self, BoxStream},
};
use sqlx::{
    ConnectOptions as _, Connection as _, Describe, Either, Execute, Executor, PgConnection, PgPool, Postgres, SqlStr,
    postgres::{PgConnectOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use telemetry::metrics::{Wait, WaitTimer};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use crate::availability::{is_unavailable, with_timeout};

/// A server that restarts closes connections without a word; what is in constant use notices by itself.
const TEST_AFTER_IDLE: Duration = Duration::from_millis(5);
/// What a server keeps for a connection grows with what was asked on it.
const MAX_AGE: Duration = Duration::from_mins(30);
/// A connection that says nothing for so long may be busy with a statement that nobody waits for any more.
const TEST_TIMEOUT: Duration = Duration::from_millis(500);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A server that starts, or has no connection left, is asked again after this, then after twice as long, and so on.
const INITIAL_RETRY_DELAY: Duration = Duration::from_millis(10);
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// The connections of one service. Clones share them. Statements run on `&DbPool`, one by one.
#[derive(Clone)]
pub struct DbPool(Arc<Shared>);

struct Shared {
    options: PgConnectOptions,
    /// What it is called where waiting for its connections is counted.
    name: OnceLock<&'static str>,
    max: u32,
    /// How long one waits for a connection.
    acquire_timeout: Duration,
    permits: Arc<Semaphore>,
    /// The one that was used last is the last one; none once the pool is closed.
    idle: Mutex<Option<Vec<PooledConnection>>>,
}

/// An open connection.
struct PooledConnection {
    connection: PgConnection,
    runtime: RuntimeKind,
    opened: Instant,
    used: Instant,
}

/// The runtime that drives a connection. A task that waits on another runtime is woken from there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RuntimeKind {
    /// One of many threads.
    MultiThread,
    /// One of this thread alone, such as the router's.
    CurrentThread(ThreadId),
}

/// A connection of a pool, until it is dropped. Unless it was released, it is tested before somebody else gets it, and
/// closed if its statement does not end at once.
pub struct DbConnection {
    pool: DbPool,
    /// Until it is dropped.
    pooled: Option<(PooledConnection, OwnedSemaphorePermit)>,
    /// Whether its last statement has ended.
    is_released: bool,
}

/// A transaction, which is rolled back unless it is committed.
pub struct Transaction {
    connection: DbConnection,
}

impl DbPool {
    /// So many connections at most, each opened when it is needed.
    #[must_use]
    pub fn new(options: PgConnectOptions, max: u32, acquire_timeout: Duration) -> Self {
        let permits = Arc::new(Semaphore::new(max as usize));
        Self(Arc::new(Shared {
            options,
            name: OnceLock::new(),
            max,
            acquire_timeout,
            permits,
            idle: Mutex::new(Some(Vec::new())),
        }))
    }

    /// Opens so many connections.
    pub async fn open(&self, count: u32) -> Result<(), sqlx::Error> {
        for opened in join_all((0..count).map(|_| self.acquire())).await {
            opened?.release();
        }
        Ok(())
    }

    /// A connection for several statements.
    ///
    /// # Errors
    /// [`sqlx::Error::PoolTimedOut`] if no connection is free in time.
    pub async fn acquire(&self) -> Result<DbConnection, sqlx::Error> {
        let _timer = WaitTimer::start(self.name(), Wait::Connection);
        let acquired = timeout(self.0.acquire_timeout, self.wait_for_connection());
        acquired.await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    async fn wait_for_connection(&self) -> Result<DbConnection, sqlx::Error> {
        let permits = Arc::clone(&self.0.permits);
        let permit = permits.acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let pooled = self.take_or_open(RuntimeKind::here()).await?;
        Ok(DbConnection { pool: self.clone(), pooled: Some((pooled, permit)), is_released: false })
    }

    async fn take_or_open(&self, here: RuntimeKind) -> Result<PooledConnection, sqlx::Error> {
        let mut pause = INITIAL_RETRY_DELAY;
        loop {
            if let Some(mut pooled) = self.take_idle(here)?
                && pooled.is_usable(here).await
            {
                return Ok(pooled);
            }
            match self.open_one(here).await {
                Err(error) if is_starting(&error) => sleep(pause).await,
                opened => return opened,
            }
            pause = (pause * 2).min(self.0.acquire_timeout / 5);
        }
    }

    async fn open_one(&self, here: RuntimeKind) -> Result<PooledConnection, sqlx::Error> {
        let (connection, now) = (self.0.options.connect().await?, Instant::now());
        Ok(PooledConnection { connection, runtime: here, opened: now, used: now })
    }

    /// The most recently used connection of this runtime, or else any.
    fn take_idle(&self, here: RuntimeKind) -> Result<Option<PooledConnection>, sqlx::Error> {
        let mut idle = self.idle();
        let idle = idle.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        let local = idle.iter().rposition(|pooled| pooled.runtime == here);
        Ok(local.map(|index| idle.remove(index)).or_else(|| idle.pop()))
    }

    /// Begins a transaction. Whoever stops waiting for that leaves nothing open.
    pub async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        let mut transaction = Transaction { connection: self.acquire().await? };
        transaction.execute("BEGIN").await?;
        Ok(transaction)
    }

    /// A connection beside those of the pool.
    ///
    /// # Errors
    /// [`sqlx::Error::PoolTimedOut`] if the server does not answer in time.
    pub async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let connected = async {
            loop {
                match self.0.options.connect().await {
                    Err(error) if is_starting(&error) => sleep(RETRY_DELAY).await,
                    connected => return connected,
                }
            }
        };
        timeout(self.0.acquire_timeout, connected).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// Where the database is, and as whom it is asked.
    #[must_use]
    pub fn options(&self) -> &PgConnectOptions {
        &self.0.options
    }

    /// From now on, waiting for its connections is counted by this name.
    pub(crate) fn set_name(&self, name: &'static str) {
        // A pool has one name, and keeps its first.
        let _ = self.0.name.set(name);
    }

    /// What it is called where waiting for its connections is counted.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        self.0.name.get().copied()
    }

    /// How many connections it may have.
    #[must_use]
    pub fn max(&self) -> u32 {
        self.0.max
    }

    /// How many connections are in use, and how many are open and not in use.
    #[must_use]
    pub fn used_and_idle(&self) -> (usize, usize) {
        let idle = self.idle().as_ref().map_or(0, Vec::len);
        ((self.0.max as usize).saturating_sub(self.0.permits.available_permits()), idle)
    }

    /// Closes them all; those in use when they are given back.
    pub async fn close(&self) {
        self.0.permits.close();
        let idle = self.idle().take().unwrap_or_default();
        join_all(idle.into_iter().map(|pooled| with_timeout(CLOSE_TIMEOUT, pooled.connection.close()))).await;
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
            // Another one is opened here: whoever uses the threads does not need them often.
            (RuntimeKind::MultiThread, RuntimeKind::CurrentThread(_)) => return false,
            // That thread may have ended.
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

/// Whether the server is about to be there.
fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.is_transient_in_connect_phase(),
        _ => false,
    }
}

impl DbConnection {
    /// Gives it back: its last statement has ended.
    pub fn release(mut self) {
        self.is_released = true;
    }

    /// Gives it back, if it is in order after this.
    pub fn release_after<T>(self, done: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
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

    /// Closes it, with whatever it is busy with.
    pub async fn close(mut self) {
        if let Some((pooled, _permit)) = self.pooled.take() {
            let _ = with_timeout(CLOSE_TIMEOUT, pooled.connection.close()).await;
        }
    }

    /// Once `reset` has ended well it is as good as before.
    fn reset_in_background(
        &mut self,
        reset: impl for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<(), sqlx::Error>> + Send + 'static,
    ) {
        let (Some((mut pooled, permit)), Ok(runtime)) = (self.pooled.take(), Handle::try_current()) else { return };
        let pool = self.pool.clone();
        runtime.spawn(async move {
            if with_timeout(TEST_TIMEOUT, reset(&mut pooled.connection)).await.is_err() {
                // The server notices, and ends what it is busy with.
                let _ = with_timeout(CLOSE_TIMEOUT, pooled.connection.close_hard()).await;
                let Ok(another) = with_timeout(pool.0.acquire_timeout, pool.open_one(RuntimeKind::here())).await else {
                    return;
                };
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
            self.reset_in_background(|connection| Box::pin(connection.ping()));
        } else if let Some((pooled, _permit)) = self.pooled.take() {
            self.pool.return_to_pool(pooled);
        }
    }
}

impl Transaction {
    /// Makes its changes last.
    pub async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.execute("COMMIT").await?;
        self.connection.is_released = true;
        Ok(())
    }

    /// Takes its changes back.
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
            self.connection.reset_in_background(|connection| {
                Box::pin(async move {
                    connection.execute("ROLLBACK").await?;
                    Ok(())
                })
            });
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
