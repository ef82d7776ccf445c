//! The fields of a change that lead to other types.

use async_graphql::ComplexObject;

use super::EnrollmentChange;
use crate::{course::Course, user::User};

#[ComplexObject]
impl EnrollmentChange {
    /// Who made the change; null if a purchase or a refund did, or if the account was deleted.
    async fn changed_by(&self) -> Option<User> {
        self.changed_by.map(|id| User { id })
    }

    /// The student; null if the account was deleted.
    async fn student(&self) -> Option<User> {
        Some(User { id: self.student_id })
    }

    /// The course; null if it was deleted.
    async fn course(&self) -> Option<Course> {
        Some(Course { id: self.course_id, teacher_seal: None })
    }
}
