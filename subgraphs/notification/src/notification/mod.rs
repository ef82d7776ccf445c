//! Something that the platform has to tell a user.

pub mod graphql;
pub mod live;
pub mod store;

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use sqlx::FromRow;
use subgraph_kit::{NotificationId, UserId};

/// Something that the platform has told a user. Only that user may ask for it by its id; admins
/// may see it in the user's list.
#[derive(Clone, Debug, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Notification {
    /// Names the notification in all subgraphs.
    pub id: NotificationId,
    /// What it is about.
    #[graphql(name = "type")]
    #[sqlx(rename = "type")]
    pub kind: Kind,
    /// At most 500 characters.
    pub title: String,
    /// Plain text; may be empty.
    pub body: String,
    /// Whether the user has read it.
    pub is_read: bool,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// Whom it is for.
    #[graphql(skip)]
    pub user_id: UserId,
}

/// What a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, sqlx::Type)]
#[graphql(name = "NotificationType")]
#[sqlx(type_name = "notification_type", rename_all = "snake_case")]
pub enum Kind {
    /// The user has signed up.
    Registration,
    /// The user has enrolled in a course.
    Enrollment,
    /// The user has paid, or got money back.
    Payment,
}
