//! What this subgraph adds to a user.

use async_graphql::{ComplexObject, Context, SimpleObject};
use subgraph_kit::{Connection, Error, PageArgs, UserId, ViewerExt as _, connection, list::Paginated as _};

use crate::payment::{Payment, store::Store};

/// A person of the platform. Everyone may see all but the e-mail address.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct User {
    /// Names the user in all subgraphs.
    pub id: UserId,
}

#[ComplexObject]
impl User {
    /// What this user paid for courses, newest first. The user and admins may see it; for everyone
    /// else null, with a `FORBIDDEN` error.
    async fn payments(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "At most so many, from the beginning: 1 to 100; 20 where neither `first` nor `last` is given."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many, from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<Payment>, Error>> {
        let page = async {
            ctx.viewer().require_self_or_admin(self.id)?;
            let args = PageArgs::try_new(Payment::TYPE_NAME, first, after.as_deref(), last, before.as_deref())?;
            connection::children::<Store, Payment, _, _>(ctx, self.id, (), args).await
        };
        Some(page.await)
    }
}
