//! The mutations for signing up, signing in, refreshing and ending a session.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use subgraph_kit::{ClientIpExt as _, Error, UserError, into_payload};

use super::{Session, Sessions};
use crate::user::{SignUp, SignUpRole, User, normalize_email};

/// Mutations.
pub struct SessionMutation;

/// The account to create.
#[derive(InputObject)]
pub struct RegisterInput {
    /// The e-mail address with which the user signs in, at most 255 characters, in any letter case.
    pub email: String,
    /// The password, 8 to 128 characters. In any letter case, it must not be the e-mail address, the part of it before
    /// the `@`, or one of the 10,000 most common passwords.
    pub password: String,
    /// The name that other users see, 1 to 255 characters.
    pub name: String,
    /// The role of the new user.
    #[graphql(default_with = "SignUpRole::Student")]
    pub role: SignUpRole,
}

/// The credentials of a user who signs in.
#[derive(InputObject)]
pub struct LoginInput {
    /// The e-mail address of the account, in any letter case.
    pub email: String,
    /// The password of the account.
    pub password: String,
}

/// The payload of `register`.
#[derive(SimpleObject)]
pub struct RegisterPayload {
    /// The session of the new user, who is signed in; null if signing up was rejected.
    session: Option<Session>,
    /// The new user; null if signing up was rejected.
    user: Option<User>,
    /// The reasons why the mutation was rejected; empty if it succeeded.
    user_errors: Vec<UserError>,
}

/// The payload of `login`.
#[derive(SimpleObject)]
pub struct LoginPayload {
    /// The new session; null if signing in was rejected.
    session: Option<Session>,
    /// The user who has signed in; null if signing in was rejected.
    user: Option<User>,
    /// The reasons why the mutation was rejected; empty if it succeeded.
    user_errors: Vec<UserError>,
}

/// The session to refresh.
#[derive(InputObject)]
pub struct RefreshSessionInput {
    /// The most recent refresh token of the session.
    pub refresh_token: String,
}

/// The payload of `refreshSession`.
#[derive(SimpleObject)]
pub struct RefreshSessionPayload {
    /// The new tokens of the session; null if the session has ended.
    session: Option<Session>,
    /// The reasons why the session has ended; empty if it continues.
    user_errors: Vec<UserError>,
}

/// The session to end.
#[derive(InputObject)]
pub struct LogoutInput {
    /// Any refresh token that was issued for the session.
    pub refresh_token: String,
}

/// The payload of `logout`.
#[derive(SimpleObject)]
pub struct LogoutPayload {
    /// Always empty: ending a session that has already ended succeeds, too.
    user_errors: Vec<UserError>,
}

#[Object]
impl SessionMutation {
    /// Creates an account and signs in to it. Everyone may do this. A teacher cannot publish courses until an admin has
    /// verified the account. It is null, with an error, if the mutation fails.
    async fn register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account to create.")] input: RegisterInput,
    ) -> Option<Result<RegisterPayload, Error>> {
        let payload = async {
            let outcome = ctx.data_unchecked::<Sessions>().register(ctx.client_ip(), input.into()).await;

            let (signed_in, user_errors) = into_payload(outcome)?;
            let (session, user) = signed_in.unzip();
            Ok(RegisterPayload { session, user, user_errors })
        };
        Some(payload.await)
    }

    /// Signs in with e-mail address and password. Everyone may do this. It is null, with an error, if the mutation
    /// fails.
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The e-mail address and the password.")] input: LoginInput,
    ) -> Option<Result<LoginPayload, Error>> {
        let payload = async {
            let outcome = ctx.data_unchecked::<Sessions>().sign_in(ctx.client_ip(), &input.email, input.password).await;

            let (signed_in, user_errors) = into_payload(outcome)?;
            let (session, user) = signed_in.unzip();
            Ok(LoginPayload { session, user, user_errors })
        };
        Some(payload.await)
    }

    /// Returns new tokens for a session. Everyone who has its refresh token may do this. A refresh token works once:
    /// using it a second time ends the session. It is null, with an error, if the mutation fails.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token of the session.")] input: RefreshSessionInput,
    ) -> Option<Result<RefreshSessionPayload, Error>> {
        let payload = async {
            let outcome = ctx.data_unchecked::<Sessions>().refresh(ctx.client_ip(), &input.refresh_token).await;

            let (session, user_errors) = into_payload(outcome)?;
            Ok(RefreshSessionPayload { session, user_errors })
        };
        Some(payload.await)
    }

    /// Ends a session: all of its refresh tokens stop working. Everyone who has one of them may do this. Access tokens
    /// that were already issued stay valid until they expire. It is null, with an error, if the mutation fails.
    async fn logout(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token of the session.")] input: LogoutInput,
    ) -> Option<Result<LogoutPayload, Error>> {
        let payload = async {
            let outcome = ctx.data_unchecked::<Sessions>().log_out(&input.refresh_token).await;

            let (_, user_errors) = into_payload(outcome)?;
            Ok(LogoutPayload { user_errors })
        };
        Some(payload.await)
    }
}

impl From<RegisterInput> for SignUp {
    fn from(input: RegisterInput) -> Self {
        Self {
            email: normalize_email(&input.email),
            password: input.password,
            name: input.name,
            role: input.role.into(),
        }
    }
}
