//! The fields that this subgraph adds to a user.

use async_graphql::{ComplexObject, Context, SimpleObject};
use contracts::{CourseId, UserId};
use subgraph_kit::{Connection, ConnectionArgs, Error, TableExt as _, ViewerExt as _, connection};

use crate::{
    enrollment::{Enrollment, Status, store::EnrollmentFilter},
    history::{EnrollmentChange, store::OfStudent},
};

/// A person with an account on the platform. Everyone may see it, except for fields that say otherwise.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct User {
    /// The id of the user, a UUID.
    pub id: UserId,
}

#[ComplexObject]
impl User {
    /// The enrollments of the user, newest first. Only the user and admins may see them; it is null for everyone else,
    /// with a `FORBIDDEN` error.
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
            let proof = ctx.viewer().require_self_or_admin(self.id)?;
            let args = ConnectionArgs { first, after, last, before };
            connection::children(ctx, proof, EnrollmentFilter { status }, args).await
        };
        Some(page.await)
    }

    /// The last 100 changes of the user's enrollments, newest first, those that have ended included. To see all changes of
    /// an enrollment that has many, name its course. Only the user and admins may see them; it is null for everyone else,
    /// with a `FORBIDDEN` error.
    async fn enrollment_history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns only what happened to the enrollment in the course with this id.")] course_id: Option<
            CourseId,
        >,
    ) -> Option<Result<Vec<EnrollmentChange>, Error>> {
        let changes = async {
            let proof = ctx.viewer().require_self_or_admin(self.id)?;
            let changes = ctx.table::<Enrollment>().load_one(OfStudent::new(proof, course_id)).await?;
            Ok(changes.unwrap_or_default())
        };
        Some(changes.await)
    }
}
