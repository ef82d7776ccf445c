//! The fields, queries and mutations of a notification.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject, Subscription};
use contracts::{NotificationId, UserId};
use futures::Stream;
use subgraph_kit::{Error, TableExt as _, UserError, ViewerExt as _, into_payload, objects::Entity};

use super::{
    Kind, Notification, live,
    setting::Setting,
    store::{OwnedKey, Store},
    subject::Subject,
};
use crate::user::User;

/// Queries.
pub struct NotificationQuery;

/// Mutations.
pub struct NotificationMutation;

/// Subscriptions.
pub struct NotificationSubscription;

/// The notification to mark as read.
#[derive(Debug, InputObject)]
pub struct MarkNotificationReadInput {
    /// The id of one of the signed-in user's own notifications.
    pub notification_id: NotificationId,
}

/// The payload of `markNotificationRead`.
#[derive(Debug, SimpleObject)]
pub struct MarkNotificationReadPayload {
    /// The notification after the change; null if the signed-in user has no such notification.
    notification: Option<Notification>,
    /// The reasons why nothing was marked; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The payload of `markAllNotificationsRead`.
#[derive(Debug, SimpleObject)]
pub struct MarkAllNotificationsReadPayload {
    /// The number of notifications that were unread before.
    count: i32,
    /// The reasons why nothing was marked; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The notification to delete.
#[derive(Debug, InputObject)]
pub struct DeleteNotificationInput {
    /// The id of one of the signed-in user's own notifications.
    pub notification_id: NotificationId,
}

/// The payload of `deleteNotification`.
#[derive(Debug, SimpleObject)]
pub struct DeleteNotificationPayload {
    /// The id of the notification that was deleted; null if the signed-in user has no such notification.
    deleted_notification_id: Option<NotificationId>,
    /// The reasons why nothing was deleted; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The payload of `deleteReadNotifications`.
#[derive(Debug, SimpleObject)]
pub struct DeleteReadNotificationsPayload {
    /// The number of notifications that were deleted.
    count: i32,
    /// Always empty: this mutation cannot be rejected.
    user_errors: Vec<UserError>,
}

/// The setting to change.
#[derive(Debug, InputObject)]
pub struct SetNotificationSettingInput {
    /// The type of the notifications.
    #[graphql(name = "type")]
    pub kind: Kind,
    /// Whether the signed-in user is to receive notifications of this type. `PAYMENT`, `COURSE` and `SECURITY` cannot be
    /// switched off, and a removal from a course is notified even while `ENROLLMENT` is off.
    pub is_enabled: bool,
}

/// The payload of `setNotificationSetting`.
#[derive(Debug, SimpleObject)]
pub struct SetNotificationSettingPayload {
    /// The setting after the change; null if the mutation was rejected.
    notification_setting: Option<Setting>,
    /// The reasons why nothing was changed; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

#[ComplexObject]
impl Notification {
    /// The user who received the notification; null if the account was deleted.
    async fn user(&self) -> Option<User> {
        Some(User { id: self.user_id })
    }

    /// What the notification is about, to lead there; null if it is about nothing in particular, or if it was written
    /// before there were subjects. Also null if the viewer may not see the object, or if it was deleted, unless only
    /// its id is selected.
    async fn subject(&self) -> Option<Subject> {
        Some(Subject::from_columns(self.subject_type?, self.subject_id?))
    }
}

#[Object(name = "Query")]
impl NotificationQuery {
    /// Returns one of the signed-in user's own notifications; it is null for everyone else, admins included, as if it
    /// did not exist.
    async fn notification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the notification.")] id: NotificationId,
    ) -> Option<Result<Notification, Error>> {
        own(ctx, id).await.transpose()
    }

