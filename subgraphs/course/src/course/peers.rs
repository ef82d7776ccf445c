//! The queries to other subgraphs, on behalf of the viewer.

use contracts::CourseId;
use serde::Deserialize;
use serde_json::json;
use service::{Credentials, Peers};
use subgraph_kit::Error;

const ENROLLMENTS: &str =
    include_str!("../../../../operations/services/course/enrollment/CourseHasEnrollments.graphql");
const PAYMENTS: &str = include_str!("../../../../operations/services/course/payment/CourseHasPayments.graphql");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EnrollmentsAnswer {
    course_has_enrollments: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PaymentsAnswer {
    course_has_payments: bool,
}

/// Whether anybody has enrolled in the course or paid for it.
///
/// # Errors
/// [`Error::Unavailable`] if enrollment or payment is unavailable.
pub async fn has_students(peers: &Peers, viewer: &Credentials, course: CourseId) -> Result<bool, Error> {
    let course = json!({ "courseId": course });
    let enrollments: EnrollmentsAnswer = peers.query("enrollment", viewer, ENROLLMENTS, course.clone()).await?;
    if enrollments.course_has_enrollments {
        return Ok(true);
    }
    let payments: PaymentsAnswer = peers.query("payment", viewer, PAYMENTS, course).await?;
    Ok(payments.course_has_payments)
}
