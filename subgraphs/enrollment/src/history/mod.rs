//! What happened to a student's place on a course, also after the enrollment has ended.

pub mod graphql;
pub mod store;

use async_graphql::{Enum, SimpleObject};
use contracts::{CourseId, Timestamp, UserId};

use crate::enrollment::Status;

/// A change of a student's enrollment in a course. It remains after the enrollment has ended. The student, the course's
/// teacher and admins may see it.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct EnrollmentChange {
    /// What has happened.
    pub kind: ChangeKind,
    /// The progress of the student after the change; if the change ended the enrollment, the progress until then.
    pub status: Status,
    /// The reason that was given for it; null if none was given.
    pub reason: Option<String>,
    /// The time of the change.
    pub changed_at: Timestamp,
    /// Who made the change; none if an event of a payment did.
    #[graphql(skip)]
    pub changed_by: Option<UserId>,
    /// The student.
    #[graphql(skip)]
    pub student_id: UserId,
    /// The course.
    #[graphql(skip)]
    pub course_id: CourseId,
}

/// What has happened to a student's enrollment in a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, sqlx::Type)]
#[graphql(name = "EnrollmentChangeKind")]
#[sqlx(type_name = "enrollment_change", rename_all = "snake_case")]
pub enum ChangeKind {
    /// The student enrolled, or bought the course.
    Enrolled,
    /// The course's teacher or an admin enrolled the student.
    Granted,
    /// The student recorded progress.
    StatusChanged,
    /// The student left the course, which ended the enrollment.
    Left,
    /// The course's teacher or an admin removed the student, which ended the enrollment.
    Removed,
    /// The payment was refunded, which ended the enrollment.
    Refunded,
}
