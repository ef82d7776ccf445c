//! Pages of a table, by keyset. The statements are built at run time, because direction, order
//! and filters vary; the table's own words are constants of its row type.

use std::{collections::HashMap, hash::Hash, marker::PhantomData, sync::Arc};

use sqlx::{FromRow, PgPool, Postgres, QueryBuilder, Row as _, postgres::PgRow, query};
use uuid::Uuid;

use crate::{
    Error, PageArgs,
    page::{Direction, Position},
    scans::{Scan, ScanClient, ScanLane, SingleFlight},
    transaction,
};

/// A row that is listed by `(time, id)`.
pub trait Listed: for<'r> FromRow<'r, PgRow> + Clone + Send + Sync + Unpin + 'static {
    /// The word for one of them; cursors name it.
    const NOUN: &'static str;
    /// The table.
    const TABLE: &'static str;
    /// The columns that the row type reads.
    const COLUMNS: &'static str;
    /// The column that says when a row came into being.
    const TIME: &'static str;

    /// Where this row stands.
    fn position(&self) -> Position;
}

/// Which rows come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The newest first.
    NewestFirst,
    /// The oldest first.
    OldestFirst,
}

/// What a table's rows can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Every id holds its row's own time, so the primary key alone is the order, and needs no
    /// further index.
    Id,
    /// Some ids are of another make (an adopted database), so the time column decides.
    TimeAndId,
}

impl Key {
    /// Looks for a row whose id does not hold the row's own time.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of<T: Listed>(db: &PgPool) -> Result<Self, sqlx::Error> {
        let mut sql = QueryBuilder::<Postgres>::new(format!(
            "select exists (select from {} where substr(replace(id::text, '-', ''), 1, 13) \
             <> lpad(to_hex((extract(epoch from {}) * 1000)::bigint), 12, '0') || '7')",
            T::TABLE,
            T::TIME,
        ));
        // It may look at every row.
        let mut transaction = transaction::begin(db).await?;
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
    /// Whether the list has something before them.
    pub has_previous: bool,
    /// Whether the list has something after them.
    pub has_next: bool,
}

impl<T> Page<T> {
    fn new(mut rows: Vec<T>, args: &PageArgs) -> Self {
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

/// A page of the children of one parent, such as a student's completed enrollments. As a
/// loader's key it lets the pages of many parents be read by one statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChildPage<P, F> {
    /// Whose children.
    pub parent: P,
    /// Which of them.
    pub filter: F,
    /// Which part of the list.
    pub args: PageArgs,
}

/// How many children of one parent pass a filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChildCount<P, F> {
    /// Whose children.
    pub parent: P,
    /// Which of them.
    pub filter: F,
}

/// Adds conditions to a statement, each beginning with ` and `.
pub trait Filter {
    /// Adds them.
    fn push(&self, sql: &mut QueryBuilder<Postgres>);

    /// Whether so few rows may pass that all have to be read before a page is full.
    fn may_read_everything(&self) -> bool {
        false
    }
}

impl Filter for () {
    fn push(&self, _: &mut QueryBuilder<Postgres>) {}
}

/// A table that is listed as a whole, by filters of one kind. Whatever may read all its rows waits for its turn.
pub struct Table<T, F> {
    db: PgPool,
    key: Key,
    lane: ScanLane,
    pages: SingleFlight<(ScanClient, Order, F, PageArgs), Page<T>>,
    counts: SingleFlight<(ScanClient, F), i64>,
    _rows: PhantomData<fn() -> T>,
}

impl<T, F> Clone for Table<T, F> {
    fn clone(&self) -> Self {
        Self {
            db: self.db.clone(),
            key: self.key,
            lane: self.lane.clone(),
            pages: self.pages.clone(),
            counts: self.counts.clone(),
            _rows: PhantomData,
        }
    }
}

