//! Keyset pagination of a table. The statements are built at run time, because direction, order and filters vary; table
//! and column names are constants of the row type.

use std::hash::Hash;

use db::DbPool;
use sqlx::{Postgres, QueryBuilder, query};

use crate::{
    Error,
    page::{Direction, PageArgs},
    row::Paginated,
    scans::{ScanClient, ScanContext, ScanQueue, SingleFlight},
    table::Table,
};

/// A row type whose whole table can be listed.
pub trait Listable: Paginated {
    /// The filter of the list.
    type Filter: Filter;
    /// The proof that the viewer may list the rows.
    type Proof;
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The newest first.
    NewestFirst,
    /// The oldest first.
    OldestFirst,
}

/// The columns that order a table's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortKey {
    /// Every id is a `UUIDv7` of its row's time, so the primary key alone is the order, without another index.
    Id,
    /// Some ids are not (an imported database), so the time column decides.
    TimeAndId,
}

impl SortKey {
    /// Detects whether every id contains its row's time.
    pub(crate) async fn detect<T: Paginated>(db: &DbPool) -> Result<Self, sqlx::Error> {
        let mut sql = QueryBuilder::<Postgres>::new(format!(
            "select exists (select from {} where substr(replace(id::text, '-', ''), 1, 13) \
             <> lpad(to_hex((extract(epoch from {}) * 1000)::bigint), 12, '0') || '7')",
            T::TABLE,
            T::TIME_COLUMN,
        ));
        // A full scan.
        let mut transaction = db.begin().await?;
        query("set local statement_timeout = 0").execute(&mut *transaction).await?;
        let has_others: bool = sql.build_query_scalar().fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(if has_others { Self::TimeAndId } else { Self::Id })
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows, in the list's order whichever end the page was counted from.
    pub rows: Vec<T>,
    /// Whether the list has rows before the page.
    pub has_previous: bool,
    /// Whether the list has rows after the page.
    pub has_next: bool,
}

impl<T> Page<T> {
    pub(crate) fn new(mut rows: Vec<T>, args: &PageArgs) -> Self {
        let has_more = rows.len() > usize::from(args.size);
        rows.truncate(usize::from(args.size));
        match args.direction {
            Direction::Forward => Self { rows, has_previous: args.after.is_some(), has_next: has_more },
            Direction::Backward => {
                rows.reverse();
                Self { rows, has_previous: has_more, has_next: args.before.is_some() }
            }
        }
    }
}

/// A filter of rows, as SQL conditions.
pub trait Filter: Clone + Eq + Hash + Send + Sync + 'static {
    /// Adds the conditions to a statement, each after ` and `.
    fn push(&self, sql: &mut QueryBuilder<Postgres>);

    /// The columns to select for a page.
    fn columns<T: Paginated>(&self) -> &'static str {
        T::COLUMNS
    }

    /// The filter of a count: filters that differ only in their columns are equal.
    #[must_use]
    fn without_columns(&self) -> Self {
        self.clone()
    }

    /// Whether a page may need a full scan, because few rows pass.
    fn may_need_full_scan(&self) -> bool {
        false
    }
}

impl Filter for () {
    fn push(&self, _: &mut QueryBuilder<Postgres>) {}
}

/// A list of all rows of a table. Full scans are queued, and shared by equal concurrent requests of a client.
#[derive(Clone)]
pub struct List<T: Listable> {
    db: DbPool,
    sort_key: SortKey,
    scan_queue: ScanQueue,
    pages: SingleFlight<(ScanClient, Order, T::Filter, PageArgs), Page<T>>,
    counts: SingleFlight<(ScanClient, T::Filter), i64>,
}

impl<T: Listable> List<T> {
    /// Opens the list of a table, and detects its sort key.
    pub async fn open(table: &Table<T>) -> Result<Self, sqlx::Error> {
        let (db, scan_queue) = (table.db().clone(), table.scan_queue().clone());
        let sort_key = SortKey::detect::<T>(&db).await?;
        Ok(Self { db, sort_key, scan_queue, pages: SingleFlight::new(), counts: SingleFlight::new() })
    }

