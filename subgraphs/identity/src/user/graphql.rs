//! The fields, queries and mutations of a user.

use std::borrow::Cow;

use async_graphql::{
    ComplexObject, Context, ContextSelectionSet, ID, InputObject, Object, OutputType, Positioned, ServerResult,
    SimpleObject, Value, parser::types::Field, registry::Registry,
};
use contracts::UserId;
use subgraph_kit::{
    Connection, ConnectionArgs, Error, TableExt as _, UserError, ViewerExt as _, connection, into_payload, list::Order,
    node::Node, objects::Entity, text,
};

use super::{
    Role, User, clean_name,
    store::{self, Actor},
};
use crate::{
    account::store::VerifiedEmail,
    second_factor::store::{SecondFactor, SecondFactorOf},
    session::{ActiveSession, store::SessionsOf},
};

/// The maximum length of a search text, in characters.
const MAX_SEARCH_LENGTH: usize = 200;

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

/// The conditions that users must meet to be listed.
#[derive(Default, InputObject)]
pub struct UserFilter {
    /// Lists only users whose name or e-mail address contains this text, ignoring case and the blanks around it. `%` and
    /// `_` have no special meaning, and a domain is found in Unicode and in ASCII (punycode). At most 200 characters.
    pub search: Option<String>,
    /// Lists only users of this role.
    pub role: Option<Role>,
    /// Lists only verified teachers if true, everyone else if false.
    pub is_verified: Option<bool>,
    /// Lists only suspended users if true, everyone else if false.
    pub is_suspended: Option<bool>,
}

/// The changes to the profile of the signed-in user. Fields that are left out stay as they are.
#[derive(InputObject)]
pub struct UpdateProfileInput {
    /// The new name that other users see, 1 to 255 characters.
    pub name: Option<String>,
}

/// The payload of `updateProfile`.
#[derive(SimpleObject)]
pub struct UpdateProfilePayload {
    /// The signed-in user; null if nothing was changed.
    user: Option<User>,
    /// The reasons why nothing was changed; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The teacher whose verification is revoked.
#[derive(InputObject)]
pub struct UnverifyTeacherInput {
    /// The id of the teacher.
    pub user_id: UserId,
}

/// The payload of `unverifyTeacher`.
#[derive(SimpleObject)]
pub struct UnverifyTeacherPayload {
    /// The teacher, who is not verified any more; null if there is no such teacher.
    user: Option<User>,
    /// The reasons why nothing was changed; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The new role of a user.
#[derive(InputObject)]
pub struct SetUserRoleInput {
    /// The id of the user.
    pub user_id: UserId,
    /// The new role.
    pub role: Role,
}

/// The payload of `setUserRole`.
#[derive(SimpleObject)]
pub struct SetUserRolePayload {
    /// The user in the new role; null if the role was not changed.
    user: Option<User>,
    /// The reasons why the role was not changed; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The user to suspend.
#[derive(InputObject)]
pub struct SuspendUserInput {
    /// The id of the user.
    pub user_id: UserId,
}

/// The payload of `suspendUser`.
#[derive(SimpleObject)]
pub struct SuspendUserPayload {
    /// The suspended user; null if nobody was suspended.
    user: Option<User>,
    /// The reasons why nobody was suspended; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The user whose suspension ends.
#[derive(InputObject)]
pub struct UnsuspendUserInput {
    /// The id of the user.
    pub user_id: UserId,
}

/// The payload of `unsuspendUser`.
#[derive(SimpleObject)]
pub struct UnsuspendUserPayload {
    /// The user, who is not suspended any more; null if there is no such user.
    user: Option<User>,
    /// The reasons why nothing was changed; empty if the mutation succeeded.
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
    #[graphql(tag = "partner")]
    async fn is_verified(&self) -> bool {
        self.is_verified_teacher()
    }

    /// The e-mail address with which the user signs in. Only the user and admins may see it; it is null for everyone
    /// else.
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        let may_see = self.has_signed_in || ctx.viewer().is_self_or_admin(self.id);
        may_see.then_some(&self.email)
    }

    /// Whether an admin has suspended the user, who then cannot sign in. Only the user and admins may see it; it is
    /// null for everyone else.
    async fn is_suspended(&self, ctx: &Context<'_>) -> Option<bool> {
        let may_see = self.has_signed_in || ctx.viewer().is_self_or_admin(self.id);
        may_see.then_some(self.suspended_at.is_some())
    }

