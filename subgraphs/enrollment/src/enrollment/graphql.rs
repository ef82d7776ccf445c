//! The fields, queries and mutations of an enrollment, and the entities that this subgraph extends.

use async_graphql::{Any, ComplexObject, Context, ID, InputObject, Object, SimpleObject, Value};
use contracts::{CourseId, EnrollmentId, PaymentId, UserId};
use subgraph_kit::{
    Connection, ConnectionArgs, Error, TableExt as _, UserError, ViewerExt as _, connection, into_payload, list::Order,
    objects::Entity,
};

use super::{
    Enrollment, RemovalRequest, Status,
    store::{self, EnrollmentFilter, EnrollmentKey},
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
    /// The new status, which must not be earlier than the current one. The current one again changes nothing.
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

/// The course to leave.
#[derive(Debug, InputObject)]
pub struct LeaveCourseInput {
    /// The id of a course in which the signed-in user is enrolled.
    pub course_id: CourseId,
}

/// The payload of `leaveCourse`.
#[derive(Debug, SimpleObject)]
pub struct LeaveCoursePayload {
    /// The id of the enrollment that has ended; null if leaving was rejected.
    enrollment_id: Option<EnrollmentId>,
    /// The reasons why nothing was changed; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The enrollment to end, and the reason.
#[derive(Debug, InputObject)]
pub struct RemoveStudentInput {
    /// The id of an enrollment in a course that the signed-in teacher teaches; for admins, of any enrollment.
    pub enrollment_id: EnrollmentId,
    /// The reason, which the student is told; 1 to 500 characters, without control characters other than line breaks and
    /// tabs.
    pub reason: String,
    /// Confirms that the student may lose a completion of the course: without this, the removal of a student who has
    /// completed the course is rejected.
    #[graphql(default)]
    pub confirm_completion_loss: bool,
}

/// The payload of `removeStudent`.
#[derive(Debug, SimpleObject)]
pub struct RemoveStudentPayload {
    /// The id of the enrollment that has ended; null if the removal was rejected.
    enrollment_id: Option<EnrollmentId>,
    /// The reasons why nothing was changed; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The student to enroll, and the course.
#[derive(Debug, InputObject)]
pub struct GrantEnrollmentInput {
    /// The id of a course that the signed-in teacher teaches; for admins, of any course. It may have a price.
    pub course_id: CourseId,
    /// The id of the user to enroll, who must not be the course's teacher.
    pub student_id: UserId,
}

/// The payload of `grantEnrollment`.
#[derive(Debug, SimpleObject)]
pub struct GrantEnrollmentPayload {
    /// The new enrollment; null if it was rejected.
    enrollment: Option<Enrollment>,
    /// The reasons why the mutation was rejected; empty if it succeeded.
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

    /// The payment that bought the enrollment; null if the course is free. Only the student and admins may see it; it
    /// is null for everyone else.
    async fn payment(&self, ctx: &Context<'_>) -> Option<Payment> {
        self.payment_id.filter(|_| self.is_visible_to(ctx.viewer())).map(|id| Payment { id })
    }
}

#[Object(name = "Query")]
impl EnrollmentQuery {
    /// Returns the enrollment with this id. Its student and admins may see it; it is null for everyone else, as if it
    /// did not exist.
    async fn enrollment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the enrollment.")] id: EnrollmentId,
    ) -> Option<Result<Enrollment, Error>> {
        visible_enrollment(ctx, id).await.transpose()
    }

    /// Returns the enrollment of a student in a course. The student and admins may see it; it is null for everyone else,
    /// as if it did not exist. For other subgraphs, not for clients.
    #[graphql(inaccessible)]
    async fn enrollment_in_course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the course.")] course_id: CourseId,
        #[graphql(desc = "The id of the student.")] student_id: UserId,
    ) -> Option<Result<Enrollment, Error>> {
        if !ctx.viewer().is_self_or_admin(student_id) {
            return None;
        }
        let key = EnrollmentKey { student: student_id, course: course_id };
        ctx.table::<Enrollment>().load_one(key).await.transpose()
    }

    /// Returns all enrollments, newest first. Only admins may query them; it is null for everyone else, with an error
    /// (`FORBIDDEN`, or `UNAUTHENTICATED` if nobody is signed in).
    #[graphql(tag = "internal")]
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

    /// Whether anybody is enrolled in the course, or ever was. For the course subgraph; not for clients.
    #[graphql(inaccessible)]
    async fn course_has_enrollments(&self, ctx: &Context<'_>, course_id: CourseId) -> Option<Result<bool, Error>> {
        Some(store::exist_in(ctx.table::<Enrollment>().loader(), course_id).await)
    }

    /// What this service has of the signed-in user, as JSON. For `exportMyData` of the identity subgraph; not for clients.
    #[graphql(inaccessible)]
    async fn enrollment_data(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        let data = async {
            let viewer = ctx.viewer().require_signed_in()?;
            crate::export::data_of(ctx.table::<Enrollment>().loader().db(), viewer.id()).await
        };
        Some(data.await)
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
    /// Enrolls the signed-in user in a course. Students may do this, and teachers in the courses of others. A paid course
    /// needs a completed payment, which `purchaseCourse` makes; the payment also creates the enrollment automatically soon
    /// afterwards, so call this mutation for free courses, to avoid waiting, or to come back to a paid course after
    /// `leaveCourse`. It is null, with an error, if the mutation fails.
    ///
    /// `userErrors`: `NOT_FOUND`, `OWN_COURSE`, `COURSE_WITHDRAWN` (unless the student paid before), `ALREADY_ENROLLED`,
    /// `PAYMENT_REQUIRED`, `PAYMENT_NOT_VALID`, `TOO_MANY_CHANGES` (20 enrollments of the student in this course have
    /// begun; an admin can enroll the student again). A student who completed the course, and whose enrollment ended by leaving
    /// or by a refund, has the completion again.
    async fn enroll(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The course to enroll in, and its payment.")] input: EnrollInput,
    ) -> Option<Result<EnrollPayload, Error>> {
        let payload = async {
            let student = ctx.viewer().require_learner()?;

            let outcome = workflow::enroll(ctx, student, input.course_id, input.payment_id).await;
            let (enrollment, user_errors) = into_payload(outcome)?;
            Ok(EnrollPayload { enrollment, user_errors })
        };
        Some(payload.await)
    }

    /// Records the progress of the signed-in student in a course: from `ENROLLED` to `IN_PROGRESS`, and to `COMPLETED`.
    /// Only the enrollment's own student may do this. The same status again succeeds and changes nothing. `userErrors`:
    /// `NOT_FOUND`, and `INVALID_STATUS_TRANSITION` for an earlier status. It is null, with an error, if the mutation
    /// fails.
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

    /// Ends the signed-in user's own enrollment in a course. A payment is not refunded; the student can come back with
    /// it (`enroll` with `paymentId`), and then has the progress `COMPLETED` again if the course was completed.
    /// `userErrors`: `NOT_FOUND` if the user is not enrolled in the course. It is null, with an error, if the mutation
    /// fails.
    async fn leave_course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The course to leave.")] input: LeaveCourseInput,
    ) -> Option<Result<LeaveCoursePayload, Error>> {
        let payload = async {
            let student = ctx.viewer().require_signed_in()?;
            let db = ctx.table::<Enrollment>().loader().db();

            let outcome = workflow::leave(db, student, input.course_id).await;
            let (enrollment_id, user_errors) = into_payload(outcome)?;
            Ok(LeaveCoursePayload { enrollment_id, user_errors })
        };
        Some(payload.await)
    }

    /// Ends the enrollment of a student, who is told the reason. Only the course's teacher and admins may do this. A
    /// payment is not refunded, and buys no other enrollment: an admin may refund it. The student may enroll again in a
    /// free course. `userErrors`: `NOT_FOUND`, also for an enrollment in the course of another teacher;
    /// `INVALID_INPUT`; `COMPLETION_WOULD_BE_LOST` if the student has completed the course, until
    /// `confirmCompletionLoss` is true (the completion does not come back). It is null, with an error, if the mutation
    /// fails.
    async fn remove_student(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The enrollment to end, and the reason.")] input: RemoveStudentInput,
    ) -> Option<Result<RemoveStudentPayload, Error>> {
        let payload = async {
            let remover = ctx.viewer().require_teacher_or_admin()?;

            let outcome = async {
                let RemoveStudentInput { enrollment_id, reason, confirm_completion_loss } = input;
                let request = RemovalRequest::try_new(enrollment_id, &reason, confirm_completion_loss)?;
                workflow::remove(ctx, remover, request).await
            };
            let (enrollment_id, user_errors) = into_payload(outcome.await)?;
            Ok(RemoveStudentPayload { enrollment_id, user_errors })
        };
        Some(payload.await)
    }

    /// Enrolls a student in a course without a payment; the student is notified. Only the course's teacher and admins
    /// may do this. `userErrors`: `NOT_FOUND` (also of a draft), `COURSE_WITHDRAWN`, `ALREADY_ENROLLED`, `OWN_COURSE`, and
    /// for teachers `TOO_MANY_CHANGES`: within 24 hours a teacher can enroll 500 students, and the same student 5 times;
    /// and 20 enrollments of one student in one course can begin. It is null, with an error, if the mutation fails.
    async fn grant_enrollment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The student to enroll, and the course.")] input: GrantEnrollmentInput,
    ) -> Option<Result<GrantEnrollmentPayload, Error>> {
        let payload = async {
            let granter = ctx.viewer().require_teacher_or_admin()?;

            let outcome = workflow::grant(ctx, granter, input.course_id, input.student_id).await;
            let (enrollment, user_errors) = into_payload(outcome)?;
            Ok(GrantEnrollmentPayload { enrollment, user_errors })
        };
        Some(payload.await)
    }
}

async fn visible_enrollment(ctx: &Context<'_>, id: EnrollmentId) -> Result<Option<Enrollment>, Error> {
    let enrollment = ctx.table::<Enrollment>().load_one(id).await?;
    Ok(enrollment.filter(|enrollment| enrollment.is_visible_to(ctx.viewer())))
}
