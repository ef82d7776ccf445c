//! The mutations for signing up, signing in, refreshing and ending a session.

use async_graphql::{ComplexObject, Context, InputObject, Object, SimpleObject};
use contracts::SessionId;
use subgraph_kit::{ClientIpExt as _, Error, UserError, ViewerExt as _, into_payload};

use super::{ActiveSession, Session, SessionClient, Sessions};
use crate::user::{SignUp, SignUpRole, User, normalize_email};

/// Mutations.
pub struct SessionMutation;

/// The account to create.
#[derive(InputObject)]
pub struct RegisterInput {
    /// The e-mail address with which the user signs in, at most 255 characters, in any letter case. Blanks around it are
    /// ignored, and its domain is stored in ASCII (punycode).
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
    /// The e-mail address of the account, in any letter case. Blanks around it are ignored.
    pub email: String,
    /// The password of the account.
    pub password: String,
    /// For an account with a second factor: the code of 6 digits that the authenticator app shows, or a recovery code. Each
    /// works once. Without it, such an account is `SECOND_FACTOR_REQUIRED`. Other accounts ignore it.
    pub second_factor_code: Option<String>,
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

/// The session to end.
#[derive(InputObject)]
pub struct EndSessionInput {
    /// The id of the session, from `User.sessions`.
    pub session_id: SessionId,
}

/// The payload of `endSession`.
#[derive(SimpleObject)]
pub struct EndSessionPayload {
    /// The session that has ended; null if the signed-in user has no such session.
    session: Option<ActiveSession>,
    /// The reasons why no session was ended; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The payload of `endOtherSessions`.
#[derive(SimpleObject)]
pub struct EndOtherSessionsPayload {
    /// The number of sessions that were ended; null if the mutation was rejected.
    count: Option<i32>,
    /// Always empty: if there are no other sessions, none is ended.
    user_errors: Vec<UserError>,
}

/// The passwords of the account.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The password of the account until now.
    pub current_password: String,
    /// The new password, by the rules of `RegisterInput.password`.
    pub new_password: String,
}

/// The payload of `changePassword`.
#[derive(SimpleObject)]
pub struct ChangePasswordPayload {
    /// The signed-in user; null if the password was not changed.
    user: Option<User>,
    /// The reasons why the password was not changed; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
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
    /// verified the account. `userErrors`: `INVALID_INPUT`, `EMAIL_TAKEN`. It is null, with an error, if the mutation
    /// fails, and with `RATE_LIMITED` after too many registrations.
    async fn register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account to create.")] input: RegisterInput,
    ) -> Option<Result<RegisterPayload, Error>> {
        let payload = async {
            let outcome = ctx.data_unchecked::<Sessions>().register(&client(ctx), input.into()).await;

            let (signed_in, user_errors) = into_payload(outcome)?;
            let (session, user) = signed_in.unzip();
            Ok(RegisterPayload { session, user, user_errors })
        };
        Some(payload.await)
    }

