//! What this subgraph adds to a course.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, SimpleObject, dataloader::DataLoader};
use auth::seal::Fact;
use contracts::CourseId;
use service::ServiceContext;
use subgraph_kit::{
    Connection, Error, PageArgs, ViewerExt as _,
    children::ParentCount,
    connection::{self, count_within_deadline},
    list::Paginated as _,
};

use crate::enrollment::{
    Enrollment, Status,
    store::{EnrollmentFilter, EnrollmentKey, Store},
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

#[ComplexObject]
impl Course {
    /// The number of students enrolled in the course, whatever their status. Everyone may see it. Null, with an error,
    /// if counting fails or takes too long.
    async fn enrollment_count(&self, ctx: &Context<'_>) -> Option<Result<i32, Error>> {
        let everyone = ParentCount { parent: self.id, filter: EnrollmentFilter::default() };
        let count = async { Ok(loader(ctx).load_one(everyone).await?.unwrap_or(0)) };
        Some(count_within_deadline(ctx, count).await)
    }

    /// The signed-in user's own enrollment in the course; null if there is none, or if nobody is signed in.
    async fn viewer_enrollment(&self, ctx: &Context<'_>) -> Option<Result<Enrollment, Error>> {
        let student = ctx.viewer().id()?;
        loader(ctx).load_one(EnrollmentKey { student, course: self.id }).await.transpose()
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
            self.require_own_teacher_or_admin(ctx)?;
            let args = PageArgs::try_new(Enrollment::TYPE_NAME, first, after.as_deref(), last, before.as_deref())?;
            connection::children::<Store, Enrollment, _, _>(ctx, self.id, EnrollmentFilter { status }, args).await
        };
        Some(page.await)
    }
}

impl Course {
    fn require_own_teacher_or_admin(&self, ctx: &Context<'_>) -> Result<(), Error> {
        if ctx.viewer().is_admin() || self.is_taught_by_viewer(ctx) {
            Ok(())
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

fn loader<'a>(ctx: &Context<'a>) -> &'a Arc<DataLoader<Store>> {
    ctx.data_unchecked()
}
