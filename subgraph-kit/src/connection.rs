//! Lists as a client sees them: connections of edges, a page at a time.

use std::{hash::Hash, sync::Arc};

use async_graphql::{
    Context, Object, ObjectType, OutputType,
    connection::{Connection as GraphqlConnection, Edge, EmptyFields},
    dataloader::{DataLoader, Loader},
};
use futures::{FutureExt as _, future::BoxFuture};
use tokio::time::timeout;

use crate::{
    Error, PageArgs,
    budget::{COUNT, Deadline},
    children::{ChildCount, ChildPage},
    list::{Listed, Page},
};

/// A page of a list of nodes, with the cursors that lead on and the size of the whole.
pub type Connection<N> = GraphqlConnection<String, N, Total>;

/// Counts a whole list, only when a client asks for it.
pub struct Total(Box<dyn Fn() -> BoxFuture<'static, Result<i64, Error>> + Send + Sync>);

impl Total {
    /// A total that `count` finds.
    pub fn new<C, F>(count: C) -> Self
    where
        C: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<i64, Error>> + Send + 'static,
    {
        Self(Box::new(move || count().boxed()))
    }
}

#[Object]
impl Total {
    /// How many there are in the whole list, filters applied. Counted only when it is selected; null, with an error,
    /// when counting fails or takes too long: the list is there all the same.
    async fn total_count(&self, ctx: &Context<'_>) -> Option<Result<i32, Error>> {
        Some(count_in_time(ctx, (self.0)()).await)
    }
}

/// What a count finds, as the graph says it, or that it takes too long: then the rest of the answer does not wait for it.
///
/// # Errors
/// `Unavailable` when it takes too long, and those of the count.
pub async fn count_in_time(ctx: &Context<'_>, count: impl Future<Output = Result<i64, Error>>) -> Result<i32, Error> {
    // A subscription's events have no deadline.
    let left = ctx.data_opt::<Deadline>().map_or(COUNT, |deadline| deadline.time_left_for_count());
    let count = timeout(left, count).await.map_err(|late| Error::Unavailable(Arc::new(late)))??;
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}

/// A page as a connection.
pub fn connection<T: Listed + OutputType>(page: &Page<T>, total: Total) -> Connection<T> {
    let mut connection = Connection::with_additional_fields(page.has_previous, page.has_next, total);
    connection.edges = page.rows.iter().map(edge).collect();
    connection
}

fn edge<T: Listed + OutputType>(row: &T) -> Edge<String, T, EmptyFields> {
    Edge::new(row.position().to_cursor(T::NOUN), row.clone())
}

/// The children of one parent as a connection; one statement serves all the parents of a list.
///
/// # Errors
/// Those of the store.
///
/// # Panics
/// If the store leaves a key without an answer.
pub async fn children<S, T, P, F>(
    ctx: &Context<'_>,
    parent: P,
    filter: F,
    args: PageArgs,
) -> Result<Connection<T>, Error>
where
    S: Loader<ChildPage<P, F>, Value = Arc<Page<T>>, Error = Error>
        + Loader<ChildCount<P, F>, Value = i64, Error = Error>,
    T: Listed + OutputType + ObjectType,
    P: Copy + Eq + Hash + Send + Sync + 'static,
    F: Clone + Eq + Hash + Send + Sync + 'static,
{
    let loader = ctx.data_unchecked::<Arc<DataLoader<S>>>();
    let page = loader.load_one(ChildPage { parent, filter: filter.clone(), args }).await?;

    let (loader, count) = (Arc::clone(loader), ChildCount { parent, filter });
    let total = Total::new(move || {
        let (loader, count) = (Arc::clone(&loader), count.clone());
        async move { Ok(loader.load_one(count).await?.unwrap_or(0)) }
    });
    Ok(connection(&page.expect("the store answers each key"), total))
}
