//! What this subgraph adds to a user.

use async_graphql::{ComplexObject, Context, SimpleObject};
use contracts::UserId;
use subgraph_kit::{Connection, Error, PageArgs, ViewerExt as _, connection, list::Paginated as _};

use crate::payment::{Payment, store::Store};

/// A person with an account on the platform. Everyone may see it, except for fields that say otherwise.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct User {
    /// The id of the user, a UUID.
    pub id: UserId,
}

#[ComplexObject]
impl User {
    /// The payments of the user, newest first. Only the user and admins may see them; for everyone else null, with a
    /// `FORBIDDEN` error.
    async fn payments(
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
    ) -> Option<Result<Connection<Payment>, Error>> {
        let page = async {
            ctx.viewer().require_self_or_admin(self.id)?;
            let args = PageArgs::try_new(Payment::TYPE_NAME, first, after.as_deref(), last, before.as_deref())?;
            connection::children::<Store, Payment, _, _>(ctx, self.id, (), args).await
        };
        Some(page.await)
    }
}
