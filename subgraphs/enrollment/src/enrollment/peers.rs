//! The queries to other subgraphs, on behalf of the student.

use contracts::{CourseId, PaymentId, UserId};
use serde::Deserialize;
use serde_json::json;
use service::{Credentials, Peers};
use subgraph_kit::Error;

use super::store::EnrollmentKey;

const COURSE: &str = include_str!("../../../../operations/services/enrollment/course/CourseToEnroll.graphql");
const USER: &str = include_str!("../../../../operations/services/enrollment/identity/UserToEnroll.graphql");
const PAYMENT: &str = include_str!("../../../../operations/services/enrollment/payment/PaymentToEnroll.graphql");

/// A course to enroll in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Course {
    pub title: String,
    pub is_free: bool,
    pub state: CourseState,
    teacher: Option<Key<UserId>>,
    /// The seal of who teaches it.
    pub teacher_seal: Option<String>,
}

/// The state of a course that the viewer may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CourseState {
    Draft,
    Published,
    Withdrawn,
}

/// A payment, as its own student sees it.
#[derive(Debug, Deserialize)]
pub struct Payment {
    status: String,
    /// Null if the account was deleted; `course` if the course was.
    student: Option<Key<UserId>>,
    course: Option<Key<CourseId>>,
}

#[derive(Debug, Deserialize)]
struct Key<T> {
    id: T,
}

#[derive(Deserialize)]
struct CourseAnswer {
    course: Option<Course>,
}

#[derive(Deserialize)]
struct UserAnswer {
    user: Option<Key<UserId>>,
}

#[derive(Deserialize)]
struct PaymentAnswer {
    payment: Option<Payment>,
}

pub async fn course(peers: &Peers, viewer: &Credentials, id: CourseId) -> Result<Option<Course>, Error> {
    let answer: CourseAnswer = peers.query("course", viewer, COURSE, json!({ "id": id })).await?;
    Ok(answer.course)
}

/// Whether there is such a user.
pub async fn user_exists(peers: &Peers, viewer: &Credentials, id: UserId) -> Result<bool, Error> {
    let answer: UserAnswer = peers.query("identity", viewer, USER, json!({ "id": id })).await?;
    Ok(answer.user.is_some_and(|user| user.id == id))
}

pub async fn payment(peers: &Peers, viewer: &Credentials, id: PaymentId) -> Result<Option<Payment>, Error> {
    let answer: PaymentAnswer = peers.query("payment", viewer, PAYMENT, json!({ "id": id })).await?;
    Ok(answer.payment)
}

impl Course {
    /// Whether this user teaches the course.
    pub fn is_taught_by(&self, user: UserId) -> bool {
        self.teacher.as_ref().is_some_and(|teacher| teacher.id == user)
    }
}

impl Payment {
    /// Whether the payment is completed, and was made for this enrollment.
    pub fn pays_for(&self, key: EnrollmentKey) -> bool {
        let is_theirs = self.student.as_ref().is_some_and(|student| student.id == key.student);
        let is_for_it = self.course.as_ref().is_some_and(|course| course.id == key.course);
        self.status == "COMPLETED" && is_theirs && is_for_it
    }
}
