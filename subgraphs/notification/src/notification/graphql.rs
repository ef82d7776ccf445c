//! The fields and queries of a notification.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID, Object, dataloader::DataLoader};
use subgraph_kit::{Error, NotificationId, UserId, ViewerExt as _};

use super::{
    Notification,
    store::{Own, Store},
};
use crate::user::User;

/// Queries.
pub struct NotificationQuery;

#[ComplexObject]
impl Notification {
    /// Whom it is for; null when that account is gone.
    async fn user(&self) -> Option<User> {
        Some(User { id: self.user_id })
    }
}

#[Object(name = "Query")]
impl NotificationQuery {
    /// One of the signed-in user's own notifications; null for everyone else, admins included, as
    /// if it did not exist.
    async fn notification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The notification's id.")] id: NotificationId,
    ) -> Option<Result<Notification, Error>> {
        own(ctx, id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_notification_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Notification>, Error> {
        let Some(id) = NotificationId::from_key(&id) else { return Ok(None) };
        own(ctx, id).await
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, id: ID) -> Option<User> {
        UserId::from_key(&id).map(|id| User { id })
    }
}

async fn own(ctx: &Context<'_>, id: NotificationId) -> Result<Option<Notification>, Error> {
    let Some(user) = ctx.viewer().id() else { return Ok(None) };
    ctx.data_unchecked::<Arc<DataLoader<Store>>>().load_one(Own { user, id }).await
}
