//! Deleting a course, which asks other services first.

use async_graphql::Context;
use contracts::{Code, CourseId};
use service::{CredentialsExt as _, Peers};
use subgraph_kit::{Error, Rejection, ViewerExt as _};

use super::{State, not_found, peers, store::Store};

/// Deletes a course that nobody has enrolled in or paid for. No transaction is open while the other services are asked:
/// whoever buys the course at that very moment keeps what they bought, as with any deleted course.
///
/// # Errors
/// `NOT_FOUND`, `COURSE_HAS_ENROLLMENTS`; [`Error::Forbidden`] unless the viewer manages the course;
/// [`Error::Unavailable`] if enrollment or payment is unavailable.
pub async fn delete(ctx: &Context<'_>, id: CourseId) -> Result<CourseId, Error> {
    let store = ctx.data_unchecked::<Store>();
    loop {
        let course = store.find(id).await?.ok_or_else(not_found)?;
        course.require_managed_by(ctx.viewer())?;
        if course.state != State::Draft
            && peers::has_students(ctx.data_unchecked::<Peers>(), ctx.credentials(), id).await?
        {
            let message = "somebody has enrolled in this course or paid for it: withdraw it instead";
            return Err(Rejection::new(Code::CourseHasEnrollments, message).at("courseId").into());
        }
        // Published meanwhile, a draft may have got students.
        if store.delete(id, course.state).await? {
            return Ok(id);
        }
    }
}
