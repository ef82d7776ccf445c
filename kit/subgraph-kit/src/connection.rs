//! Paginated lists as GraphQL connections.

use std::{borrow::Cow, sync::Arc};

use async_graphql::{
    Context, Object, ObjectType, SimpleObject, TypeName,
    registry::{MetaType, Registry},
};
use futures::{FutureExt as _, future::BoxFuture};
use tokio::time::timeout;

use crate::{
    Error, ScanExt as _, TableExt as _,
    children::{CHILD_ORDER, ChildOf, ParentCount, ParentPage},
    cursor::Position,
    list::{Filter, List, Listable, Page},
    objects::Objects,
    order::Order,
    page::ConnectionArgs,
    row::Paginated,
    timeouts::{COUNT, Deadline},
    viewer::Proof,
};

/// The descriptions of pagination arguments.
const ARGUMENTS: [(&str, &str); 4] = [
    (
        "first",
        "Returns up to this many items from the start of the list, 0 to 100. The default is 20 if `last` is not given \
         either.",
    ),
    (
        "after",
        "Returns only items after this cursor, which comes from an edge or `pageInfo` of the same list in the same order; \
         another one is `BAD_USER_INPUT`.",
    ),
    ("last", "Returns up to this many items from the end of the list, 0 to 100."),
    (
        "before",
        "Returns only items before this cursor, which comes from an edge or `pageInfo` of the same list in the same order; \
         another one is `BAD_USER_INPUT`.",
    ),
];

/// A page of a list of nodes, with its cursors and the total count.
pub struct Connection<T> {
    page: Arc<Page<T>>,
    order: Order,
    total_count: TotalCount,
}

/// Information about pagination in a connection
// The library's own has no tags.
#[derive(SimpleObject)]
#[graphql(shareable)]
pub struct PageInfo {
    /// When paginating backwards, are there more items?
    #[graphql(tag = "partner")]
    has_previous_page: bool,
    /// When paginating forwards, are there more items?
    #[graphql(tag = "partner")]
    has_next_page: bool,
    /// When paginating backwards, the cursor to continue.
    #[graphql(tag = "partner")]
    start_cursor: Option<String>,
    /// When paginating forwards, the cursor to continue.
    #[graphql(tag = "partner")]
    end_cursor: Option<String>,
}

/// A node of a page, with its cursor.
pub struct Edge<'a, T>(&'a T, Order);

/// A lazy count of the whole list, only if it is selected.
struct TotalCount(Box<dyn Fn() -> BoxFuture<'static, Result<i64, Error>> + Send + Sync>);

impl TotalCount {
    /// A total by `count`.
    fn new<C, F>(count: C) -> Self
    where
        C: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<i64, Error>> + Send + 'static,
    {
        Self(Box::new(move || count().boxed()))
    }
}

impl<T> Connection<T> {
    fn new(page: impl Into<Arc<Page<T>>>, order: Order, total_count: TotalCount) -> Self {
        Self { page: page.into(), order, total_count }
    }
}

#[Object(name_type, shareable)]
impl<T: Paginated + ObjectType> Connection<T> {
    /// The cursors of this page, and whether there are more pages.
    #[graphql(tag = "partner")]
    async fn page_info(&self) -> PageInfo {
        let Page { rows, has_previous, has_next } = &*self.page;
        PageInfo {
            has_previous_page: *has_previous,
            has_next_page: *has_next,
            start_cursor: rows.first().map(|row| cursor(row, self.order)),
            end_cursor: rows.last().map(|row| cursor(row, self.order)),
        }
    }

    /// The items of this page, each with its cursor.
    #[graphql(tag = "partner")]
    async fn edges(&self) -> Vec<Edge<'_, T>> {
        self.page.rows.iter().map(|row| Edge(row, self.order)).collect()
    }

    /// The items of this page.
    #[graphql(tag = "partner")]
    async fn nodes(&self) -> Objects<'_, T> {
        Objects(self.page.rows.iter().collect())
    }

    /// The number of items in the whole list, with the filters applied. It is counted only if it is selected. It is
    /// null, with an error, if counting fails or takes too long; the list is returned all the same.
    #[graphql(tag = "partner")]
    async fn total_count(&self, ctx: &Context<'_>) -> Option<Result<i32, Error>> {
        Some(count_within_deadline(ctx, (self.total_count.0)()).await)
    }
}

impl<T: Paginated + ObjectType> TypeName for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", T::type_name()).into()
    }
}

/// An item of a list, with its cursor.
#[Object(name_type, shareable)]
impl<T: Paginated + ObjectType> Edge<'_, T> {
    /// The item itself.
    #[graphql(tag = "partner")]
    async fn node(&self) -> &T {
        self.0
    }

    /// The opaque position of this item in the list, for `after` and `before`.
    #[graphql(tag = "partner")]
    async fn cursor(&self) -> String {
        cursor(self.0, self.1)
    }
}

impl<T: Paginated + ObjectType> TypeName for Edge<'_, T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", T::type_name()).into()
    }
}

fn cursor<T: Paginated>(row: &T, order: Order) -> String {
    let position = match order {
        Order::NewestFirst | Order::OldestFirst => Position::Time(row.cursor()),
        Order::By(by) => Position::Value(by, row.sort_value(by).expect("the type has this order"), row.cursor().id),
    };
    position.encode(T::TYPE_NAME)
}

