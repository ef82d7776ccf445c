//! A course, as a payment references it, and its quote by the course subgraph.

use async_graphql::SimpleObject;
use contracts::{Code, CourseId, money::Money};
use serde::Deserialize;
use serde_json::json;
use service::{Credentials, Peers};
use subgraph_kit::{Error, Rejection};

const QUOTE: &str = include_str!("../../../operations/services/payment/course/CourseQuote.graphql");

/// A course in the catalogue. Everyone may see it, except for fields that say otherwise.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(unresolvable)]
pub struct Course {
    /// The id of the course, a UUID.
    pub id: CourseId,
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

#[derive(Deserialize)]
struct QuoteData {
    course: Option<CourseQuote>,
}

impl CourseQuote {
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
