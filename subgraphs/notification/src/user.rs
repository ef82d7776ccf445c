//! The fields that this subgraph adds to a user.

use async_graphql::{ComplexObject, Context, SimpleObject};
use contracts::UserId;
use subgraph_kit::{Connection, ConnectionArgs, Error, ViewerExt as _, connection};

use crate::notification::{
    Notification,
    setting::{self, Setting},
    store::ReadFilter,
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
    /// The notifications of the user, newest first. Only the user and admins may see them; it is null for everyone
    /// else, with a `FORBIDDEN` error.
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
            let proof = ctx.viewer().require_self_or_admin(self.id)?;
            let filter = if unread_only == Some(true) { ReadFilter::Unread } else { ReadFilter::All };
            connection::children(ctx, proof, filter, ConnectionArgs { first, after, last, before }).await
        };
        Some(page.await)
    }

    /// The number of the user's unread notifications. Only the user and admins may see it; it is null for everyone
    /// else, with a `FORBIDDEN` error.
    async fn unread_notification_count(&self, ctx: &Context<'_>) -> Option<Result<i32, Error>> {
        let count = async {
            let proof = ctx.viewer().require_self_or_admin(self.id)?;
            connection::count_children::<Notification, _, _>(ctx, proof, ReadFilter::Unread).await
        };
        Some(count.await)
    }

    /// Which types of notifications the user receives: one setting for each type. Only the user and admins may see
    /// them; it is null for everyone else, with a `FORBIDDEN` error.
    async fn notification_settings(&self, ctx: &Context<'_>) -> Option<Result<Vec<Setting>, Error>> {
        let settings = async {
            let proof = ctx.viewer().require_self_or_admin(self.id)?;
            setting::of_user(ctx, proof).await
        };
        Some(settings.await)
    }
}