impl<T, F> Table<T, F>
where
    T: Listed,
    F: Filter + Clone + Eq + Hash + Send + Sync + 'static,
{
    /// The table in this database; looks how its rows can be ordered.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn open(db: PgPool) -> Result<Self, sqlx::Error> {
        let key = Key::of::<T>(&db).await?;
        let lane = ScanLane::new(db.clone());
        Ok(Self { db, key, lane, pages: SingleFlight::new(), counts: SingleFlight::new(), _rows: PhantomData })
    }

    /// Where statements wait that may read all of it.
    #[must_use]
    pub fn lane(&self) -> &ScanLane {
        &self.lane
    }

    /// A page of the rows that pass the filter.
    ///
    /// # Errors
    /// Those of the database; `Unavailable` when there is no turn for it in time.
    pub async fn page(&self, scan: Scan, order: Order, filter: &F, args: &PageArgs) -> Result<Page<T>, Error> {
        if !filter.may_read_everything() {
            let rows = page_sql::<T>(self.key, order, filter, args).build_query_as().fetch_all(&self.db).await?;
            return Ok(Page::new(rows, args));
        }
        let asked = (scan.client(), order, filter.clone(), *args);
        let (lane, key) = (self.lane.clone(), self.key);
        let begin = |(client, order, filter, args): (ScanClient, Order, F, PageArgs)| async move {
            let mut connection = lane.connection(client).await?;
            let rows = page_sql::<T>(key, order, &filter, &args).build_query_as().fetch_all(connection.get()).await;
            connection.release();
            Ok(Page::new(rows?, &args))
        };
        scan.in_time(self.pages.run(asked.clone(), || begin(asked))).await
    }

    /// How many rows pass the filter.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn count(&self, scan: Scan, filter: &F) -> Result<i64, Error> {
        let asked = (scan.client(), filter.clone());
        let lane = self.lane.clone();
        let begin = |(client, filter): (ScanClient, F)| async move {
            let mut connection = lane.connection(client).await?;
            let count = count_sql::<T>(&filter).build_query_scalar().fetch_one(connection.get()).await;
            connection.release();
            Ok(count?)
        };
        self.counts.run(asked.clone(), || begin(asked)).await
    }
}

fn page_sql<T: Listed>(key: Key, order: Order, filter: &impl Filter, args: &PageArgs) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(format!("select {} from {} where true", T::COLUMNS, T::TABLE));
    filter.push(&mut sql);
    push_keyset::<T>(&mut sql, key, order, args);
    sql
}

fn count_sql<T: Listed>(filter: &impl Filter) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(format!("select count(*) from {} where true", T::TABLE));
    filter.push(&mut sql);
    sql
}

/// The pages of many parents, newest first: one statement for all that ask for the same part by
/// the same filter.
///
/// # Errors
/// Those of the database.
pub async fn child_pages<T, P, F>(
    lane: &ScanLane,
    parent_column: &str,
    keys: &[ChildPage<P, F>],
) -> Result<HashMap<ChildPage<P, F>, Arc<Page<T>>>, Error>
where
    T: Listed,
    P: Copy + Eq + Hash + Into<Uuid>,
    F: Filter + Clone + Eq + Hash,
{
    let mut pages = HashMap::with_capacity(keys.len());
    for ((filter, args), group) in grouped(keys, |key| (key.filter.clone(), key.args)) {
        let mut rows = child_rows::<T>(lane, parent_column, parents(&group, |key| key.parent), &filter, &args).await?;
        for key in group {
            let rows = rows.remove(&key.parent.into()).unwrap_or_default();
            pages.insert(key.clone(), Arc::new(Page::new(rows, &args)));
        }
    }
    Ok(pages)
}

