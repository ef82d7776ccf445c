//! The fields that this subgraph adds to a user.

use async_graphql::{ComplexObject, Context, SimpleObject};
use contracts::UserId;
use subgraph_kit::{Connection, ConnectionArgs, Error, TableExt as _, ViewerExt as _, connection};

use crate::{
    payment::Payment,
    sales::{Sales, store::OfTeacher},
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
    /// The payments of the user, newest first. Only the user and admins may see them; it is null for everyone else,
    /// with a `FORBIDDEN` error.
    async fn payments(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connection<Payment>, Error>> {
        let page = async {
            let proof = ctx.viewer().require_self_or_admin(self.id)?;
            let args = ConnectionArgs { first, after, last, before };
            connection::children(ctx, proof, (), args).await
        };
        Some(page.await)
    }

    /// The sales of all courses that the user teaches. Only the user and admins may see them; it is null for everyone
    /// else, with a `FORBIDDEN` error.
    async fn sales(&self, ctx: &Context<'_>) -> Option<Result<Sales, Error>> {
        let sales = async {
            let proof = ctx.viewer().require_self_or_admin(self.id)?;
            Ok(ctx.table::<Payment>().load_one(OfTeacher::new(proof)).await?.unwrap_or_default())
        };
        Some(sales.await)
    }
}
