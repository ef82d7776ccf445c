//! What this subgraph adds to a course.

use async_graphql::{ComplexObject, Context, SimpleObject};
use auth::seal::Fact;
use contracts::CourseId;
use service::ServiceContext;
use subgraph_kit::{
    Connection, ConnectionArgs, Error, TableExt as _, ViewerExt as _, connection,
    viewer::{Proof, Public},
};

use crate::enrollment::{
    Enrollment, Status,
    store::{EnrollmentFilter, EnrollmentKey},
};

/// A course in the catalogue. Everyone may see it, except for fields that say otherwise.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Course {
    /// The id of the course, a UUID.
    pub id: CourseId,
    /// The seal of who teaches it, by the course subgraph.
    #[graphql(external)]
    pub teacher_seal: Option<String>,
}

/// Proof that the teacher of a course or an admin is asking.
#[derive(Clone, Copy, Debug)]
pub struct OwnTeacherOrAdmin(CourseId);

impl Proof for OwnTeacherOrAdmin {
    type Owner = CourseId;

    fn owner(&self) -> CourseId {
        self.0
    }
}

#[ComplexObject]
impl Course {
    /// The number of students enrolled in the course, whatever their status. Everyone may see it. Null, with an error,
    /// if counting fails or takes too long.
    async fn enrollment_count(&self, ctx: &Context<'_>) -> Option<Result<i32, Error>> {
        let all = EnrollmentFilter::default();
        Some(connection::count_children::<Enrollment, _, _>(ctx, Public(self.id), all).await)
    }

    /// The signed-in user's own enrollment in the course; null if there is none, or if nobody is signed in.
    async fn viewer_enrollment(&self, ctx: &Context<'_>) -> Option<Result<Enrollment, Error>> {
        let student = ctx.viewer().id()?;
        ctx.table::<Enrollment>().load_one(EnrollmentKey { student, course: self.id }).await.transpose()
    }

    /// The enrollments in the course, newest first. Only the course's own teacher and admins may see them; for everyone
    /// else null, with a `FORBIDDEN` error.
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
            let proof = self.require_own_teacher_or_admin(ctx)?;
            let args = ConnectionArgs { first, after, last, before };
            connection::children(ctx, proof, EnrollmentFilter { status }, args).await
        };
        Some(page.await)
    }
}

impl Course {
    fn require_own_teacher_or_admin(&self, ctx: &Context<'_>) -> Result<OwnTeacherOrAdmin, Error> {
        if ctx.viewer().is_admin() || self.is_taught_by_viewer(ctx) {
            Ok(OwnTeacherOrAdmin(self.id))
        } else {
            Err(Error::Forbidden("only the course's own teacher and admins may see this"))
        }
    }

    /// Who teaches it is not to be believed because the router says so: only a seal of the viewer's own id will do.
    fn is_taught_by_viewer(&self, ctx: &Context<'_>) -> bool {
        let (Some(teacher), Some(seal)) = (ctx.viewer().id(), &self.teacher_seal) else { return false };
        ctx.data_unchecked::<ServiceContext>().seals.verify(Fact::CourseTeacher { course: self.id, teacher }, seal)
    }
}
