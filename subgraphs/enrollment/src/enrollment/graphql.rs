//! The fields, queries and mutations of an enrollment, and the entities that this subgraph adds to.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Error, ID, InputObject, Object, SimpleObject, dataloader::DataLoader};
use subgraph_kit::{CourseId, EnrollmentId, PaymentId, UserError, UserId, ViewerExt as _, answer};

use super::{Enrollment, Status, store::Store};
use crate::{course::Course, payment::Payment, user::User};

/// Queries.
pub struct EnrollmentQuery;

/// Mutations.
pub struct EnrollmentMutation;

/// How far a student has got on a course.
#[derive(Debug, InputObject)]
pub struct SetEnrollmentStatusInput {
    /// One of the signed-in student's own.
    pub enrollment_id: EnrollmentId,
    /// Further than it was.
    pub status: Status,
}

/// The outcome of `setEnrollmentStatus`.
#[derive(Debug, SimpleObject)]
pub struct SetEnrollmentStatusPayload {
    /// The enrollment as it is now; null when the change was refused.
    enrollment: Option<Enrollment>,
    /// Why the change was refused.
    user_errors: Vec<UserError>,
}

/// What the course subgraph says of a course's teacher, as `@requires` brings it here.
#[derive(Debug, InputObject)]
struct RequiredTeacher {
    id: ID,
}

#[ComplexObject]
impl Enrollment {
    /// Who is on the course; null when that account is gone.
    async fn student(&self) -> Option<User> {
        Some(User { id: self.student_id })
    }

    /// The course; null when it is gone.
    async fn course(&self) -> Option<Course> {
        Some(Course { id: self.course_id, teacher: None })
    }

    /// What paid for it; null for a free course, and for a viewer who may not see the payment:
    /// only the student and admins may.
    async fn payment(&self, ctx: &Context<'_>) -> Option<Payment> {
        self.payment_id.filter(|_| self.is_visible_to(ctx.viewer())).map(|id| Payment { id })
    }
}

#[Object(name = "Query")]
impl EnrollmentQuery {
    /// An enrollment by its id. Its student and admins may see it; for everyone else null, as if
    /// it did not exist.
    async fn enrollment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The enrollment's id.")] id: EnrollmentId,
    ) -> Option<Result<Enrollment, Error>> {
        visible_enrollment(ctx, id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_enrollment_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Enrollment>, Error> {
        let Some(id) = EnrollmentId::from_key(&id) else { return Ok(None) };
        visible_enrollment(ctx, id).await
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, id: ID) -> Option<User> {
        UserId::from_key(&id).map(|id| User { id })
    }

    #[graphql(entity)]
    async fn find_course_by_id(&self, #[graphql(key)] id: ID, teacher: Option<RequiredTeacher>) -> Option<Course> {
        let id = CourseId::from_key(&id)?;
        let teacher = teacher.and_then(|teacher| UserId::from_key(&teacher.id)).map(|id| User { id });
        Some(Course { id, teacher })
    }

    #[graphql(entity)]
    async fn find_payment_by_id(&self, id: ID) -> Option<Payment> {
        PaymentId::from_key(&id).map(|id| Payment { id })
    }
}

#[Object(name = "Mutation")]
impl EnrollmentMutation {
    /// Records that the signed-in student has got further on a course: from `ENROLLED` to
    /// `IN_PROGRESS`, and to `COMPLETED`. The enrollment's own student only.
    async fn set_enrollment_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which enrollment, and how far.")] input: SetEnrollmentStatusInput,
    ) -> Result<SetEnrollmentStatusPayload, Error> {
        let student = ctx.viewer().require_signed_in()?;
        let store = ctx.data_unchecked::<Arc<DataLoader<Store>>>().loader();

        let outcome =
            store.update_status(input.enrollment_id, student, |enrollment| enrollment.advance(input.status)).await;
        let (enrollment, user_errors) = answer(outcome)?;
        Ok(SetEnrollmentStatusPayload { enrollment, user_errors })
    }
}

async fn visible_enrollment(ctx: &Context<'_>, id: EnrollmentId) -> Result<Option<Enrollment>, Error> {
    let enrollment = ctx.data_unchecked::<Arc<DataLoader<Store>>>().load_one(id).await?;
    Ok(enrollment.filter(|enrollment| enrollment.is_visible_to(ctx.viewer())))
}
