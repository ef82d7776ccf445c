//! The field that this subgraph adds to a user.

use async_graphql::{ComplexObject, Context, SimpleObject};
use contracts::UserId;
use subgraph_kit::{Connection, ConnectionArgs, Error, ViewerExt as _, connection, viewer::Public};

use crate::course::{Course, State, store::TeacherFilter};

/// A person with an account on the platform. Everyone may see it, except for fields that say otherwise.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct User {
    /// The id of the user, a UUID.
    pub id: UserId,
}

#[ComplexObject]
impl User {
    /// The courses that the user teaches, newest first. Everyone may see the published ones; the user and admins also
    /// see drafts and withdrawn courses. It is null, with an error, if they cannot be read.
    async fn courses(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Returns only courses in this state.")] state: Option<State>,
    ) -> Option<Result<Connection<Course>, Error>> {
        let args = ConnectionArgs { first, after, last, before };
        let filter = TeacherFilter::new(ctx.viewer(), self.id, state);
        Some(connection::children(ctx, Public(self.id), filter, args).await)
    }
}
