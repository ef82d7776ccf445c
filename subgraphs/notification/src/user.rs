//! What this subgraph adds to a user.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, SimpleObject, dataloader::DataLoader};
use subgraph_kit::{
    Connection, Error, PageArgs, UserId, ViewerExt as _,
    children::ParentCount,
    connection::{self, count_within_deadline},
    list::Paginated as _,
};

use crate::notification::{
    Notification,
    store::{ReadFilter, Store},
};

/// A person of the platform. Everyone may see all but the e-mail address.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct User {
    /// Names the user in all subgraphs.
    pub id: UserId,
}

#[ComplexObject]
impl User {
    /// What the platform has told this user, newest first. The user and admins may see it; for
    /// everyone else it is null, with a `FORBIDDEN` error.
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "At most so many, from the beginning: 1 to 100; 20 where neither `first` nor `last` is given."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many, from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(
            desc = "Whether to list only notifications that the user has not read; null means false.",
            default_with = "Some(false)"
        )]
        unread_only: Option<bool>,
    ) -> Option<Result<Connection<Notification>, Error>> {
        let page = async {
            ctx.viewer().require_self_or_admin(self.id)?;
            let args = PageArgs::try_new(Notification::TYPE_NAME, first, after.as_deref(), last, before.as_deref())?;
            let filter = if unread_only == Some(true) { ReadFilter::Unread } else { ReadFilter::All };
            connection::children::<Store, Notification, _, _>(ctx, self.id, filter, args).await
        };
        Some(page.await)
    }

    /// How many notifications this user has not read. The user and admins may see it; for everyone
    /// else it is null, with a `FORBIDDEN` error.
    async fn unread_notification_count(&self, ctx: &Context<'_>) -> Option<Result<i32, Error>> {
        let count = async {
            ctx.viewer().require_self_or_admin(self.id)?;
            let unread = ParentCount { parent: self.id, filter: ReadFilter::Unread };
            let loader = ctx.data_unchecked::<Arc<DataLoader<Store>>>();
            count_within_deadline(ctx, async { Ok(loader.load_one(unread).await?.unwrap_or(0)) }).await
        };
        Some(count.await)
    }
}
