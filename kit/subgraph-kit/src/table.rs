//! Tables as loaders: one statement per kind of key for all resolvers of a request.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    marker::PhantomData,
    sync::Arc,
};

use async_graphql::{
    Context,
    dataloader::{DataLoader, Loader},
};
use db::DbPool;
use sqlx::{Postgres, QueryBuilder, postgres::PgRow, query_scalar};
use uuid::Uuid;

use crate::{
    Error,
    row::{Paginated, RowId},
    scans::ScanQueue,
};

/// A row that can be loaded by its id.
pub trait FindById: Paginated {
    /// The type of the id.
    type Id: RowId;

    /// The row's id.
    fn id(&self) -> Self::Id;

    /// Fetches the existing rows with these ids, in any order.
    fn find_by_ids(db: &DbPool, ids: &[Uuid]) -> impl Future<Output = Result<Vec<Self>, sqlx::Error>> + Send;
}

/// A table. As a request's loader it loads rows by id, and as children of a parent; for other keys, a subgraph
/// implements `Loader` for its own table.
#[derive(Clone)]
pub struct Table<T: Paginated> {
    db: DbPool,
    scan_queue: ScanQueue,
    /// The leading columns of its indexes.
    indexed: Arc<HashSet<String>>,
    _rows: PhantomData<fn() -> T>,
}

impl<T: Paginated> Table<T> {
    /// Opens a table, and detects its indexes.
    pub async fn open(db: DbPool) -> Result<Self, sqlx::Error> {
        let indexed = query_scalar(
            "select attname from pg_index join pg_attribute on attrelid = indrelid and attnum = indkey[0] \
             where indrelid = $1::regclass and indisvalid and indpred is null",
        );
        let indexed: Vec<String> = indexed.bind(T::TABLE).fetch_all(&db).await?;
        let scan_queue = ScanQueue::new(db.clone());
        Ok(Self { db, scan_queue, indexed: Arc::new(indexed.into_iter().collect()), _rows: PhantomData })
    }

    /// The table's database.
    #[must_use]
    pub fn db(&self) -> &DbPool {
        &self.db
    }

    /// Fetches the rows of a statement that finds them by this column. Without an index this is a full scan, which waits
    /// for its turn.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if a full scan gets no turn in time.
    pub async fn rows_by(&self, column: &str, mut sql: QueryBuilder<Postgres>) -> Result<Vec<PgRow>, Error> {
        if self.is_indexed(column) {
            Ok(sql.build().fetch_all(&self.db).await?)
        } else {
            self.scan_queue.rows(sql).await
        }
    }

    /// The queue of its full scans.
    pub(crate) fn scan_queue(&self) -> &ScanQueue {
        &self.scan_queue
    }

    pub(crate) fn is_indexed(&self, column: &str) -> bool {
        self.indexed.contains(column)
    }
}

impl<T: FindById<Id = I>, I: RowId> Loader<I> for Table<T> {
    type Value = T;
    type Error = Error;

    async fn load(&self, ids: &[I]) -> Result<HashMap<I, T>, Error> {
        let ids: Vec<Uuid> = ids.iter().map(|id| (*id).into()).collect();
        let rows = T::find_by_ids(&self.db, &ids).await?;
        Ok(rows.into_iter().map(|row| (row.id(), row)).collect())
    }
}

/// Provides a subgraph's tables in a resolver's context.
pub trait TableExt {
    /// The request's loader of these rows, which batches the keys of all resolvers.
    fn table<T: Paginated>(&self) -> &Arc<DataLoader<Table<T>>>;
}

impl TableExt for Context<'_> {
    fn table<T: Paginated>(&self) -> &Arc<DataLoader<Table<T>>> {
        self.data_unchecked()
    }
}
