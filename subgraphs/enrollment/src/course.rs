//! The fields that this subgraph adds to a course.

use async_graphql::{ComplexObject, Context, SimpleObject};
use contracts::{CourseId, UserId};
use service::OwnTeacherOrAdmin;
use subgraph_kit::{Connection, ConnectionArgs, Error, TableExt as _, ViewerExt as _, connection, viewer::Public};

use crate::{
    enrollment::{
        Enrollment, Status,
        store::{EnrollmentFilter, EnrollmentKey},
    },
    history::{EnrollmentChange, store::OfCourse},
};

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
    /// The number of students enrolled in the course, whatever their status. Everyone may see it. It is null, with an
    /// error, if counting fails or takes too long.
    #[graphql(tag = "partner")]
    async fn enrollment_count(&self, ctx: &Context<'_>) -> Option<Result<i32, Error>> {
        let all = EnrollmentFilter::default();
        Some(connection::count_children::<Enrollment, _, _>(ctx, Public(self.id), all).await)
    }

    /// The signed-in user's own enrollment in the course; null if there is none, or if nobody is signed in.
    async fn viewer_enrollment(&self, ctx: &Context<'_>) -> Option<Result<Enrollment, Error>> {
        let student = ctx.viewer().id()?;
        ctx.table::<Enrollment>().load_one(EnrollmentKey { student, course: self.id }).await.transpose()
    }

    /// The enrollments in the course, newest first. Only the teacher of the course and admins may see them; it is null
    /// for everyone else, with a `FORBIDDEN` error.
    #[graphql(requires = "teacherSeal")]
    async fn enrollments(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Returns only enrollments with this status.")] status: Option<Status>,
    ) -> Option<Result<Connection<Enrollment>, Error>> {
        let page = async {
            let proof = OwnTeacherOrAdmin::require(ctx, self.id, self.teacher_seal.as_deref())?;
            let args = ConnectionArgs { first, after, last, before };
            connection::children(ctx, proof, EnrollmentFilter { status }, args).await
        };
        Some(page.await)
    }

    /// The last 100 changes of the enrollments in the course, newest first, those that have ended included. To see all
    /// changes of one student's enrollment, name the student. Only the course's teacher and admins may see them; it is
    /// null for everyone else, with a `FORBIDDEN` error.
    #[graphql(requires = "teacherSeal")]
    async fn enrollment_history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns only what happened to the enrollment of the student with this id.")]
        student_id: Option<UserId>,
    ) -> Option<Result<Vec<EnrollmentChange>, Error>> {
        let changes = async {
            let proof = OwnTeacherOrAdmin::require(ctx, self.id, self.teacher_seal.as_deref())?;
            let changes = ctx.table::<Enrollment>().load_one(OfCourse::new(proof, student_id)).await?;
            Ok(changes.unwrap_or_default())
        };
        Some(changes.await)
    }
}