    /// Signs in with e-mail address and password, and with a code if the account has a second factor. Everyone may do this.
    ///
    /// `userErrors`: `INVALID_CREDENTIALS`; if the password is right, `ACCOUNT_SUSPENDED`, `SECOND_FACTOR_REQUIRED` or
    /// `WRONG_SECOND_FACTOR`. It is null, with an error, if the mutation fails.
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The e-mail address, the password and, if the account has a second factor, a code.")]
        input: LoginInput,
    ) -> Option<Result<LoginPayload, Error>> {
        let payload = async {
            let LoginInput { email, password, second_factor_code } = input;
            let sessions = ctx.data_unchecked::<Sessions>();
            let outcome = sessions.sign_in(&client(ctx), &email, password, second_factor_code.as_deref()).await;

            let (signed_in, user_errors) = into_payload(outcome)?;
            let (session, user) = signed_in.unzip();
            Ok(LoginPayload { session, user, user_errors })
        };
        Some(payload.await)
    }

    /// Returns new tokens for a session. Everyone who has its refresh token may do this, whatever their access token. A
    /// refresh token works once: for a few seconds it gets the same client the same next token again, since another tab may
    /// have been faster, or the answer lost; after that, or from another client, it ends the session. `userErrors`:
    /// `SESSION_EXPIRED`. It is null, with an error, if the mutation fails, and with `RATE_LIMITED` after too many
    /// refreshes.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token of the session.")] input: RefreshSessionInput,
    ) -> Option<Result<RefreshSessionPayload, Error>> {
        let payload = async {
            let outcome = ctx.data_unchecked::<Sessions>().refresh(&client(ctx), &input.refresh_token).await;

            let (session, user_errors) = into_payload(outcome)?;
            Ok(RefreshSessionPayload { session, user_errors })
        };
        Some(payload.await)
    }

    /// Ends a session: all of its refresh tokens stop working. Everyone who has one of them may do this. Access tokens
    /// that were already issued stay valid until they expire, except for changes to the account. It is null, with an
    /// error, if the mutation fails.
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

    /// Ends a session of the signed-in user: its refresh tokens stop working. Every signed-in user may do this, also
    /// for the current session. Access tokens that were already issued stay valid until they expire, except for changes
    /// to the account. `userErrors`: `NOT_FOUND`. It is null, with an error, if the mutation fails.
    async fn end_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session to end.")] input: EndSessionInput,
    ) -> Option<Result<EndSessionPayload, Error>> {
        let payload = async {
            let viewer = ctx.viewer().require_signed_in()?;

            let outcome = ctx.data_unchecked::<Sessions>().end(viewer, ctx.current_session(), input.session_id).await;

            let (session, user_errors) = into_payload(outcome)?;
            Ok(EndSessionPayload { session, user_errors })
        };
        Some(payload.await)
    }

    /// Ends all sessions of the signed-in user but the current one. Every signed-in user may do this. Access tokens
    /// that were already issued stay valid until they expire, except for changes to the account. It is null, with an
    /// error, if the mutation fails.
    async fn end_other_sessions(&self, ctx: &Context<'_>) -> Option<Result<EndOtherSessionsPayload, Error>> {
        let payload = async {
            let viewer = ctx.viewer().require_signed_in()?;

            let outcome = ctx.data_unchecked::<Sessions>().end_others(viewer, ctx.current_session()).await;

            let (count, user_errors) = into_payload(outcome)?;
            Ok(EndOtherSessionsPayload { count, user_errors })
        };
        Some(payload.await)
    }

    /// Changes the password of the signed-in user, and ends all of their sessions but the current one. Every signed-in
    /// user may do this. `userErrors`: `INVALID_CREDENTIALS` for a wrong current password, `INVALID_INPUT`. It is null,
    /// with an error, if the mutation fails, and with `RATE_LIMITED` after too many wrong passwords.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The current and the new password.")] input: ChangePasswordInput,
    ) -> Option<Result<ChangePasswordPayload, Error>> {
        let payload = async {
            let viewer = ctx.viewer().require_signed_in()?;

            let ChangePasswordInput { current_password, new_password } = input;
            let sessions = ctx.data_unchecked::<Sessions>();
            let outcome = sessions
                .change_password(&client(ctx), viewer, ctx.current_session(), current_password, new_password)
                .await;

            let (user, user_errors) = into_payload(outcome)?;
            Ok(ChangePasswordPayload { user, user_errors })
        };
        Some(payload.await)
    }
}

#[ComplexObject]
impl ActiveSession {
    /// Whether it is the session that the access token of this request was issued for.
    async fn is_current(&self, ctx: &Context<'_>) -> bool {
        ctx.current_session().0 == Some(self.id)
    }
}

/// The client that has sent the request.
pub(crate) fn client(ctx: &Context<'_>) -> SessionClient {
    SessionClient { ip: ctx.client_ip(), user_agent: ctx.user_agent().0.clone() }
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
