//! A table as the resolvers of a request read it: each kind of key by one statement for all.

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
use sqlx::query_scalar;
use uuid::Uuid;

use crate::{
    Error,
    row::{Paginated, RowId},
    scans::ScanLane,
};

/// A row that is found by its id.
pub trait FindById: Paginated {
    /// The type of its id.
    type Id: RowId;

    /// Its id.
    fn id(&self) -> Self::Id;

    /// The rows with these ids, as far as there are such, in any order.
    fn find_by_ids(db: &DbPool, ids: &[Uuid]) -> impl Future<Output = Result<Vec<Self>, sqlx::Error>> + Send;
}

/// The rows of a table. As a request's loader it finds them by their ids, and as the children of others; for further
/// keys, a subgraph implements `Loader` for its own table.
#[derive(Clone)]
pub struct Table<T: Paginated> {
    db: DbPool,
    lane: ScanLane,
    /// The columns by which rows are found without reading all others.
    indexed: Arc<HashSet<String>>,
    _rows: PhantomData<fn() -> T>,
}

impl<T: Paginated> Table<T> {
    /// The table in this database; looks which indexes it has.
    pub async fn open(db: DbPool) -> Result<Self, sqlx::Error> {
        let indexed = query_scalar(
            "select attname from pg_index join pg_attribute on attrelid = indrelid and attnum = indkey[0] \
             where indrelid = $1::regclass and indisvalid and indpred is null",
        );
        let indexed: Vec<String> = indexed.bind(T::TABLE).fetch_all(&db).await?;
        let lane = ScanLane::new(db.clone());
        Ok(Self { db, lane, indexed: Arc::new(indexed.into_iter().collect()), _rows: PhantomData })
    }

    /// The database that it is in.
    #[must_use]
    pub fn db(&self) -> &DbPool {
        &self.db
    }

    /// Where statements wait that may read all of it.
    pub(crate) fn lane(&self) -> &ScanLane {
        &self.lane
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

/// Finds a subgraph's table in a resolver's context.
pub trait TableExt {
    /// The table of these rows; what is loaded by key is loaded together with what else the request asks for.
    fn table<T: Paginated>(&self) -> &Arc<DataLoader<Table<T>>>;
}

impl TableExt for Context<'_> {
    fn table<T: Paginated>(&self) -> &Arc<DataLoader<Table<T>>> {
        self.data_unchecked()
    }
}
