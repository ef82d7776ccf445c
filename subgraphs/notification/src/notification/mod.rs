//! A message from the platform to a user.

pub mod graphql;
mod hub;
pub mod live;
pub mod retention;
pub mod setting;
pub mod store;
pub mod subject;

use async_graphql::{Enum, SimpleObject, resolver_utils::EnumType as _};
use contracts::{NotificationId, Timestamp, UserId};
use sqlx::FromRow;
use uuid::Uuid;

use self::subject::SubjectType;

/// A message from the platform to a user. Only that user may query it by its id; admins may see it in the user's list.
#[derive(Clone, Debug, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Notification {
    /// The id of the notification, a UUID.
    pub id: NotificationId,
    /// The subject of the notification.
    #[graphql(name = "type")]
    #[sqlx(rename = "type")]
    pub kind: Kind,
    /// The title of the notification, at most 500 characters.
    pub title: String,
    /// The text of the notification, as plain text; it may be empty.
    pub body: String,
    /// Whether the user has read the notification.
    pub is_read: bool,
    /// The time at which the notification was created.
    pub created_at: Timestamp,
    /// The recipient of the notification.
    #[graphql(skip)]
    pub user_id: UserId,
    /// The type of its subject, if it has one.
    #[graphql(skip)]
    pub subject_type: Option<SubjectType>,
    /// The id of its subject, if it has one.
    #[graphql(skip)]
    pub subject_id: Option<Uuid>,
}

/// The kind of event that a notification tells about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, sqlx::Type)]
#[graphql(name = "NotificationType")]
#[sqlx(type_name = "notification_type", rename_all = "snake_case")]
pub enum Kind {
    /// The user has created an account.
    Registration,
    /// The user was enrolled in a course, or an enrollment was revoked.
    Enrollment,
    /// The user has paid for a course, or was refunded.
    Payment,
    /// An admin has withdrawn a course that the user teaches.
    Course,
    /// What concerns the security of the account: somebody has signed in to it from where the user has not signed in
    /// before, or an export of its data is ready.
    Security,
}

impl Kind {
    /// All types.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::items().iter().map(|item| item.value)
    }

    /// Whether a user may switch notifications of this type off. Receipts, what an admin has done to a teacher's course,
    /// with the reason, and what concerns the security of the account are sent to everybody.
    #[must_use]
    pub fn can_be_disabled(self) -> bool {
        match self {
            Self::Registration | Self::Enrollment => true,
            Self::Payment | Self::Course | Self::Security => false,
        }
    }
}
