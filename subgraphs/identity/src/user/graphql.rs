//! The fields of a user, and the queries for users.

use std::{borrow::Cow, sync::Arc};

use async_graphql::{
    ComplexObject, Context, ContextSelectionSet, ID, InputObject, Object, OutputType, Positioned, ServerResult,
    SimpleObject, Value, dataloader::DataLoader, parser::types::Field, registry::Registry,
};
use subgraph_kit::{
    Connection, Error, PageArgs, ScanExt as _, UserError, UserId, ViewerExt as _, connection::TotalCount, into_payload,
    list::Paginated as _, objects::Entity,
};

use super::{User, store::Store};

/// Queries.
pub struct UserQuery;

/// Mutations.
pub struct UserMutation;

/// The signed-in user, as far as it is asked for. What other subgraphs say of them needs no more than the key, which the
/// access token holds: it is believed until it ends, also of an account that is gone.
enum Me {
    Row(Entity<User>),
    Key(UserKey),
}

#[derive(SimpleObject)]
#[graphql(name = "User")]
struct UserKey {
    id: UserId,
}

/// A teacher to verify.
#[derive(InputObject)]
pub struct VerifyTeacherInput {
    /// The teacher's id.
    pub user_id: UserId,
}

/// The outcome of `verifyTeacher`.
#[derive(SimpleObject)]
pub struct VerifyTeacherPayload {
    /// The teacher, verified; null when there is no such teacher.
    user: Option<User>,
    /// Why nobody was verified.
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
    /// Whether an admin has verified this teacher; false for everyone else.
    async fn is_verified(&self) -> bool {
        self.is_verified_teacher()
    }

    /// The address that the user signs in with. The user and admins may see it; null for everyone else.
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        let may_see = self.has_signed_in || ctx.viewer().is_self_or_admin(self.id);
        may_see.then_some(&self.email)
    }
}

#[Object(name = "Query")]
impl UserQuery {
    /// The signed-in user; null when nobody is signed in.
    async fn me(&self, ctx: &Context<'_>) -> Option<Result<Me, Error>> {
        let id = ctx.viewer().id()?;
        if ctx.field().selection_set().all(|field| matches!(field.name(), "id" | "__typename")) {
            return Some(Ok(Me::Key(UserKey { id })));
        }
        let row = ctx.data_unchecked::<Arc<DataLoader<Store>>>().load_one(id).await.transpose()?;
        Some(row.map(|user| Me::Row(Entity(user))))
    }

    /// A user by their id; null when there is none. Everyone may ask.
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's id.")] id: UserId,
    ) -> Option<Result<User, Error>> {
        ctx.data_unchecked::<Arc<DataLoader<Store>>>().load_one(id).await.transpose()
    }

    /// Teachers who wait for verification, the oldest account first. Admins only: null with an
    /// error for everyone else.
    async fn unverified_teachers(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "At most so many, from the beginning: 1 to 100; 20 where neither `first` nor `last` is given."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many, from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<User>, Error>> {
        let list = async {
            let admin = ctx.viewer().require_admin()?;
            let args = PageArgs::try_new(User::TYPE_NAME, first, after.as_deref(), last, before.as_deref())?;

            let store = ctx.data_unchecked::<Arc<DataLoader<Store>>>().loader().clone();
            let scan = ctx.scan();
            let page = store.list_unverified_teachers(admin, scan, &args).await?;
            let total = TotalCount::new(move || {
                let store = store.clone();
                async move { store.count_unverified_teachers(admin, scan).await }
            });
            Ok(Connection::new(page, total))
        };
        Some(list.await)
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Entity<User>>, Error> {
        let Some(id) = UserId::from_key(&id) else { return Ok(None) };
        Ok(ctx.data_unchecked::<Arc<DataLoader<Store>>>().load_one(id).await?.map(Entity))
    }
}

#[Object]
impl UserMutation {
    /// Verifies a teacher, who may publish courses from the next refresh of their session on. Admins only. A teacher
    /// who is verified stays so. Null, with an error, when it fails.
    async fn verify_teacher(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The teacher.")] input: VerifyTeacherInput,
    ) -> Option<Result<VerifyTeacherPayload, Error>> {
        let payload = async {
            let admin = ctx.viewer().require_admin()?;

            let outcome =
                ctx.data_unchecked::<Arc<DataLoader<Store>>>().loader().verify_teacher(admin, input.user_id).await;

            let (user, user_errors) = into_payload(outcome)?;
            Ok(VerifyTeacherPayload { user, user_errors })
        };
        Some(payload.await)
    }
}