    /// Whether the user has proven that the e-mail address is their own, by following the link in a mail. Only the user
    /// and admins may see it; it is null for everyone else.
    async fn is_email_verified(&self, ctx: &Context<'_>) -> Option<Result<bool, Error>> {
        if !self.has_signed_in && !ctx.viewer().is_self_or_admin(self.id) {
            return None;
        }
        ctx.table::<User>().load_one(VerifiedEmail(self.id)).await.transpose()
    }

    /// The sessions of the user that have not ended, the one used last first, at most 100. Only the user and admins may
    /// see them; it is null for everyone else, with a `FORBIDDEN` error.
    async fn sessions(&self, ctx: &Context<'_>) -> Option<Result<Vec<ActiveSession>, Error>> {
        let sessions = async {
            let key = SessionsOf::from(ctx.viewer().require_self_or_admin(self.id)?);
            Ok(ctx.table::<User>().load_one(key).await?.unwrap_or_default())
        };
        Some(sessions.await)
    }

    /// Whether signing in needs a second factor beside the password. Only the user and admins may see it; it is null for
    /// everyone else, with a `FORBIDDEN` error.
    async fn second_factor(&self, ctx: &Context<'_>) -> Option<Result<SecondFactor, Error>> {
        let second_factor = async {
            let key = SecondFactorOf::from(ctx.viewer().require_self_or_admin(self.id)?);
            ctx.table::<User>().load_one(key).await
        };
        second_factor.await.transpose()
    }
}

#[Object]
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

    /// Returns the object with this id, whichever type it has: a user, course, enrollment, payment or notification.
    /// Everyone may query it, and sees what the field for one type shows, such as `course`; it is null if there is no
    /// such object, if the viewer may not see it, or if nothing is selected of objects of its type.
    // The router asks the field of each type in its place: `router/src/node_fields/`.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the object.")] id: UserId,
    ) -> Option<Result<Node<User>, Error>> {
        let user = ctx.table::<User>().load_one(id).await.transpose()?;
        Some(user.map(Node))
    }

    /// Returns the objects with these ids, whichever types they have, in the order of the ids; each is null where `node`
    /// is null. Everyone may query it. All `node` and `nodes` of an operation together may look up at most 500 ids: an id
    /// counts once for each type that its selection applies to, which is all five types if `id` is selected of any node.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids of the objects, at most 100. An id may occur several times.")] ids: Vec<UserId>,
    ) -> Result<Vec<Option<Node<User>>>, Error> {
        let users = ctx.table::<User>().load_many(ids.iter().copied()).await?;
        Ok(ids.iter().map(|id| users.get(id).cloned().map(Node)).collect())
    }

