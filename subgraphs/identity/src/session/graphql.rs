//! Signing up and signing in.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use subgraph_kit::{ClientIpExt as _, Error, UserError, into_payload};

use super::{Session, Sessions};
use crate::user::{SignUp, SignUpRole, User, normalize_email};

/// Mutations.
pub struct SessionMutation;

/// Somebody who signs up.
#[derive(InputObject)]
pub struct RegisterInput {
    /// What the user signs in with: an e-mail address of at most 255 characters, in any letter case.
    pub email: String,
    /// 8 to 128 characters; not the address, nor its part before the `@`, nor one of the 10,000 commonest passwords, in any
    /// letter case.
    pub password: String,
    /// What others see: 1 to 255 characters.
    pub name: String,
    /// What the user is on the platform.
    #[graphql(default_with = "SignUpRole::Student")]
    pub role: SignUpRole,
}

/// Somebody who signs in.
#[derive(InputObject)]
pub struct LoginInput {
    /// The address of the account, in any letter case.
    pub email: String,
    /// Its password.
    pub password: String,
}

/// The outcome of `register`.
#[derive(SimpleObject)]
pub struct RegisterPayload {
    /// The new user is signed in; null when signing up was refused.
    session: Option<Session>,
    /// The new user; null when signing up was refused.
    user: Option<User>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// The outcome of `login`.
#[derive(SimpleObject)]
pub struct LoginPayload {
    /// The proof of being signed in; null when signing in was refused.
    session: Option<Session>,
    /// Who has signed in; null when signing in was refused.
    user: Option<User>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// A session that goes on.
#[derive(InputObject)]
pub struct RefreshSessionInput {
    /// The refresh token that the session gave out last.
    pub refresh_token: String,
}

/// The outcome of `refreshSession`.
#[derive(SimpleObject)]
pub struct RefreshSessionPayload {
    /// The session's next tokens; null when it has ended.
    session: Option<Session>,
    /// Why it has ended.
    user_errors: Vec<UserError>,
}

/// A session to end.
#[derive(InputObject)]
pub struct LogoutInput {
    /// Any refresh token that the session has given out.
    pub refresh_token: String,
}

/// The outcome of `logout`.
#[derive(SimpleObject)]
pub struct LogoutPayload {
    /// Empty: a session that has ended before has ended.
    user_errors: Vec<UserError>,
}

#[Object]
impl SessionMutation {
    /// Makes an account and signs in with it. Everyone may. A teacher's account waits for an admin's verification.
    /// Null, with an error, when it fails.
    async fn register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] input: RegisterInput,
    ) -> Option<Result<RegisterPayload, Error>> {
        let payload = async {
            let outcome = ctx.data_unchecked::<Sessions>().register(ctx.client_ip(), input.into()).await;

            let (signed_in, user_errors) = into_payload(outcome)?;
            let (session, user) = signed_in.unzip();
            Ok(RegisterPayload { session, user, user_errors })
        };
        Some(payload.await)
    }

    /// Signs in with address and password. Everyone may. Null, with an error, when it fails.
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Address and password.")] input: LoginInput,
    ) -> Option<Result<LoginPayload, Error>> {
        let payload = async {
            let outcome = ctx.data_unchecked::<Sessions>().sign_in(ctx.client_ip(), &input.email, input.password).await;

            let (signed_in, user_errors) = into_payload(outcome)?;
            let (session, user) = signed_in.unzip();
            Ok(LoginPayload { session, user, user_errors })
        };
        Some(payload.await)
    }

    /// Gets the next tokens of a session. Whoever has its refresh token may. A refresh token works
    /// once: its second use ends the session. Null, with an error, when it fails.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token.")] input: RefreshSessionInput,
    ) -> Option<Result<RefreshSessionPayload, Error>> {
        let payload = async {
            let outcome = ctx.data_unchecked::<Sessions>().refresh(ctx.client_ip(), &input.refresh_token).await;

            let (session, user_errors) = into_payload(outcome)?;
            Ok(RefreshSessionPayload { session, user_errors })
        };
        Some(payload.await)
    }

    /// Ends the session of a refresh token, and every token descended from it. Whoever has it may.
    /// Access tokens that are out stay good until they expire. Null, with an error, when it fails.
    async fn logout(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token.")] input: LogoutInput,
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
