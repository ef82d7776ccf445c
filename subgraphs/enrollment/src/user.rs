//! What this subgraph adds to a user.

use async_graphql::{ComplexObject, Context, SimpleObject};
use contracts::UserId;
use subgraph_kit::{Connection, Error, PageArgs, ViewerExt as _, connection, list::Paginated as _};

use crate::enrollment::{
    Enrollment, Status,
    store::{EnrollmentFilter, Store},
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
    /// The enrollments of the user, newest first. Only the user and admins may see them; for everyone else null, with a
    /// `FORBIDDEN` error.
    async fn enrollments(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Returns up to this many items from the start of the list, 1 to 100. The default is 20 if `last` is not given either."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "Returns only items after this cursor, which comes from an edge or `pageInfo` of the same list."
        )]
        after: Option<String>,
        #[graphql(desc = "Returns up to this many items from the end of the list, 1 to 100.")] last: Option<i32>,
        #[graphql(
            desc = "Returns only items before this cursor, which comes from an edge or `pageInfo` of the same list."
        )]
        before: Option<String>,
        #[graphql(desc = "Returns only enrollments with this status.")] status: Option<Status>,
    ) -> Option<Result<Connection<Enrollment>, Error>> {
        let page = async {
            ctx.viewer().require_self_or_admin(self.id)?;
            let args = PageArgs::try_new(Enrollment::TYPE_NAME, first, after.as_deref(), last, before.as_deref())?;
            connection::children::<Store, Enrollment, _, _>(ctx, self.id, EnrollmentFilter { status }, args).await
        };
        Some(page.await)
    }
}
