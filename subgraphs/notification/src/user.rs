//! What this subgraph adds to a user.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, SimpleObject, dataloader::DataLoader};
use contracts::UserId;
use subgraph_kit::{
    Connection, Error, PageArgs, ViewerExt as _,
    children::ParentCount,
    connection::{self, count_within_deadline},
    list::Paginated as _,
};

use crate::notification::{
    Notification,
    store::{ReadFilter, Store},
};

/// A person with an account on the platform. Everyone may see it, except for fields that say otherwise.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct User {
    /// The id of the user, a UUID.
    pub id: UserId,
}

#[ComplexObject]
impl User {
    /// The notifications of the user, newest first. Only the user and admins may see them; for everyone else null, with
    /// a `FORBIDDEN` error.
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(
            desc = "Whether to return only unread notifications; null means false.",
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

    /// The number of the user's unread notifications. Only the user and admins may see it; for everyone else null, with
    /// a `FORBIDDEN` error.
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