    /// What this service has of the signed-in user, as JSON. For `exportMyData` of the identity subgraph; not for clients.
    #[graphql(inaccessible)]
    async fn notification_data(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        let data = async {
            let viewer = ctx.viewer().require_signed_in()?;
            crate::export::data_of(ctx.table::<Notification>().loader().db(), viewer.id()).await
        };
        Some(data.await)
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
    /// Marks one of the signed-in user's own notifications as read. Marking it again has no effect. `userErrors`:
    /// `NOT_FOUND`. It is null, with an error, if the mutation fails.
    async fn mark_notification_read(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The notification to mark.")] input: MarkNotificationReadInput,
    ) -> Option<Result<MarkNotificationReadPayload, Error>> {
        let payload = async {
            let user = ctx.viewer().require_signed_in()?;

            let outcome = store(ctx).mark_read(user, input.notification_id).await;
            let (notification, user_errors) = into_payload(outcome)?;
            Ok(MarkNotificationReadPayload { notification, user_errors })
        };
        Some(payload.await)
    }

    /// Marks all notifications of the signed-in user as read, or those up to one. `userErrors`: `NOT_FOUND` for an `upTo`
    /// that is none of them. It is null, with an error, if the mutation fails or nobody is signed in.
    async fn mark_all_notifications_read(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The id of one of the signed-in user's own notifications, such as the newest one on the screen: only this one and older ones are marked, so that one that arrives meanwhile stays unread. If it is left out, all are marked."
        )]
        up_to: Option<NotificationId>,
    ) -> Option<Result<MarkAllNotificationsReadPayload, Error>> {
        let payload = async {
            let user = ctx.viewer().require_signed_in()?;

            let outcome = match up_to {
                Some(last) => store(ctx).mark_read_up_to(user, last).await,
                None => store(ctx).mark_all_read(user).await,
            };
            let (marked, user_errors) = into_payload(outcome)?;
            // `upTo` is an argument of its own.
            let user_errors =
                user_errors.into_iter().map(|error| UserError { field: vec!["upTo".to_owned()], ..error });
            let user_errors = user_errors.collect();
            Ok(MarkAllNotificationsReadPayload { count: count(marked.unwrap_or(0)), user_errors })
        };
        Some(payload.await)
    }

    /// Deletes one of the signed-in user's own notifications for good. `userErrors`: `NOT_FOUND`. It is null, with an
    /// error, if the mutation fails.
    async fn delete_notification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The notification to delete.")] input: DeleteNotificationInput,
    ) -> Option<Result<DeleteNotificationPayload, Error>> {
        let payload = async {
            let user = ctx.viewer().require_signed_in()?;

            let outcome = store(ctx).delete(user, input.notification_id).await;
            let (deleted, user_errors) = into_payload(outcome)?;
            let deleted_notification_id = deleted.map(|()| input.notification_id);
            Ok(DeleteNotificationPayload { deleted_notification_id, user_errors })
        };
        Some(payload.await)
    }

    /// Deletes all notifications that the signed-in user has read, for good. It is null, with an error, if the mutation
    /// fails or nobody is signed in.
    async fn delete_read_notifications(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<DeleteReadNotificationsPayload, Error>> {
        let payload = async {
            let user = ctx.viewer().require_signed_in()?;

            let deleted = store(ctx).delete_read(user).await?;
            Ok(DeleteReadNotificationsPayload { count: count(deleted), user_errors: Vec::new() })
        };
        Some(payload.await)
    }

    /// Switches a type of notifications on or off for the signed-in user. Notifications that were sent before stay.
    /// `userErrors`: `INVALID_INPUT` for a type that cannot be switched off. It is null, with an error, if the mutation
    /// fails.
    async fn set_notification_setting(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The setting to change.")] input: SetNotificationSettingInput,
    ) -> Option<Result<SetNotificationSettingPayload, Error>> {
        let payload = async {
            let user = ctx.viewer().require_signed_in()?;

            let setting = Setting { kind: input.kind, is_enabled: input.is_enabled };
            let outcome = store(ctx).set_setting(user, setting).await;
            let (notification_setting, user_errors) = into_payload(outcome)?;
            Ok(SetNotificationSettingPayload { notification_setting, user_errors })
        };
        Some(payload.await)
    }
}

/// The subscriptions of the graph.
#[Subscription(name = "Subscription")]
impl NotificationSubscription {
    /// Sends the signed-in user's notifications in order as they are created. An anonymous client gets
    /// `UNAUTHENTICATED`. A stream ends with `UNAUTHENTICATED` when the access token expires, and with
    /// `SERVICE_UNAVAILABLE` when a server restarts; a connection can also break at any time. To miss nothing,
    /// subscribe again with the id of the last received notification as `after`. A client or user with too many open
    /// subscriptions gets `RATE_LIMITED`.
    async fn notification_added(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The id of one of the signed-in user's own notifications: the stream starts with all newer ones. Any other id is rejected with `BAD_USER_INPUT`. If it is left out, the stream sends only new notifications."
        )]
        after: Option<ID>,
    ) -> Result<impl Stream<Item = Result<Notification, Error>> + use<>, Error> {
        let user = ctx.viewer().require_signed_in()?;

        // Not parsed by its type: the error of a subscription's argument has no path to its field.
        let after = after.map(|id| NotificationId::from_key(&id).ok_or_else(|| Error::invalid("after", "not an id")));
        live::subscribe(store(ctx).clone(), user, after.transpose()?).await
    }
}

fn count(rows: u64) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}

fn store<'a>(ctx: &Context<'a>) -> &'a Store {
    ctx.data_unchecked()
}

async fn own(ctx: &Context<'_>, id: NotificationId) -> Result<Option<Notification>, Error> {
    let Some(user) = ctx.viewer().id() else { return Ok(None) };
    ctx.table::<Notification>().load_one(OwnedKey { user, id }).await
}
