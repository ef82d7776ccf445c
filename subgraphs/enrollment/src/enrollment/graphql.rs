//! The fields, queries and mutations of an enrollment, and the entities that this subgraph extends.

use async_graphql::{Any, ComplexObject, Context, ID, InputObject, Object, SimpleObject, Value};
use contracts::{CourseId, EnrollmentId, PaymentId, UserId};
use subgraph_kit::{
    Connection, ConnectionArgs, Error, TableExt as _, UserError, ViewerExt as _, connection, into_payload, list::Order,
    objects::Entity,
};

use super::{
    Enrollment, Status,
    store::{self, EnrollmentFilter},
    workflow,
};
use crate::{course::Course, payment::Payment, user::User};

/// Queries.
pub struct EnrollmentQuery;

/// Mutations.
pub struct EnrollmentMutation;

/// The course to enroll in, and its payment.
#[derive(Debug, InputObject)]
pub struct EnrollInput {
    /// The id of the course.
    pub course_id: CourseId,
    /// The id of a completed payment of the signed-in student for this course that has not been used yet. It can be
    /// left out if the course is free.
    pub payment_id: Option<PaymentId>,
}

/// The payload of `enroll`.
#[derive(Debug, SimpleObject)]
pub struct EnrollPayload {
    /// The new enrollment; null if it was rejected.
    enrollment: Option<Enrollment>,
    /// The reasons why the mutation was rejected; empty if it succeeded.
    user_errors: Vec<UserError>,
}

/// The enrollment, and its new status.
#[derive(Debug, InputObject)]
pub struct SetEnrollmentStatusInput {
    /// The id of one of the signed-in student's own enrollments.
    pub enrollment_id: EnrollmentId,
    /// The new status, which must be later than the current one.
    pub status: Status,
}

/// The payload of `setEnrollmentStatus`.
#[derive(Debug, SimpleObject)]
pub struct SetEnrollmentStatusPayload {
    /// The enrollment after the change; null if the change was rejected.
    enrollment: Option<Enrollment>,
    /// The reasons why nothing was changed; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

#[ComplexObject]
impl Enrollment {
    /// The student; null if the account was deleted.
    async fn student(&self) -> Option<User> {
        Some(User { id: self.student_id })
    }

    /// The course; null if it was deleted.
    async fn course(&self) -> Option<Course> {
        Some(Course { id: self.course_id, teacher_seal: None })
    }

    /// The payment that bought the enrollment; null if the course is free. Only the student and admins may see it; for
    /// everyone else null.
    async fn payment(&self, ctx: &Context<'_>) -> Option<Payment> {
        self.payment_id.filter(|_| self.is_visible_to(ctx.viewer())).map(|id| Payment { id })
    }
}

#[Object(name = "Query")]
impl EnrollmentQuery {
    /// Returns the enrollment with this id. Its student and admins may see it; for everyone else null, as if it did not
    /// exist.
    async fn enrollment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the enrollment.")] id: EnrollmentId,
    ) -> Option<Result<Enrollment, Error>> {
        visible_enrollment(ctx, id).await.transpose()
    }

    /// Returns all enrollments, newest first. Only admins may query them; for everyone else null, with an error
    /// (`FORBIDDEN`, or `UNAUTHENTICATED` if nobody is signed in).
    async fn enrollments(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Returns only enrollments with this status.")] status: Option<Status>,
    ) -> Option<Result<Connection<Enrollment>, Error>> {
        let list = async {
            let admin = ctx.viewer().require_admin()?;
            let args = ConnectionArgs { first, after, last, before };
            connection::list(ctx, admin, Order::NewestFirst, EnrollmentFilter { status }, args).await
        };
        Some(list.await)
    }

    /// Whether anybody is enrolled in the course. For the course subgraph; not for clients.
    #[graphql(inaccessible)]
    async fn course_has_enrollments(&self, ctx: &Context<'_>, course_id: CourseId) -> Option<Result<bool, Error>> {
        let exist = store::exist_in(ctx.table::<Enrollment>().loader().db(), course_id).await;
        Some(exist.map_err(Error::from))
    }

    #[graphql(entity)]
    async fn find_enrollment_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Entity<Enrollment>>, Error> {
        let Some(id) = EnrollmentId::from_key(&id) else { return Ok(None) };
        Ok(visible_enrollment(ctx, id).await?.map(Entity))
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, id: ID) -> Option<User> {
        UserId::from_key(&id).map(|id| User { id })
    }

    #[graphql(entity)]
    async fn find_course_by_id(&self, #[graphql(key)] id: ID, teacher_seal: Option<Any>) -> Option<Course> {
        let id = CourseId::from_key(&id)?;
        // A value that is not a string is no seal, and fails this course's enrollments alone: an argument of type
        // `String` would fail the whole `_entities` request.
        let teacher_seal =
            teacher_seal.and_then(|seal| if let Value::String(seal) = seal.0 { Some(seal) } else { None });
        Some(Course { id, teacher_seal })
    }

    #[graphql(entity)]
    async fn find_payment_by_id(&self, id: ID) -> Option<Payment> {
        PaymentId::from_key(&id).map(|id| Payment { id })
    }
}

#[Object(name = "Mutation")]
impl EnrollmentMutation {
    /// Enrolls the signed-in student in a course. Only students may do this. A paid course needs a completed payment,
    /// which `purchaseCourse` makes; the payment also creates the enrollment automatically soon afterwards, so call
    /// this mutation for free courses, or to avoid waiting. Null, with an error, if the mutation fails.
    async fn enroll(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The course to enroll in, and its payment.")] input: EnrollInput,
    ) -> Option<Result<EnrollPayload, Error>> {
        let payload = async {
            let student = ctx.viewer().require_student()?;

            let outcome = workflow::enroll(ctx, student, input.course_id, input.payment_id).await;
            let (enrollment, user_errors) = into_payload(outcome)?;
            Ok(EnrollPayload { enrollment, user_errors })
        };
        Some(payload.await)
    }

    /// Records the progress of the signed-in student in a course: from `ENROLLED` to `IN_PROGRESS`, and to `COMPLETED`.
    /// Only the enrollment's own student may do this. Null, with an error, if the mutation fails.
    async fn set_enrollment_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The enrollment, and its new status.")] input: SetEnrollmentStatusInput,
    ) -> Option<Result<SetEnrollmentStatusPayload, Error>> {
        let payload = async {
            let student = ctx.viewer().require_signed_in()?;
            let db = ctx.table::<Enrollment>().loader().db();

            let outcome = workflow::advance(db, student, input.enrollment_id, input.status).await;
            let (enrollment, user_errors) = into_payload(outcome)?;
            Ok(SetEnrollmentStatusPayload { enrollment, user_errors })
        };
        Some(payload.await)
    }
}

async fn visible_enrollment(ctx: &Context<'_>, id: EnrollmentId) -> Result<Option<Enrollment>, Error> {
    let enrollment = ctx.table::<Enrollment>().load_one(id).await?;
    Ok(enrollment.filter(|enrollment| enrollment.is_visible_to(ctx.viewer())))
}
