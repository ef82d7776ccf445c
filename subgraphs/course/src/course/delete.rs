//! Deleting a course, which asks other services first.

use async_graphql::Context;
use contracts::{Code, CourseId};
use service::{CredentialsExt as _, Peers};
use subgraph_kit::{Error, Rejection, ViewerExt as _};

use super::{peers, store::Store};

/// Deletes a course that nobody has enrolled in or paid for. A published course is withdrawn first, so that nobody begins
/// to buy it while the other services are asked; if it cannot be deleted, it is published again. No transaction is open
/// meanwhile: a process that ends here leaves the course withdrawn, to be published or deleted by its teacher or an
/// admin. Whoever has begun to buy it before keeps what they bought, as with any deleted course.
///
/// # Errors
/// `NOT_FOUND`, `COURSE_HAS_ENROLLMENTS`; [`Error::Forbidden`] unless the viewer manages the course;
/// [`Error::Unavailable`] if enrollment or payment is unavailable.
pub async fn delete(ctx: &Context<'_>, id: CourseId) -> Result<CourseId, Error> {
    let store = ctx.data_unchecked::<Store>();
    loop {
        let deletion = store.begin_deletion(ctx.viewer(), id).await?;
        if !deletion.is_draft
            && let Err(refused) = require_no_students(ctx, id).await
        {
            store.cancel_deletion(&deletion).await?;
            return Err(refused);
        }
        // A course that has changed meanwhile may have been published, and have got students.
        if store.delete(&deletion).await? {
            return Ok(id);
        }
    }
}

async fn require_no_students(ctx: &Context<'_>, id: CourseId) -> Result<(), Error> {
    if peers::has_students(ctx.data_unchecked::<Peers>(), ctx.credentials(), id).await? {
        let message = "somebody has enrolled in this course or paid for it: withdraw it instead";
        return Err(Rejection::new(Code::CourseHasEnrollments, message).at("courseId").into());
    }
    Ok(())
}
