//! The query and the mutations for deleting an account.

use async_graphql::{ComplexObject, Context, InputObject, Object, SimpleObject};
use chrono::TimeDelta;
use contracts::{ErasureId, UserId};
use db::DbPool;
use service::{CredentialsExt as _, Erasures, Peers};
use subgraph_kit::{Error, UserError, ViewerExt as _, into_payload};

use super::{
    Erasure, clean_reason,
    handlers::IdentityEraser,
    peers,
    store::{self, By},
};
use crate::{
    session::{Sessions, graphql::client},
    user::store::Actor,
};

/// The queries.
#[derive(Default)]
pub struct ErasureQuery;

/// The mutations.
#[derive(Default)]
pub struct ErasureMutation;

/// What the mutations work with.
#[derive(Clone)]
pub struct Deletions {
    /// The service's own part of an erasure.
    pub erasures: Erasures<IdentityEraser>,
    /// How long an access token may be valid.
    pub token_lifetime: TimeDelta,
    /// The database.
    pub db: DbPool,
    /// The other subgraphs.
    pub peers: Peers,
}

/// The confirmation that the signed-in user wants to delete the account.
#[derive(InputObject)]
pub struct DeleteMyAccountInput {
    /// The password of the account.
    pub password: String,
}

/// The payload of `deleteMyAccount`.
#[derive(SimpleObject)]
pub struct DeleteMyAccountPayload {
    /// The erasure that has begun; null if the account was not deleted.
    erasure: Option<Erasure>,
    /// The reasons why the account was not deleted; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The user whose account is deleted.
#[derive(InputObject)]
pub struct DeleteUserInput {
    /// The id of the user.
    pub user_id: UserId,
    /// The reason for the deletion, at most 500 characters. Admins can see it until the erasure is complete; then it is
    /// erased, too.
    pub reason: Option<String>,
}

/// The payload of `deleteUser`.
#[derive(SimpleObject)]
pub struct DeleteUserPayload {
    /// The erasure that has begun; null if the account was not deleted.
    erasure: Option<Erasure>,
    /// The reasons why the account was not deleted; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

#[ComplexObject]
impl Erasure {
    /// The reason that an admin gave for the deletion. Only admins may see it; it is null for everyone else, if no reason
    /// was given, and once the erasure is complete.
    #[graphql(tag = "internal")]
    async fn reason(&self, ctx: &Context<'_>) -> Option<&str> {
        self.reason.as_deref().filter(|_| ctx.viewer().is_admin())
    }
}

#[Object]
impl ErasureQuery {
    /// Returns what becomes of a deleted account in all services; null if there is no such erasure. Everyone who has its
    /// id may query it, since the account that could sign in for it does not exist any more.
    async fn erasure(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the erasure, as the deletion of the account returned it.")] id: ErasureId,
    ) -> Option<Result<Erasure, Error>> {
        store::find(&ctx.data_unchecked::<Deletions>().db, id).await.transpose()
    }
}

#[Object]
impl ErasureMutation {
    /// Deletes the account of the signed-in user, and erases everything about them in all services: see `Erasure`. It
    /// cannot be undone. Sessions and access tokens end immediately. What has to be kept, such as payments, remains without
    /// a name, an address or the id of the user. Every signed-in user may do this, as often as they may try to sign in.
    ///
    /// `userErrors`: `INVALID_CREDENTIALS`; `LAST_ADMIN`; `TEACHES_COURSES` if the user teaches courses that are in the
    /// catalogue, which must be withdrawn or deleted first. Withdrawn courses stay for their students, without the
    /// teacher's name; drafts are deleted. It is null, with an error, if the mutation fails.
    async fn delete_my_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password of the account.")] input: DeleteMyAccountInput,
    ) -> Option<Result<DeleteMyAccountPayload, Error>> {
        let payload = async {
            let viewer = ctx.viewer().require_signed_in()?;
            let deletions = ctx.data_unchecked::<Deletions>();
            let sessions = ctx.data_unchecked::<Sessions>();

            let outcome = async {
                sessions.confirm_password(&client(ctx), viewer, ctx.current_session(), input.password).await?;
                let request = store::Request {
                    user: viewer.id(),
                    by: By::Owner(ctx.current_session()),
                    reason: None,
                    token_lifetime: deletions.token_lifetime,
                };
                deletions.delete(ctx, request).await.map_err(without_field)
            };

            let (erasure, user_errors) = into_payload(outcome.await)?;
            Ok(DeleteMyAccountPayload { erasure, user_errors })
        };
        Some(payload.await)
    }

    /// Deletes the account of a user, and erases everything about them in all services, as `deleteMyAccount` does. Only
    /// admins may do this. It cannot be undone.
    ///
    /// `userErrors`: `NOT_FOUND`, also for an account that was deleted before; `LAST_ADMIN`; `TEACHES_COURSES`;
    /// `INVALID_INPUT`. It is null, with an error, if the mutation fails.
    #[graphql(tag = "internal")]
    async fn delete_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user whose account is deleted.")] input: DeleteUserInput,
    ) -> Option<Result<DeleteUserPayload, Error>> {
        let payload = async {
            let admin = ctx.viewer().require_admin()?;
            let deletions = ctx.data_unchecked::<Deletions>();

            let outcome = async {
                let request = store::Request {
                    user: input.user_id,
                    by: By::Other(Actor::Admin(admin, ctx.current_session())),
                    reason: clean_reason(input.reason)?,
                    token_lifetime: deletions.token_lifetime,
                };
                deletions.delete(ctx, request).await
            };

            let (erasure, user_errors) = into_payload(outcome.await)?;
            Ok(DeleteUserPayload { erasure, user_errors })
        };
        Some(payload.await)
    }
}

impl Deletions {
    async fn delete(&self, ctx: &Context<'_>, request: store::Request) -> Result<Erasure, Error> {
        let teaches = peers::require_no_published_courses(&self.peers, ctx.credentials(), request.user).await;
        teaches.map_err(at_user)?;
        store::delete(&self.db, &self.erasures, request).await
    }
}

/// Names the field of the user.
fn at_user(error: Error) -> Error {
    match error {
        Error::Rejected(rejections) => {
            Error::Rejected(rejections.into_iter().map(|rejection| rejection.at("userId")).collect())
        }
        error => error,
    }
}

/// The input of `deleteMyAccount` names no user.
fn without_field(error: Error) -> Error {
    match error {
        Error::Rejected(mut rejections) => {
            for rejection in &mut rejections {
                rejection.field = None;
            }
            Error::Rejected(rejections)
        }
        error => error,
    }
}
