//! What a notification is about: an object of another subgraph, which that subgraph shows to those who may see it.

use async_graphql::{SimpleObject, Union};
use contracts::{CourseId, EnrollmentId, PaymentId};
use uuid::Uuid;

/// What a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Union)]
#[graphql(name = "NotificationSubject")]
pub enum Subject {
    /// A course.
    Course(Course),
    /// A payment.
    Payment(Payment),
    /// An enrollment.
    Enrollment(Enrollment),
}

/// A course. Everyone may see it, except for fields that say otherwise; a draft only its teacher and admins may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SimpleObject)]
#[graphql(unresolvable)]
pub struct Course {
    /// The id of the course, a UUID.
    pub id: CourseId,
}

/// The payment of a student for a course. Only that student and admins may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SimpleObject)]
#[graphql(unresolvable)]
pub struct Payment {
    /// The id of the payment, a UUID.
    pub id: PaymentId,
}

/// The enrollment of a student in a course. A student has at most one per course. Its student and admins may see it,
/// and the course's teacher in the course's own list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SimpleObject)]
#[graphql(unresolvable)]
pub struct Enrollment {
    /// The id of the enrollment, a UUID.
    pub id: EnrollmentId,
}

/// The type of a subject, in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "notification_subject", rename_all = "snake_case")]
pub enum SubjectType {
    /// A course.
    Course,
    /// A payment.
    Payment,
    /// An enrollment.
    Enrollment,
}

impl Subject {
    /// The subject of a row.
    #[must_use]
    pub fn from_columns(subject_type: SubjectType, id: Uuid) -> Self {
        match subject_type {
            SubjectType::Course => CourseId(id).into(),
            SubjectType::Payment => PaymentId(id).into(),
            SubjectType::Enrollment => EnrollmentId(id).into(),
        }
    }

    /// The columns of a row with this subject.
    #[must_use]
    pub fn columns(self) -> (SubjectType, Uuid) {
        match self {
            Self::Course(Course { id }) => (SubjectType::Course, id.0),
            Self::Payment(Payment { id }) => (SubjectType::Payment, id.0),
            Self::Enrollment(Enrollment { id }) => (SubjectType::Enrollment, id.0),
        }
    }
}

impl From<CourseId> for Subject {
    fn from(id: CourseId) -> Self {
        Self::Course(Course { id })
    }
}

impl From<PaymentId> for Subject {
    fn from(id: PaymentId) -> Self {
        Self::Payment(Payment { id })
    }
}

impl From<EnrollmentId> for Subject {
    fn from(id: EnrollmentId) -> Self {
        Self::Enrollment(Enrollment { id })
    }
}