/// Describes the four arguments of all fields that return a connection: resolvers declare them in their signatures, and
/// the library cannot share descriptions. Covers the types registered so far: those reachable from `Query`.
pub(crate) fn describe_arguments(registry: &mut Registry) {
    for meta_type in registry.types.values_mut() {
        let MetaType::Object { fields, .. } = meta_type else { continue };
        for field in fields.values_mut().filter(|field| field.ty.trim_end_matches('!').ends_with("Connection")) {
            for (argument, description) in ARGUMENTS {
                if let Some(argument) = field.args.get_mut(argument) {
                    argument.description = Some(description.to_owned());
                }
            }
        }
    }
}

/// Awaits a count, as the schema's `Int`, with a timeout, so that the rest of the response does not wait for it.
async fn count_within_deadline(
    ctx: &Context<'_>,
    count: impl Future<Output = Result<i64, Error>>,
) -> Result<i32, Error> {
    // A subscription's events have no deadline.
    let left = ctx.data_opt::<Deadline>().map_or(COUNT, |deadline| deadline.time_left_for_count());
    let count = timeout(left, count).await.map_err(|late| Error::Unavailable(Arc::new(late)))??;
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}

/// Lists a whole table as a connection.
///
/// # Errors
/// [`Error::Invalid`] if the page arguments are invalid; [`Error::Unavailable`] if a full scan gets no turn in time.
pub async fn list<T: Listable + ObjectType>(
    ctx: &Context<'_>,
    _: T::Proof,
    order: Order,
    filter: T::Filter,
    args: ConnectionArgs,
) -> Result<Connection<T>, Error> {
    let args = args.check::<T>(order)?;
    let (list, scan) = (ctx.data_unchecked::<List<T>>(), ctx.scan());
    let page = list.page(scan, order, &filter, &args).await?;

    let list = list.clone();
    let total = TotalCount::new(move || {
        let (list, filter) = (list.clone(), filter.clone());
        async move { list.count(scan, &filter).await }
    });
    Ok(Connection::new(page, order, total))
}

/// Lists one parent's children as a connection; one statement serves all the parents of a list. The proof names the
/// parent, and proves that the viewer may see its children:
///
/// ```
/// # use async_graphql::{Context, ObjectType};
/// # use contracts::UserId;
/// # use subgraph_kit::{Connection, Error, ViewerExt as _, children::ChildOf, connection, page::ConnectionArgs};
/// # use subgraph_kit::viewer::{Public, SelfOrAdmin};
/// async fn payments<T>(ctx: &Context<'_>, user: UserId, args: ConnectionArgs) -> Result<Connection<T>, Error>
/// where
///     T: ChildOf<UserId, Proof = SelfOrAdmin> + ObjectType,
/// {
///     let proof = ctx.viewer().require_self_or_admin(user)?;
///     connection::children(ctx, proof, (), args).await
/// }
/// ```
///
/// A missing check does not compile:
///
/// ```compile_fail
/// # use async_graphql::{Context, ObjectType};
/// # use contracts::UserId;
/// # use subgraph_kit::{Connection, Error, ViewerExt as _, children::ChildOf, connection, page::ConnectionArgs};
/// # use subgraph_kit::viewer::{Public, SelfOrAdmin};
/// async fn payments<T>(ctx: &Context<'_>, user: UserId, args: ConnectionArgs) -> Result<Connection<T>, Error>
/// where
///     T: ChildOf<UserId, Proof = SelfOrAdmin> + ObjectType,
/// {
///     connection::children(ctx, user, (), args).await
/// }
/// ```
///
/// Nor does another proof, such as that everyone may see them:
///
/// ```compile_fail
/// # use async_graphql::{Context, ObjectType};
/// # use contracts::UserId;
/// # use subgraph_kit::{Connection, Error, ViewerExt as _, children::ChildOf, connection, page::ConnectionArgs};
/// # use subgraph_kit::viewer::{Public, SelfOrAdmin};
/// async fn payments<T>(ctx: &Context<'_>, user: UserId, args: ConnectionArgs) -> Result<Connection<T>, Error>
/// where
///     T: ChildOf<UserId, Proof = SelfOrAdmin> + ObjectType,
/// {
///     connection::children(ctx, Public(user), (), args).await
/// }
/// ```
///
/// # Errors
/// [`Error::Invalid`] if the page arguments are invalid; [`Error::Unavailable`] if a full scan gets no turn in time.
///
/// # Panics
/// If the table does not load every key.
pub async fn children<T, A, F>(
    ctx: &Context<'_>,
    proof: A,
    filter: F,
    args: ConnectionArgs,
) -> Result<Connection<T>, Error>
where
    T: ChildOf<A::Owner, Proof = A> + ObjectType,
    A: Proof,
    F: Filter,
{
    let (parent, args, loader) = (proof.owner(), args.check::<T>(CHILD_ORDER)?, ctx.table::<T>());
    let page = loader.load_one(ParentPage { parent, filter: filter.clone(), args }).await?;

    let (loader, count) = (Arc::clone(loader), ParentCount { parent, filter });
    let total = TotalCount::new(move || {
        let (loader, count) = (Arc::clone(&loader), count.clone());
        async move { Ok(loader.load_one(count).await?.unwrap_or(0)) }
    });
    Ok(Connection::new(page.expect("the loader returns a value for each key"), CHILD_ORDER, total))
}

/// Counts one parent's children. The permission to count differs from the permission to list.
///
/// # Errors
/// [`Error::Unavailable`] if counting takes too long.
pub async fn count_children<T, A, F>(ctx: &Context<'_>, proof: A, filter: F) -> Result<i32, Error>
where
    T: ChildOf<A::Owner, CountProof = A>,
    A: Proof,
    F: Filter,
{
    let (loader, count) = (ctx.table::<T>(), ParentCount { parent: proof.owner(), filter });
    count_within_deadline(ctx, async { Ok(loader.load_one(count).await?.unwrap_or(0)) }).await
}
