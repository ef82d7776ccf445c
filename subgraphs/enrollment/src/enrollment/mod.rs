//! A student's place on a course, and how far they have got.

pub mod graphql;
pub mod store;

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use sqlx::FromRow;
use subgraph_kit::{CourseId, EnrollmentId, PaymentId, UserId, Viewer};

/// A student's place on a course. A student has at most one per course. Its student and admins
/// may see it, and the course's teacher in the course's own list.
#[derive(Clone, Debug, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Enrollment {
    /// Names the enrollment in all subgraphs.
    pub id: EnrollmentId,
    /// How far the student has got.
    pub status: Status,
    /// When the student was enrolled.
    pub enrolled_at: DateTime<Utc>,
    /// Who is on the course.
    #[graphql(skip)]
    pub student_id: UserId,
    /// Which course.
    #[graphql(skip)]
    pub course_id: CourseId,
    /// What paid for it, if anything had to.
    #[graphql(skip)]
    pub payment_id: Option<PaymentId>,
}

/// How far a student has got on a course, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, sqlx::Type)]
#[graphql(name = "EnrollmentStatus")]
#[sqlx(type_name = "enrollment_status", rename_all = "snake_case")]
pub enum Status {
    /// Has a place, and has not begun.
    Enrolled,
    /// Has begun.
    InProgress,
    /// Is through.
    Completed,
}

impl Enrollment {
    /// Whether this viewer may see it wherever it turns up. (A course's teacher may only in the
    /// course's own list, which knows who the teacher is.)
    #[must_use]
    pub fn is_visible_to(&self, viewer: &Viewer) -> bool {
        viewer.is_self_or_admin(self.student_id)
    }
}
