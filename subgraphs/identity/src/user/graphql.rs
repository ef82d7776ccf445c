//! The fields, queries and mutations of a user.

use std::borrow::Cow;

use async_graphql::{
    ComplexObject, Context, ContextSelectionSet, ID, InputObject, Object, OutputType, Positioned, ServerResult,
    SimpleObject, Value, parser::types::Field, registry::Registry,
};
use contracts::UserId;
use subgraph_kit::{
    Connection, ConnectionArgs, Error, TableExt as _, UserError, ViewerExt as _, connection, into_payload, list::Order,
    objects::Entity,
};

use super::{
    User,
    store::{self, UnverifiedTeachers},
};

/// Queries.
pub struct UserQuery;

/// Mutations.
pub struct UserMutation;

/// The signed-in user, with a row only if one is selected from. Fields of other subgraphs need only the key, which the
/// access token holds: it is accepted until it expires, even if the account was deleted.
enum Me {
    Row(Entity<User>),
    Key(UserKey),
}

#[derive(SimpleObject)]
#[graphql(name = "User")]
struct UserKey {
    id: UserId,
}

/// The teacher to verify.
#[derive(InputObject)]
pub struct VerifyTeacherInput {
    /// The id of the teacher.
    pub user_id: UserId,
}

/// The payload of `verifyTeacher`.
#[derive(SimpleObject)]
pub struct VerifyTeacherPayload {
    /// The verified teacher; null if there is no such teacher.
    user: Option<User>,
    /// The reasons why nobody was verified; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

impl OutputType for Me {
    fn type_name() -> Cow<'static, str> {
        User::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        User::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match self {
            Self::Row(user) => user.resolve(ctx, field).await,
            Self::Key(key) => key.resolve(ctx, field).await,
        }
    }
}

#[ComplexObject]
impl User {
    /// Whether an admin has verified the user as a teacher; false for students and admins.
    async fn is_verified(&self) -> bool {
        self.is_verified_teacher()
    }

    /// The e-mail address with which the user signs in. Only the user and admins may see it; it is null for everyone
    /// else.
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        let may_see = self.has_signed_in || ctx.viewer().is_self_or_admin(self.id);
        may_see.then_some(&self.email)
    }
}

#[Object(name = "Query")]
impl UserQuery {
    /// Returns the signed-in user; null if nobody is signed in.
    async fn me(&self, ctx: &Context<'_>) -> Option<Result<Me, Error>> {
        let id = ctx.viewer().id()?;
        if ctx.field().selection_set().all(|field| matches!(field.name(), "id" | "__typename")) {
            return Some(Ok(Me::Key(UserKey { id })));
        }
        let row = ctx.table::<User>().load_one(id).await.transpose()?;
        Some(row.map(|user| Me::Row(Entity(user))))
    }

    /// Returns the user with this id; null if there is none. Everyone may query it.
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the user.")] id: UserId,
    ) -> Option<Result<User, Error>> {
        ctx.table::<User>().load_one(id).await.transpose()
    }

    /// Returns the teachers who are waiting for verification, oldest account first. Only admins may query them; it is
    /// null for everyone else, with an error.
    async fn unverified_teachers(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connection<User>, Error>> {
        let list = async {
            let admin = ctx.viewer().require_admin()?;
            let args = ConnectionArgs { first, after, last, before };
            connection::list(ctx, admin, Order::OldestFirst, UnverifiedTeachers, args).await
        };
        Some(list.await)
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Entity<User>>, Error> {
        let Some(id) = UserId::from_key(&id) else { return Ok(None) };
        Ok(ctx.table::<User>().load_one(id).await?.map(Entity))
    }
}

#[Object]
impl UserMutation {
    /// Verifies a teacher, who may publish courses from their next `refreshSession` on. Only admins may do this.
    /// Verifying a teacher again has no effect. It is null, with an error, if the mutation fails.
    async fn verify_teacher(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The teacher to verify.")] input: VerifyTeacherInput,
    ) -> Option<Result<VerifyTeacherPayload, Error>> {
        let payload = async {
            let admin = ctx.viewer().require_admin()?;

            let outcome = store::verify_teacher(ctx.table::<User>().loader().db(), admin, input.user_id).await;

            let (user, user_errors) = into_payload(outcome)?;
            Ok(VerifyTeacherPayload { user, user_errors })
        };
        Some(payload.await)
    }
}
