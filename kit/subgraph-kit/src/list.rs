//! Keyset pagination of a table. The statements are built at run time, because direction, order and filters vary; table
//! and column names are constants of the row type.

use std::{
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use db::DbPool;
use sqlx::{Postgres, QueryBuilder, query_scalar};

pub use crate::order::Order;
use crate::{
    Error,
    cursor::Position,
    order::{SortValue, ValueOrder},
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

/// The columns that order the rows of one statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SortKey {
    /// Every id is a `UUIDv7` of its row's time, so the primary key alone is the order, without another index.
    Id,
    /// Some ids are not (an imported database, a row that was inserted by hand), so the time column decides.
    TimeAndId,
    /// A value, and the id among equal values.
    ValueAndId(&'static ValueOrder),
}

/// Whether a table has ids that do not contain their row's time. A trigger records it with the row. Once it has been
/// seen, it is taken to stay so.
#[derive(Clone)]
struct OtherIds {
    db: DbPool,
    table: &'static str,
    seen: Arc<AtomicBool>,
}

impl OtherIds {
    fn new(db: DbPool, table: &'static str) -> Self {
        Self { db, table, seen: Arc::default() }
    }

    fn seen(&self) -> bool {
        self.seen.load(Ordering::Relaxed)
    }

    async fn detect(&self) -> Result<bool, sqlx::Error> {
        let exists: bool = query_scalar("select exists (select from tables_with_other_ids where table_name = $1)")
            .bind(self.table)
            .fetch_one(&self.db)
            .await?;
        self.seen.fetch_or(exists, Ordering::Relaxed);
        Ok(exists)
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
    other_ids: OtherIds,
    scan_queue: ScanQueue,
    pages: SingleFlight<(ScanClient, PageQuery<T::Filter>), Page<T>>,
    counts: SingleFlight<(ScanClient, T::Filter), i64>,
}

/// What the statement of a page depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct PageQuery<F> {
    sort_key: SortKey,
    order: Order,
    filter: F,
    args: PageArgs,
}

impl<T: Listable> List<T> {
    /// Opens the list of a table, and detects whether it has ids that do not contain their row's time.
    pub async fn open(table: &Table<T>) -> Result<Self, sqlx::Error> {
        let (db, scan_queue) = (table.db().clone(), table.scan_queue().clone());
        let other_ids = OtherIds::new(db.clone(), T::TABLE);
        other_ids.detect().await?;
        Ok(Self { db, other_ids, scan_queue, pages: SingleFlight::new(), counts: SingleFlight::new() })
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
        let sort_key = self.sort_key(order, args).await?;
        let query = PageQuery { sort_key, order, filter: filter.clone(), args: args.clone() };
        let page = self.fetch(scan, query.clone()).await?;
        // The statement finds nothing if the table has got such an id since.
        if query.sort_key == SortKey::Id && page.rows.is_empty() && self.other_ids.detect().await? {
            return self.fetch(scan, PageQuery { sort_key: SortKey::TimeAndId, ..query }).await;
        }
        Ok(page)
    }

    async fn sort_key(&self, order: Order, args: &PageArgs) -> Result<SortKey, sqlx::Error> {
        Ok(match order {
            Order::By(by) => SortKey::ValueAndId(by),
            _ if self.other_ids.seen() => SortKey::TimeAndId,
            // Anybody can make up such a cursor, and an order by time may need a full scan.
            _ if args.has_cursor_of_other_id() && self.other_ids.detect().await? => SortKey::TimeAndId,
            _ => SortKey::Id,
        })
    }

    async fn fetch(&self, scan: ScanContext, query: PageQuery<T::Filter>) -> Result<Page<T>, Error> {
        if !query.may_need_full_scan() {
            let rows = query.sql::<T>().build_query_as().fetch_all(&self.db).await?;
            return Ok(Page::new(rows, &query.args));
        }
        let key = (scan.client(), query);
        let scan_queue = self.scan_queue.clone();
        let begin = |(client, query): (ScanClient, PageQuery<T::Filter>)| async move {
            let mut connection = scan_queue.connection(client).await?;
            let rows = query.sql::<T>().build_query_as().fetch_all(connection.get()).await;
            Ok(Page::new(connection.release_after(rows)?, &query.args))
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

impl<F: Filter> PageQuery<F> {
    fn may_need_full_scan(&self) -> bool {
        matches!(self.order, Order::By(_)) || self.filter.may_need_full_scan()
    }

    fn sql<T: Paginated>(&self) -> QueryBuilder<Postgres> {
        let Self { sort_key, order, filter, args } = self;
        let mut sql = QueryBuilder::new(format!("select {} from {} where true", filter.columns::<T>(), T::TABLE));
        filter.push(&mut sql);
        if *sort_key == SortKey::Id {
            sql.push(format_args!(
                " and not exists (select from tables_with_other_ids where table_name = '{}')",
                T::TABLE
            ));
        }
        push_keyset::<T>(&mut sql, *sort_key, *order, args);
        push_order::<T>(&mut sql, *sort_key, *order, args);
        sql.push(" limit ").push_bind(rows_to_read(args));
        sql
    }
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
        Order::OldestFirst | Order::By(_) => (">", "<"),
    };
    for (position, comparison) in [(&args.after, beyond_after), (&args.before, beyond_before)] {
        match position {
            None => {}
            Some(Position::Value(by, value, id)) => {
                let (before, after) = by.parameter;
                sql.push(format_args!(" and ({}, id) {comparison} ({before}", by.expression));
                match value {
                    SortValue::Text(text) => sql.push_bind(text.clone()),
                    SortValue::Number(number) => sql.push_bind(*number),
                };
                sql.push(after).push(", ").push_bind(*id).push(")");
            }
            Some(Position::Time(cursor)) if key == SortKey::Id => {
                sql.push(format_args!(" and id {comparison} ")).push_bind(cursor.id);
            }
            Some(Position::Time(cursor)) => {
                sql.push(format_args!(" and ({}, id) {comparison} (", T::TIME_COLUMN)).push_bind(cursor.time);
                sql.push(", ").push_bind(cursor.id).push(")");
            }
        }
    }
}

/// Adds the keyset's `order by`.
pub(crate) fn push_order<T: Paginated>(sql: &mut QueryBuilder<Postgres>, key: SortKey, order: Order, args: &PageArgs) {
    let direction = if is_descending(order, args.direction) { "desc" } else { "asc" };
    match key {
        SortKey::Id => sql.push(format_args!(" order by id {direction}")),
        SortKey::TimeAndId => sql.push(format_args!(" order by {} {direction}, id {direction}", T::TIME_COLUMN)),
        SortKey::ValueAndId(by) => sql.push(format_args!(" order by {} {direction}, id {direction}", by.expression)),
    };
}

/// One row more than requested, to detect whether the list continues.
pub(crate) fn rows_to_read(args: &PageArgs) -> i64 {
    i64::from(args.size) + 1
}

pub(crate) fn is_descending(order: Order, direction: Direction) -> bool {
    (order == Order::NewestFirst) == (direction == Direction::Forward)
}
