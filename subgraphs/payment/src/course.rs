//! A course, as a payment points to it, and as its own subgraph offers it.

use async_graphql::SimpleObject;
use contracts::{CourseId, money::Money};
use serde::Deserialize;
use serde_json::json;
use service::{Credentials, Peers};
use subgraph_kit::Error;

const QUOTE: &str = include_str!("../../../operations/services/payment/course/CourseQuote.graphql");

/// A course in the catalogue. Everyone may see it, except for fields that say otherwise.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(unresolvable)]
pub struct Course {
    /// The id of the course, a UUID.
    pub id: CourseId,
}

/// What the course subgraph says of a course at this moment.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CourseQuote {
    /// How it is called.
    pub title: String,
    /// Whether it costs nothing.
    pub is_free: bool,
    /// What it costs, if anything.
    pub price: Option<Money>,
}

#[derive(Deserialize)]
struct Answer {
    course: Option<CourseQuote>,
}

impl CourseQuote {
    /// Asks the course subgraph, in somebody's name. None if there is no such course.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the course subgraph is unavailable.
    pub async fn find(peers: &Peers, credentials: &Credentials, id: CourseId) -> Result<Option<Self>, Error> {
        let answer: Answer = peers.query("course", credentials, QUOTE, json!({ "id": id })).await?;
        Ok(answer.course)
    }
}
