//! Lists of a parent's children, such as a teacher's courses: for many parents by one statement.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use async_graphql::dataloader::Loader;
use sqlx::{Postgres, QueryBuilder, Row as _, postgres::PgRow};
use uuid::Uuid;

use crate::{
    Error,
    list::{Filter, Page, SortKey, is_descending, push_keyset, push_order, rows_to_read},
    order::Order,
    page::PageArgs,
    row::{Paginated, RowId},
    table::Table,
    viewer::Proof,
};

/// The order of every parent's children.
pub(crate) const CHILD_ORDER: Order = Order::NewestFirst;

/// A row with a parent, such as an enrollment with its student; the parent's id is a `P`.
pub trait ChildOf<P>: Paginated {
    /// The column that holds the parent's id.
    const PARENT_COLUMN: &'static str;
    /// The proof that the viewer may list a parent's children.
    type Proof: Proof<Owner = P>;
    /// The proof that the viewer may see their number.
    type CountProof: Proof<Owner = P>;
}

/// The loader key of a page of one parent's children, such as a student's completed enrollments: one statement loads
/// the pages of many parents.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ParentPage<P, F> {
    /// The parent's id.
    pub parent: P,
    /// The filter of the children.
    pub filter: F,
    /// The pagination arguments.
    pub args: PageArgs,
}

/// The loader key of the number of one parent's children that pass a filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ParentCount<P, F> {
    /// The parent's id.
    pub parent: P,
    /// The filter of the children.
    pub filter: F,
}

impl<T: ChildOf<P>, P: RowId, F: Filter> Loader<ParentPage<P, F>> for Table<T> {
    type Value = Arc<Page<T>>;
    type Error = Error;

    async fn load(&self, keys: &[ParentPage<P, F>]) -> Result<HashMap<ParentPage<P, F>, Arc<Page<T>>>, Error> {
        Children::of::<P>(self).pages(keys).await
    }
}

impl<T: ChildOf<P>, P: RowId, F: Filter> Loader<ParentCount<P, F>> for Table<T> {
    type Value = i64;
    type Error = Error;

    async fn load(&self, keys: &[ParentCount<P, F>]) -> Result<HashMap<ParentCount<P, F>, i64>, Error> {
        Children::of::<P>(self).counts(keys).await
    }
}

/// The rows of a table as children, by their parent column.
struct Children<'a, T: Paginated> {
    table: &'a Table<T>,
    parent_column: &'static str,
    /// Whether the parent column has an index.
    is_indexed: bool,
}

