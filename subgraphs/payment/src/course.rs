//! A course, as a payment references it, the fields that this subgraph adds to it, and its quote by the course subgraph.

use async_graphql::{ComplexObject, Context, SimpleObject};
use contracts::{Code, CourseId, UserId, money::Money};
use serde::Deserialize;
use serde_json::json;
use service::{Credentials, OwnTeacherOrAdmin, Peers};
use subgraph_kit::{Error, Rejection, TableExt as _, ViewerExt as _};

use crate::{
    payment::{Payment, store::ActivePaymentOf},
    sales::{Sales, store::OfCourse},
};

const TEACHER: &str = include_str!("../../../operations/services/payment/course/CourseTeacher.graphql");
const QUOTE: &str = include_str!("../../../operations/services/payment/course/CourseQuote.graphql");

/// A course. Everyone may see it, except for fields that say otherwise; a draft only its teacher and admins may.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Course {
    /// The id of the course, a UUID.
    pub id: CourseId,
    /// The seal of who teaches it, by the course subgraph.
    #[graphql(external)]
    pub teacher_seal: Option<String>,
}

#[ComplexObject]
impl Course {
    /// The signed-in user's own payment for the course, if it is pending or completed; null if there is none, or if nobody
    /// is signed in.
    async fn viewer_payment(&self, ctx: &Context<'_>) -> Option<Result<Payment, Error>> {
        let student = ctx.viewer().id()?;
        ctx.table::<Payment>().load_one(ActivePaymentOf { student, course: self.id }).await.transpose()
    }

    /// The sales of the course. Only the course's teacher and admins may see them; it is null for everyone else, with a
    /// `FORBIDDEN` error.
    #[graphql(requires = "teacherSeal")]
    async fn sales(&self, ctx: &Context<'_>) -> Option<Result<Sales, Error>> {
        let sales = async {
            let proof = OwnTeacherOrAdmin::require(ctx, self.id, self.teacher_seal.as_deref())?;
            Ok(ctx.table::<Payment>().load_one(OfCourse::new(proof)).await?.unwrap_or_default())
        };
        Some(sales.await)
    }
}

/// The current title and price of a course.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CourseQuote {
    /// The course's title.
    pub title: String,
    /// Whether the course is free.
    pub is_free: bool,
    /// The course's price, if it has one.
    pub price: Option<Money>,
    /// Who teaches it.
    #[serde(default)]
    pub teacher: Option<TeacherKey>,
    /// The course's state.
    pub state: CourseState,
}

/// The state of a course that the viewer may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CourseState {
    /// Only its teacher and admins see it.
    Draft,
    /// It is in the catalogue.
    Published,
    /// It is sold no more.
    Withdrawn,
}

/// The key of a course's teacher.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct TeacherKey {
    /// The teacher's id.
    pub id: UserId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TeacherData {
    course_teacher: Option<TeacherKey>,
}

/// Who teaches a course, whatever its state. None if there is no such course.
///
/// # Errors
/// [`Error::Unavailable`] if the course subgraph is unavailable.
pub async fn find_teacher(peers: &Peers, id: CourseId) -> Result<Option<UserId>, Error> {
    let answer: TeacherData =
        peers.query("course", &Credentials::default(), TEACHER, json!({ "courseId": id })).await?;
    Ok(answer.course_teacher.map(|teacher| teacher.id))
}

#[derive(Deserialize)]
struct QuoteData {
    course: Option<CourseQuote>,
}

impl CourseQuote {
    /// Who teaches the course.
    #[must_use]
    pub fn teacher(&self) -> Option<UserId> {
        self.teacher.map(|teacher| teacher.id)
    }

    /// Queries the course subgraph with these credentials. None if there is no such course.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the course subgraph is unavailable.
    pub async fn find(peers: &Peers, credentials: &Credentials, id: CourseId) -> Result<Option<Self>, Error> {
        let answer: QuoteData = peers.query("course", credentials, QUOTE, json!({ "id": id })).await?;
        Ok(answer.course)
    }

    /// Requires a course that is sold.
    ///
    /// # Errors
    /// `NOT_FOUND` for a draft, `COURSE_WITHDRAWN`.
    pub fn require_published(self) -> Result<Self, Rejection> {
        match self.state {
            CourseState::Published => Ok(self),
            CourseState::Draft => Err(Rejection::not_found("course", "courseId")),
            CourseState::Withdrawn => {
                let message = "this course was withdrawn, and is not sold any more";
                Err(Rejection::new(Code::CourseWithdrawn, message).at("courseId"))
            }
        }
    }
}