    /// Returns the teachers who are waiting for verification, oldest account first. Only admins may query them; it is
    /// null for everyone else, with an error.
    #[graphql(tag = "internal")]
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
            let waiting = store::UserFilter { is_waiting: true, ..store::UserFilter::default() };
            connection::list(ctx, admin, Order::OldestFirst, waiting, args).await
        };
        Some(list.await)
    }

    /// Returns the users of the platform, newest account first. Only admins may query them; it is null for everyone
    /// else, with an error.
    #[graphql(tag = "internal")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "The conditions that users must meet to be listed.")] filter: Option<UserFilter>,
    ) -> Option<Result<Connection<User>, Error>> {
        let list = async {
            let admin = ctx.viewer().require_admin()?;
            let filter = filter.unwrap_or_default().try_into_store()?;
            let args = ConnectionArgs { first, after, last, before };
            connection::list(ctx, admin, Order::NewestFirst, filter, args).await
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
    /// Verifying a teacher again has no effect. `userErrors`: `NOT_FOUND`, also for a user who is not a teacher. It is
    /// null, with an error, if the mutation fails.
    #[graphql(tag = "internal")]
    async fn verify_teacher(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The teacher to verify.")] input: VerifyTeacherInput,
    ) -> Option<Result<VerifyTeacherPayload, Error>> {
        let payload = async {
            let actor = admin(ctx)?;

            let outcome = store::verify_teacher(ctx.table::<User>().loader().db(), actor, input.user_id).await;

            let (user, user_errors) = into_payload(outcome)?;
            Ok(VerifyTeacherPayload { user, user_errors })
        };
        Some(payload.await)
    }

    /// Changes the profile of the signed-in user. Every signed-in user may do this. `userErrors`: `INVALID_INPUT`. It is
    /// null, with an error, if the mutation fails.
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes to the profile.")] input: UpdateProfileInput,
    ) -> Option<Result<UpdateProfilePayload, Error>> {
        let payload = async {
            let viewer = ctx.viewer().require_signed_in()?;
            let db = ctx.table::<User>().loader().db();

            let outcome = async {
                let name = input.name.as_deref().map(clean_name).transpose()?;
                store::update_profile(db, viewer, ctx.current_session(), name.as_deref()).await
            };
            let outcome = outcome.await;

            let (user, user_errors) = into_payload(outcome)?;
            Ok(UpdateProfilePayload { user, user_errors })
        };
        Some(payload.await)
    }

    /// Revokes the verification of a teacher, who may publish no more courses from their next `refreshSession` on;
    /// those that they have published stay. Only admins may do this. `userErrors`: `NOT_FOUND`, also for a user who is not
    /// a teacher. It is null, with an error, if the mutation fails.
    #[graphql(tag = "internal")]
    async fn unverify_teacher(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The teacher.")] input: UnverifyTeacherInput,
    ) -> Option<Result<UnverifyTeacherPayload, Error>> {
        let payload = async {
            let actor = admin(ctx)?;

            let outcome = store::unverify_teacher(ctx.table::<User>().loader().db(), actor, input.user_id).await;

            let (user, user_errors) = into_payload(outcome)?;
            Ok(UnverifyTeacherPayload { user, user_errors })
        };
        Some(payload.await)
    }

    /// Sets the role of a user, which counts from their next `refreshSession` on. A new teacher is not verified, also
    /// one who was before. Who is no longer an admin has to sign in again. Only admins may do this. `userErrors`:
    /// `NOT_FOUND`, `LAST_ADMIN`. It is null, with an error, if the mutation fails.
    #[graphql(tag = "internal")]
    async fn set_user_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user and the role.")] input: SetUserRoleInput,
    ) -> Option<Result<SetUserRolePayload, Error>> {
        let payload = async {
            let actor = admin(ctx)?;

            let outcome = store::set_role(ctx.table::<User>().loader().db(), actor, input.user_id, input.role).await;

            let (user, user_errors) = into_payload(outcome)?;
            Ok(SetUserRolePayload { user, user_errors })
        };
        Some(payload.await)
    }

    /// Suspends a user: ends their sessions, and lets them sign in no more. Access tokens that were already issued stay
    /// valid until they expire, except for changes to accounts. Only admins may do this. Suspending a user again has no
    /// effect. `userErrors`: `NOT_FOUND`, `LAST_ADMIN`. It is null, with an error, if the mutation fails.
    #[graphql(tag = "internal")]
    async fn suspend_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user to suspend.")] input: SuspendUserInput,
    ) -> Option<Result<SuspendUserPayload, Error>> {
        let payload = async {
            let actor = admin(ctx)?;

            let outcome = store::suspend(ctx.table::<User>().loader().db(), actor, input.user_id).await;

            let (user, user_errors) = into_payload(outcome)?;
            Ok(SuspendUserPayload { user, user_errors })
        };
        Some(payload.await)
    }

    /// Lets a suspended user sign in again. Only admins may do this. For a user who is not suspended it has no effect.
    /// `userErrors`: `NOT_FOUND`. It is null, with an error, if the mutation fails.
    #[graphql(tag = "internal")]
    async fn unsuspend_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user whose suspension ends.")] input: UnsuspendUserInput,
    ) -> Option<Result<UnsuspendUserPayload, Error>> {
        let payload = async {
            let actor = admin(ctx)?;

            let outcome = store::unsuspend(ctx.table::<User>().loader().db(), actor, input.user_id).await;

            let (user, user_errors) = into_payload(outcome)?;
            Ok(UnsuspendUserPayload { user, user_errors })
        };
        Some(payload.await)
    }
}

/// A text to search for, without the blanks around it.
fn searched(text: &str) -> Result<String, Error> {
    text::reject_nul("filter.search", text)?;
    let text = text::nfc(text.trim());
    if text.chars().count() > MAX_SEARCH_LENGTH {
        return Err(Error::invalid("filter.search", format!("must have at most {MAX_SEARCH_LENGTH} characters")));
    }
    Ok(text)
}

fn admin(ctx: &Context<'_>) -> Result<Actor, Error> {
    Ok(Actor::Admin(ctx.viewer().require_admin()?, ctx.current_session()))
}

impl UserFilter {
    pub(crate) fn try_into_store(self) -> Result<store::UserFilter, Error> {
        let Self { search, role, is_verified, is_suspended } = self;
        let search = search.as_deref().map(searched).transpose()?.filter(|search| !search.is_empty());
        Ok(store::UserFilter { search, role, is_verified, is_suspended, is_waiting: false })
    }
}
