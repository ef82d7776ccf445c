//! The query to the course subgraph, on behalf of the viewer.

use contracts::{Code, UserId};
use serde::Deserialize;
use serde_json::json;
use service::{Credentials, Peers};
use subgraph_kit::{Error, Rejection};

const PUBLISHED_COURSES: &str =
    include_str!("../../../../operations/services/identity/course/PublishedCourses.graphql");

#[derive(Deserialize)]
struct Answer {
    courses: Courses,
}

#[derive(Deserialize)]
struct Courses {
    nodes: Vec<Course>,
}

#[derive(Deserialize)]
struct Course {
    title: String,
}

/// Requires that a user teaches no course that is in the catalogue.
///
/// # Errors
/// `TEACHES_COURSES` if the user does; [`Error::Unavailable`] if course is unavailable.
pub async fn require_no_published_courses(peers: &Peers, viewer: &Credentials, user: UserId) -> Result<(), Error> {
    let answer: Answer = peers.query("course", viewer, PUBLISHED_COURSES, json!({ "teacherId": user })).await?;
    let Some(course) = answer.courses.nodes.into_iter().next() else { return Ok(()) };
    let message = format!(
        "the account teaches courses that are in the catalogue, such as “{}”: withdraw or delete them first",
        course.title
    );
    Err(Rejection::new(Code::TeachesCourses, message).into())
}
