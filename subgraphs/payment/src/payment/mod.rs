//! A student's payment for a course.

pub mod graphql;
pub mod store;

use async_graphql::{Enum, SimpleObject};
use contracts::{CourseId, PaymentId, Timestamp, UserId, events::Purchase, money::Money};
use sqlx::FromRow;
use subgraph_kit::Viewer;

/// The payment of a student for a course. Only that student and admins may see it.
#[derive(Clone, Debug, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Payment {
    /// The id of the payment, a UUID.
    pub id: PaymentId,
    /// The state of the payment.
    pub status: Status,
    /// The time at which the payment was created.
    pub created_at: Timestamp,
    /// The amount of the payment.
    #[graphql(skip)]
    pub amount: Money,
    /// The student who paid.
    #[graphql(skip)]
    pub student_id: UserId,
    /// The course that was paid for.
    #[graphql(skip)]
    pub course_id: CourseId,
}

/// The state of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, sqlx::Type)]
#[graphql(name = "PaymentStatus")]
#[sqlx(type_name = "payment_status", rename_all = "snake_case")]
pub enum Status {
    /// The outcome of the charge is not known yet.
    Pending,
    /// The payment was charged.
    Completed,
    /// The payment was declined; nothing was charged.
    Failed,
    /// The payment was refunded.
    Refunded,
}

impl Payment {
    /// Whether the viewer may see the payment, whichever field returns it.
    #[must_use]
    pub fn is_visible_to(&self, viewer: &Viewer) -> bool {
        viewer.is_self_or_admin(self.student_id)
    }

    /// The purchase, as events and the payment provider receive it.
    #[must_use]
    pub fn as_purchase(&self, course_title: String) -> Purchase {
        Purchase {
            payment_id: self.id,
            student_id: self.student_id,
            course_id: self.course_id,
            course_title,
            amount: self.amount,
        }
    }
}
