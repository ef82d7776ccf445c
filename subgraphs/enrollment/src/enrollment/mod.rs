//! A student's enrollment in a course, and its progress.

pub mod graphql;
mod peers;
pub mod store;
pub(crate) mod workflow;

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use contracts::{Code, CourseId, EnrollmentId, PaymentId, Timestamp, UserId};
use sqlx::FromRow;
use subgraph_kit::{
    Rejection, Viewer,
    text::{self, TextRules},
};

/// The reason of a removal, in characters as in the table.
const REASON: TextRules = TextRules { is_required: true, is_multiline: true, max_length: Some(500) };

/// The enrollment of a student in a course. A student has at most one per course. Its student and admins may see it,
/// and the course's teacher may see it in the course's list.
#[derive(Clone, Debug, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Enrollment {
    /// The id of the enrollment, a UUID.
    pub id: EnrollmentId,
    /// The progress of the student in the course.
    pub status: Status,
    /// The time at which the student enrolled.
    pub enrolled_at: Timestamp,
    /// The time at which the student completed the course; null until then, and if it was completed before the platform
    /// recorded this.
    pub completed_at: Option<Timestamp>,
    /// The enrolled student.
    #[graphql(skip)]
    pub student_id: UserId,
    /// The course.
    #[graphql(skip)]
    pub course_id: CourseId,
    /// The payment that bought it, if one was needed.
    #[graphql(skip)]
    pub payment_id: Option<PaymentId>,
}

/// The progress of a student in a course, in this order: `ENROLLED`, `IN_PROGRESS`, `COMPLETED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enum, sqlx::Type)]
#[graphql(name = "EnrollmentStatus")]
#[sqlx(type_name = "enrollment_status", rename_all = "snake_case")]
pub enum Status {
    /// The student is enrolled and has not started yet.
    Enrolled,
    /// The student has started the course.
    InProgress,
    /// The student has completed the course.
    Completed,
}

impl Enrollment {
    /// Whether the viewer may see the enrollment, whichever field returns it. (The course's teacher may only in the
    /// course's own list, which verifies the teacher.)
    #[must_use]
    pub fn is_visible_to(&self, viewer: &Viewer) -> bool {
        viewer.is_self_or_admin(self.student_id)
    }

    /// Advances the status, which never moves back: a certificate may already have been issued. Returns whether anything
    /// has changed: a client may repeat a request whose answer was lost.
    ///
    /// # Errors
    /// `INVALID_STATUS_TRANSITION` if `to` is earlier than the current status.
    pub fn advance(&mut self, to: Status, now: DateTime<Utc>) -> Result<bool, Rejection> {
        if to < self.status {
            let message = "the status can only advance: ENROLLED, IN_PROGRESS, COMPLETED";
            return Err(Rejection::new(Code::InvalidStatusTransition, message).at("status"));
        }
        let has_changed = to != self.status;
        if has_changed && to == Status::Completed {
            self.completed_at = Some(now.into());
        }
        self.status = to;
        Ok(has_changed)
    }
}

/// A request to remove a student.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovalRequest {
    /// The enrollment to end.
    pub id: EnrollmentId,
    /// The reason, which the student is told.
    pub reason: String,
    /// Whether the student may lose a completion of the course.
    pub confirms_completion_loss: bool,
}

impl RemovalRequest {
    /// Cleans and validates the inputs of a request.
    ///
    /// # Errors
    /// `INVALID_INPUT` for a reason that is empty, too long, or cannot be read.
    pub fn try_new(id: EnrollmentId, reason: &str, confirms_completion_loss: bool) -> Result<Self, Rejection> {
        Ok(Self { id, reason: text::clean("reason", reason, REASON)?, confirms_completion_loss })
    }
}

/// What became of a payment, for those who compare payments with enrollments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "PaymentRedemption")]
pub enum Redemption {
    /// No enrollment was created yet, nor was one rejected.
    None,
    /// The payment has bought an enrollment.
    Enrolled,
    /// The student has left the course that the payment bought, and may enroll with it again.
    Left,
    /// The student was removed from the course that the payment bought.
    Removed,
    /// The student was enrolled already, so the payment is to be refunded.
    Rejected,
    /// The payment was refunded.
    Refunded,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ALL: [Status; 3] = [Status::Enrolled, Status::InProgress, Status::Completed];

    fn enrollment(status: Status) -> Enrollment {
        Enrollment {
            id: EnrollmentId(Uuid::nil()),
            status,
            enrolled_at: Timestamp(DateTime::UNIX_EPOCH),
            completed_at: None,
            student_id: UserId(Uuid::nil()),
            course_id: CourseId(Uuid::nil()),
            payment_id: None,
        }
    }

    #[test]
    fn a_status_only_moves_forward() {
        for (from, &before) in ALL.iter().enumerate() {
            for (to, &after) in ALL.iter().enumerate() {
                let mut enrollment = enrollment(before);
                let now = DateTime::from_timestamp(1, 0).expect("a time");
                let outcome = enrollment.advance(after, now).map_err(|rejection| rejection.code);

                let expected = if to < from { Err(Code::InvalidStatusTransition) } else { Ok(to > from) };
                assert_eq!(outcome, expected, "{before:?} to {after:?}");
                assert_eq!(enrollment.status, if to < from { before } else { after });
                let is_new_completion = to > from && after == Status::Completed;
                assert_eq!(enrollment.completed_at, is_new_completion.then_some(now.into()));
            }
        }
    }
}
