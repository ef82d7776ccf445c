//! A student's enrollment in a course, as the enrollment subgraph knows it.

use contracts::{CourseId, PaymentId, UserId};
use serde::Deserialize;
use serde_json::json;
use service::{Credentials, Peers};
use subgraph_kit::Error;

const ENROLLMENT: &str = include_str!("../../../operations/services/payment/enrollment/EnrollmentInCourse.graphql");

/// A student's enrollment in a course.
#[derive(Clone, Debug, Deserialize)]
pub struct Enrollment {
    status: String,
    payment: Option<Key>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Key {
    id: PaymentId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    enrollment_in_course: Option<Enrollment>,
}

impl Enrollment {
    /// Queries the enrollment subgraph on behalf of the student or an admin. None if the student is not enrolled.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the enrollment subgraph is unavailable.
    pub async fn find(
        peers: &Peers,
        credentials: &Credentials,
        student: UserId,
        course: CourseId,
    ) -> Result<Option<Self>, Error> {
        let variables = json!({ "courseId": course, "studentId": student });
        let answer: Answer = peers.query("enrollment", credentials, ENROLLMENT, variables).await?;
        Ok(answer.enrollment_in_course)
    }

    /// The payment that bought it, if one was needed.
    #[must_use]
    pub fn payment(&self) -> Option<PaymentId> {
        self.payment.map(|payment| payment.id)
    }

    /// Whether a refund of this payment takes a completion away.
    #[must_use]
    pub fn is_completed_with(&self, payment: PaymentId) -> bool {
        self.status == "COMPLETED" && self.payment() == Some(payment)
    }
}
