//! What this subgraph adds to a user.

use async_graphql::{ComplexObject, Context, SimpleObject};
use subgraph_kit::{Connection, Error, PageArgs, UserId, connection, list::Paginated as _};

use crate::course::{Course, store::Store};

/// A person of the platform. Everyone may see all but the e-mail address.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct User {
    /// Names the user in all subgraphs.
    pub id: UserId,
}

#[ComplexObject]
impl User {
    /// The courses that this user teaches, newest first. Everyone may see them; null, with an error, when they cannot be
    /// read.
    async fn courses(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "At most so many, from the beginning: 1 to 100; 20 where neither `first` nor `last` is given."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many, from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<Course>, Error>> {
        let page = async {
            let args = PageArgs::try_new(Course::TYPE_NAME, first, after.as_deref(), last, before.as_deref())?;
            connection::children::<Store, Course, _, _>(ctx, self.id, (), args).await
        };
        Some(page.await)
    }
}