impl<'a, T: Paginated> Children<'a, T> {
    fn of<P>(table: &'a Table<T>) -> Self
    where
        T: ChildOf<P>,
    {
        Self { table, parent_column: T::PARENT_COLUMN, is_indexed: table.is_indexed(T::PARENT_COLUMN) }
    }

    /// Loads the pages of many parents, newest first: one statement per filter and arguments.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if a full scan gets no turn in time.
    async fn pages<P: RowId, F: Filter>(
        &self,
        keys: &[ParentPage<P, F>],
    ) -> Result<HashMap<ParentPage<P, F>, Arc<Page<T>>>, Error> {
        let mut pages = HashMap::with_capacity(keys.len());
        for ((filter, args), group) in grouped(keys, |key| (key.filter.clone(), key.args.clone())) {
            let mut rows = self.rows(parents(&group, |key| key.parent), &filter, &args).await?;
            for key in group {
                let rows = rows.remove(&key.parent.into()).unwrap_or_default();
                pages.insert(key.clone(), Arc::new(Page::new(rows, &args)));
            }
        }
        Ok(pages)
    }

    /// Loads the counts of many parents, by one statement per filter.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if a full scan gets no turn in time.
    async fn counts<P: RowId, F: Filter>(
        &self,
        keys: &[ParentCount<P, F>],
    ) -> Result<HashMap<ParentCount<P, F>, i64>, Error> {
        let Self { parent_column, .. } = self;
        let mut counts = HashMap::with_capacity(keys.len());
        for (filter, group) in grouped(keys, |key| key.filter.clone()) {
            let mut sql = QueryBuilder::new(format!(
                "select {parent_column}, count(*) from {} where {parent_column} = ",
                T::TABLE
            ));
            push_parents(&mut sql, parents(&group, |key| key.parent));
            filter.push(&mut sql);
            sql.push(format_args!(" group by {parent_column}"));

            let rows = self.fetch(sql).await?;
            let counts_of = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
            let found: HashMap<Uuid, i64> = counts_of.collect::<Result<_, sqlx::Error>>()?;
            let count = |key: &ParentCount<P, F>| found.get(&key.parent.into()).copied().unwrap_or(0);
            counts.extend(group.into_iter().map(|key| (key.clone(), count(key))));
        }
        Ok(counts)
    }

    async fn rows(
        &self,
        parents: Vec<Uuid>,
        filter: &impl Filter,
        args: &PageArgs,
    ) -> Result<HashMap<Uuid, Vec<T>>, Error> {
        let sql = match parents[..] {
            [parent] => self.single_parent_sql(parent, filter, args),
            _ if self.is_indexed => self.lateral_join_sql(parents, filter, args),
            _ => self.single_scan_sql(parents, filter, args),
        };
        let mut rows: HashMap<Uuid, Vec<T>> = HashMap::new();
        for row in self.fetch(sql).await? {
            rows.entry(row.try_get("parent_key")?).or_default().push(T::from_row(&row)?);
        }
        for children in rows.values_mut() {
            children.sort_unstable_by_key(T::cursor);
            if is_descending(CHILD_ORDER, args.direction) {
                children.reverse();
            }
        }
        Ok(rows)
    }

    async fn fetch(&self, sql: QueryBuilder<Postgres>) -> Result<Vec<PgRow>, Error> {
        self.table.rows_by(self.parent_column, sql).await
    }

    /// The most frequent statement; the server can reuse its plan.
    fn single_parent_sql(&self, parent: Uuid, filter: &impl Filter, args: &PageArgs) -> QueryBuilder<Postgres> {
        let Self { parent_column, .. } = self;
        let mut sql = QueryBuilder::new(format!(
            "select {parent_column} as parent_key, {} from {} where {parent_column} = ",
            T::COLUMNS,
            T::TABLE
        ));
        sql.push_bind(parent);
        filter.push(&mut sql);
        push_keyset::<T>(&mut sql, SortKey::TimeAndId, CHILD_ORDER, args);
        push_order::<T>(&mut sql, SortKey::TimeAndId, CHILD_ORDER, args);
        sql.push(" limit ").push_bind(rows_to_read(args));
        sql
    }

    /// A lateral join: reads no more children per parent than requested.
    fn lateral_join_sql(&self, parents: Vec<Uuid>, filter: &impl Filter, args: &PageArgs) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("select parent.key as parent_key, child.* from unnest(");
        sql.push_bind(parents);
        sql.push(format_args!(
            "::uuid[]) as parent (key) cross join lateral (select {} from {} where {} = parent.key",
            T::COLUMNS,
            T::TABLE,
            self.parent_column,
        ));
        filter.push(&mut sql);
        push_keyset::<T>(&mut sql, SortKey::TimeAndId, CHILD_ORDER, args);
        push_order::<T>(&mut sql, SortKey::TimeAndId, CHILD_ORDER, args);
        sql.push(" limit ").push_bind(rows_to_read(args)).push(") as child");
        sql
    }

    /// Scans the table once, where the lateral join would scan it once per parent.
    fn single_scan_sql(&self, parents: Vec<Uuid>, filter: &impl Filter, args: &PageArgs) -> QueryBuilder<Postgres> {
        let Self { parent_column, .. } = self;
        let mut sql = QueryBuilder::new(format!(
            "select * from (select {parent_column} as parent_key, {}, row_number() over (partition by {parent_column}",
            T::COLUMNS
        ));
        push_order::<T>(&mut sql, SortKey::TimeAndId, CHILD_ORDER, args);
        sql.push(format_args!(") as rank from {} where {parent_column} = any(", T::TABLE));
        sql.push_bind(parents).push(")");
        filter.push(&mut sql);
        push_keyset::<T>(&mut sql, SortKey::TimeAndId, CHILD_ORDER, args);
        sql.push(") as child where rank <= ").push_bind(rows_to_read(args));
        sql
    }
}

fn grouped<K, G: Eq + Hash>(keys: &[K], group_of: impl Fn(&K) -> G) -> HashMap<G, Vec<&K>> {
    let mut groups: HashMap<G, Vec<&K>> = HashMap::new();
    for key in keys {
        groups.entry(group_of(key)).or_default().push(key);
    }
    groups
}

fn push_parents(sql: &mut QueryBuilder<Postgres>, parents: Vec<Uuid>) {
    match parents[..] {
        [parent] => sql.push_bind(parent),
        _ => sql.push("any(").push_bind(parents).push(")"),
    };
}

fn parents<K, P: Into<Uuid>>(keys: &[&K], parent_of: impl Fn(&K) -> P) -> Vec<Uuid> {
    keys.iter().map(|key| parent_of(key).into()).collect()
}