    /// Fetches a page of the rows that pass the filter.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if a full scan gets no turn in time.
    pub(crate) async fn page(
        &self,
        scan: ScanContext,
        order: Order,
        filter: &T::Filter,
        args: &PageArgs,
    ) -> Result<Page<T>, Error> {
        if !filter.may_need_full_scan() {
            let rows = page_sql::<T>(self.sort_key, order, filter, args).build_query_as().fetch_all(&self.db).await?;
            return Ok(Page::new(rows, args));
        }
        let key = (scan.client(), order, filter.clone(), *args);
        let (scan_queue, sort_key) = (self.scan_queue.clone(), self.sort_key);
        let begin = |(client, order, filter, args): (ScanClient, Order, T::Filter, PageArgs)| async move {
            let mut connection = scan_queue.connection(client).await?;
            let rows =
                page_sql::<T>(sort_key, order, &filter, &args).build_query_as().fetch_all(connection.get()).await;
            Ok(Page::new(connection.release_after(rows)?, &args))
        };
        scan.within_deadline(self.pages.run(key.clone(), || begin(key))).await
    }

    /// Counts the rows that pass the filter.
    pub(crate) async fn count(&self, scan: ScanContext, filter: &T::Filter) -> Result<i64, Error> {
        let key = (scan.client(), filter.without_columns());
        let scan_queue = self.scan_queue.clone();
        let begin = |(client, filter): (ScanClient, T::Filter)| async move {
            let mut connection = scan_queue.connection(client).await?;
            let count = count_sql::<T>(&filter).build_query_scalar().fetch_one(connection.get()).await;
            Ok(connection.release_after(count)?)
        };
        self.counts.run(key.clone(), || begin(key)).await
    }
}

fn page_sql<T: Paginated>(key: SortKey, order: Order, filter: &impl Filter, args: &PageArgs) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(format!("select {} from {} where true", filter.columns::<T>(), T::TABLE));
    filter.push(&mut sql);
    push_keyset::<T>(&mut sql, key, order, args);
    push_order::<T>(&mut sql, key, order, args);
    sql.push(" limit ").push_bind(rows_to_read(args));
    sql
}

fn count_sql<T: Paginated>(filter: &impl Filter) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(format!("select count(*) from {} where true", T::TABLE));
    filter.push(&mut sql);
    sql
}

/// Adds the keyset's conditions.
pub(crate) fn push_keyset<T: Paginated>(sql: &mut QueryBuilder<Postgres>, key: SortKey, order: Order, args: &PageArgs) {
    let (beyond_after, beyond_before) = match order {
        Order::NewestFirst => ("<", ">"),
        Order::OldestFirst => (">", "<"),
    };
    for (cursor, comparison) in [(args.after, beyond_after), (args.before, beyond_before)] {
        let Some(cursor) = cursor else { continue };
        match key {
            SortKey::Id => sql.push(format_args!(" and id {comparison} ")).push_bind(cursor.id),
            SortKey::TimeAndId => sql
                .push(format_args!(" and ({}, id) {comparison} (", T::TIME_COLUMN))
                .push_bind(cursor.time)
                .push(", ")
                .push_bind(cursor.id)
                .push(")"),
        };
    }
}

/// Adds the keyset's `order by`.
pub(crate) fn push_order<T: Paginated>(sql: &mut QueryBuilder<Postgres>, key: SortKey, order: Order, args: &PageArgs) {
    let direction = if is_descending(order, args.direction) { "desc" } else { "asc" };
    match key {
        SortKey::Id => sql.push(format_args!(" order by id {direction}")),
        SortKey::TimeAndId => sql.push(format_args!(" order by {} {direction}, id {direction}", T::TIME_COLUMN)),
    };
}

/// One row more than requested, to detect whether the list continues.
pub(crate) fn rows_to_read(args: &PageArgs) -> i64 {
    i64::from(args.size) + 1
}

pub(crate) fn is_descending(order: Order, direction: Direction) -> bool {
    (order == Order::NewestFirst) == (direction == Direction::Forward)
}
