//! The fields, queries and mutations of a notification.

use std::sync::Arc;

use async_graphql::{
    ComplexObject, Context, ID, InputObject, Object, SimpleObject, Subscription, dataloader::DataLoader,
};
use futures::Stream;
use subgraph_kit::{Error, NotificationId, UserError, UserId, ViewerExt as _, into_payload, objects::Entity};

use super::{
    Notification, live,
    store::{OwnedKey, Store},
};
use crate::user::User;

/// Queries.
pub struct NotificationQuery;

/// Mutations.
pub struct NotificationMutation;

/// Subscriptions.
pub struct NotificationSubscription;

/// A notification that its user has read.
#[derive(Debug, InputObject)]
pub struct MarkNotificationReadInput {
    /// One of the signed-in user's own.
    pub notification_id: NotificationId,
}

/// The outcome of `markNotificationRead`.
#[derive(Debug, SimpleObject)]
pub struct MarkNotificationReadPayload {
    /// The notification as it is now; null when there is none of this user's.
    notification: Option<Notification>,
    /// Why nothing was marked.
    user_errors: Vec<UserError>,
}

/// The outcome of `markAllNotificationsRead`.
#[derive(Debug, SimpleObject)]
pub struct MarkAllNotificationsReadPayload {
    /// How many had not been read before.
    count: i32,
    /// Empty: no notification can refuse.
    user_errors: Vec<UserError>,
}

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
    async fn find_notification_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Entity<Notification>>, Error> {
        let Some(id) = NotificationId::from_key(&id) else { return Ok(None) };
        Ok(own(ctx, id).await?.map(Entity))
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, id: ID) -> Option<User> {
        UserId::from_key(&id).map(|id| User { id })
    }
}

#[Object(name = "Mutation")]
impl NotificationMutation {
    /// Marks one of the signed-in user's own notifications as read. One that was read before stays so.
    /// Null, with an error, when it fails.
    async fn mark_notification_read(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] input: MarkNotificationReadInput,
    ) -> Option<Result<MarkNotificationReadPayload, Error>> {
        let payload = async {
            let user = ctx.viewer().require_signed_in()?;

            let outcome = store(ctx).mark_read(user, input.notification_id).await;
            let (notification, user_errors) = into_payload(outcome)?;
            Ok(MarkNotificationReadPayload { notification, user_errors })
        };
        Some(payload.await)
    }

    /// Marks all of the signed-in user's notifications as read. Null, with an error, when it fails.
    async fn mark_all_notifications_read(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<MarkAllNotificationsReadPayload, Error>> {
        let payload = async {
            let user = ctx.viewer().require_signed_in()?;

            let marked = store(ctx).mark_all_read(user).await?;
            Ok(MarkAllNotificationsReadPayload {
                count: i32::try_from(marked).unwrap_or(i32::MAX),
                user_errors: Vec::new(),
            })
        };
        Some(payload.await)
    }
}

/// What can be followed as it happens.
#[Subscription(name = "Subscription")]
impl NotificationSubscription {
    /// The signed-in user's notifications as they arrive, in the order in which they were written;
    /// `UNAUTHENTICATED` for everyone else. A stream ends with the access token, with
    /// `UNAUTHENTICATED`, and when a server restarts, with `SERVICE_UNAVAILABLE`; a connection can
    /// break at any time. To miss nothing, subscribe again with the id of the last notification that
    /// arrived as `after`. `RATE_LIMITED` for whoever has too many subscriptions open already.
    async fn notification_added(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "First everything that is newer than this one of the signed-in user's own; any other is a `BAD_USER_INPUT`. Left out: only what arrives from now on."
        )]
        after: Option<ID>,
    ) -> Result<impl Stream<Item = Result<Notification, Error>> + use<>, Error> {
        let user = ctx.viewer().require_signed_in()?;

        // Not by its type: what is wrong with an argument of a subscription has no path to its field.
        let after = after.map(|id| NotificationId::from_key(&id).ok_or_else(|| Error::invalid("after", "it is no id")));
        live::subscribe(store(ctx).clone(), user, after.transpose()?).await
    }
}

fn store<'a>(ctx: &Context<'a>) -> &'a Store {
    ctx.data_unchecked::<Arc<DataLoader<Store>>>().loader()
}

async fn own(ctx: &Context<'_>, id: NotificationId) -> Result<Option<Notification>, Error> {
    let Some(user) = ctx.viewer().id() else { return Ok(None) };
    ctx.data_unchecked::<Arc<DataLoader<Store>>>().load_one(OwnedKey { user, id }).await
}