/// The counts of many parents, by one statement for each filter.
///
/// # Errors
/// Those of the database.
pub async fn child_counts<T, P, F>(
    lane: &ScanLane,
    parent_column: &str,
    keys: &[ChildCount<P, F>],
) -> Result<HashMap<ChildCount<P, F>, i64>, Error>
where
    T: Listed,
    P: Copy + Eq + Hash + Into<Uuid>,
    F: Filter + Clone + Eq + Hash,
{
    let mut counts = HashMap::with_capacity(keys.len());
    for (filter, group) in grouped(keys, |key| key.filter.clone()) {
        let mut sql = QueryBuilder::new(format!(
            "select {parent_column}, count(*) from {} where {parent_column} = any(",
            T::TABLE
        ));
        sql.push_bind(parents(&group, |key| key.parent)).push(")");
        filter.push(&mut sql);
        sql.push(format_args!(" group by {parent_column}"));

        let rows = lane.children(group.len(), sql).await?;
        let counts_of = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        let found: HashMap<Uuid, i64> = counts_of.collect::<Result<_, sqlx::Error>>()?;
        counts.extend(group.into_iter().map(|key| (key.clone(), found.get(&key.parent.into()).copied().unwrap_or(0))));
    }
    Ok(counts)
}

async fn child_rows<T: Listed>(
    lane: &ScanLane,
    parent_column: &str,
    parents: Vec<Uuid>,
    filter: &impl Filter,
    args: &PageArgs,
) -> Result<HashMap<Uuid, Vec<T>>, Error> {
    let number = parents.len();
    let mut sql = QueryBuilder::new("select parent.key as parent_key, child.* from unnest(");
    sql.push_bind(parents);
    sql.push(format_args!(
        "::uuid[]) as parent (key) cross join lateral (select {} from {} where {parent_column} = parent.key",
        T::COLUMNS,
        T::TABLE,
    ));
    filter.push(&mut sql);
    push_keyset::<T>(&mut sql, Key::TimeAndId, Order::NewestFirst, args);
    sql.push(") as child");

    let mut rows: HashMap<Uuid, Vec<T>> = HashMap::new();
    for row in lane.children(number, sql).await? {
        rows.entry(row.try_get("parent_key")?).or_default().push(T::from_row(&row)?);
    }
    for children in rows.values_mut() {
        children.sort_unstable_by_key(T::position);
        if scans_down(Order::NewestFirst, args.direction) {
            children.reverse();
        }
    }
    Ok(rows)
}

/// The keyset's conditions, its order, and one row more than asked for, which tells whether the
/// list goes on.
fn push_keyset<T: Listed>(sql: &mut QueryBuilder<Postgres>, key: Key, order: Order, args: &PageArgs) {
    let (beyond_after, beyond_before) = match order {
        Order::NewestFirst => ("<", ">"),
        Order::OldestFirst => (">", "<"),
    };
    for (position, comparison) in [(args.after, beyond_after), (args.before, beyond_before)] {
        let Some(position) = position else { continue };
        match key {
            Key::Id => sql.push(format_args!(" and id {comparison} ")).push_bind(position.id),
            Key::TimeAndId => sql
                .push(format_args!(" and ({}, id) {comparison} (", T::TIME))
                .push_bind(position.time)
                .push(", ")
                .push_bind(position.id)
                .push(")"),
        };
    }
    let direction = if scans_down(order, args.direction) { "desc" } else { "asc" };
    match key {
        Key::Id => sql.push(format_args!(" order by id {direction}")),
        Key::TimeAndId => sql.push(format_args!(" order by {} {direction}, id {direction}", T::TIME)),
    };
    sql.push(" limit ").push_bind(i64::from(args.size) + 1);
}

fn scans_down(order: Order, direction: Direction) -> bool {
    (order == Order::NewestFirst) == (direction == Direction::Forward)
}

fn grouped<K, G: Eq + Hash>(keys: &[K], group_of: impl Fn(&K) -> G) -> HashMap<G, Vec<&K>> {
    let mut groups: HashMap<G, Vec<&K>> = HashMap::new();
    for key in keys {
        groups.entry(group_of(key)).or_default().push(key);
    }
    groups
}

fn parents<K, P: Into<Uuid>>(keys: &[&K], parent_of: impl Fn(&K) -> P) -> Vec<Uuid> {
    keys.iter().map(|key| parent_of(key).into()).collect()
}
