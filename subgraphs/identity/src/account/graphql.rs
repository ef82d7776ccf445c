//! The mutations for new passwords and for e-mail addresses.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use subgraph_kit::{Error, UserError, ViewerExt as _, into_payload};

use super::Accounts;
use crate::{session::graphql::client, user::User};

/// Mutations.
pub struct AccountMutation;

/// The account whose owner has forgotten the password.
#[derive(InputObject)]
pub struct RequestPasswordResetInput {
    /// The e-mail address of the account, in any letter case. Blanks around it are ignored.
    pub email: String,
}

/// The payload of `requestPasswordReset`.
#[derive(SimpleObject)]
pub struct RequestPasswordResetPayload {
    /// The reasons why the request was rejected; empty if it was accepted, also if no account has the address.
    user_errors: Vec<UserError>,
}

/// The new password.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// The token in the link of the mail that `requestPasswordReset` has sent.
    pub token: String,
    /// The new password, 8 to 128 characters. In any letter case, it must not be the e-mail address, the part of it
    /// before the `@`, or one of the 10,000 most common passwords.
    pub new_password: String,
}

/// The payload of `resetPassword`.
#[derive(SimpleObject)]
pub struct ResetPasswordPayload {
    /// The user who has the new password; null if it was not replaced.
    user: Option<User>,
    /// The reasons why the password was not replaced; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The payload of `requestEmailVerification`.
#[derive(SimpleObject)]
pub struct RequestEmailVerificationPayload {
    /// The signed-in user; null if no mail was sent.
    user: Option<User>,
    /// Always empty: this mutation cannot be rejected.
    user_errors: Vec<UserError>,
}

/// The proof that an e-mail address belongs to the user.
#[derive(InputObject)]
pub struct VerifyEmailInput {
    /// The token in the link of the mail that `register` or `requestEmailVerification` has sent.
    pub token: String,
}

/// The payload of `verifyEmail`.
#[derive(SimpleObject)]
pub struct VerifyEmailPayload {
    /// The user whose e-mail address is verified; null if it was not.
    user: Option<User>,
    /// The reasons why the address was not verified; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The new e-mail address.
#[derive(InputObject)]
pub struct ChangeEmailInput {
    /// The new e-mail address, at most 255 characters, in any letter case. Blanks around it are ignored, and its domain
    /// is stored in ASCII (punycode).
    pub new_email: String,
    /// The password of the signed-in user.
    pub password: String,
}

/// The payload of `changeEmail`.
#[derive(SimpleObject)]
pub struct ChangeEmailPayload {
    /// The signed-in user, who has the old address until the new one is confirmed; null if no mail was sent.
    user: Option<User>,
    /// The reasons why no mail was sent; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The proof that the new e-mail address belongs to the user.
#[derive(InputObject)]
pub struct ConfirmEmailChangeInput {
    /// The token in the link of the mail that `changeEmail` has sent to the new address.
    pub token: String,
}

/// The payload of `confirmEmailChange`.
#[derive(SimpleObject)]
pub struct ConfirmEmailChangePayload {
    /// The user, who has the new address; null if it was not changed.
    user: Option<User>,
    /// The reasons why the address was not changed; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

#[Object]
impl AccountMutation {
    /// Sends the owner of an account a mail with a link that lets them choose a new password, which works once, for an
    /// hour. Everyone may do this; the response is the same, and takes as long, if no account has the address.
    /// `userErrors`: `INVALID_INPUT` for what is no e-mail address. It is null, with an error, if the mutation fails, and
    /// with `RATE_LIMITED` after too many requests for one address, or from one client.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] input: RequestPasswordResetInput,
    ) -> Option<Result<RequestPasswordResetPayload, Error>> {
        let payload = async {
            let accounts = ctx.data_unchecked::<Accounts>();
            let outcome = accounts.request_password_reset(&client(ctx), &input.email).await;

            let (_, user_errors) = into_payload(outcome)?;
            Ok(RequestPasswordResetPayload { user_errors })
        };
        Some(payload.await)
    }

    /// Replaces a forgotten password, and ends all sessions of the user. Everyone who has the token of a mail may do
    /// this, once; other such tokens of the user stop working, too. Access tokens that were already issued stay valid
    /// until they expire. `userErrors`: `TOKEN_NOT_VALID`; `INVALID_INPUT` for an unacceptable password, after which the
    /// token still works. It is null, with an error, if the mutation fails, and with `RATE_LIMITED` if a client tries too
    /// many tokens.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token and the new password.")] input: ResetPasswordInput,
    ) -> Option<Result<ResetPasswordPayload, Error>> {
        let payload = async {
            let accounts = ctx.data_unchecked::<Accounts>();
            let outcome = accounts.reset_password(&client(ctx), &input.token, input.new_password).await;

            let (user, user_errors) = into_payload(outcome)?;
            Ok(ResetPasswordPayload { user, user_errors })
        };
        Some(payload.await)
    }

    /// Sends the signed-in user a mail with a link that verifies their e-mail address, which works once, for three days.
    /// Every signed-in user may do this; if the address is verified, it has no effect. It is null, with an error, if the
    /// mutation fails, and with `RATE_LIMITED` after too many requests.
    async fn request_email_verification(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<RequestEmailVerificationPayload, Error>> {
        let payload = async {
            let viewer = ctx.viewer().require_signed_in()?;

            let accounts = ctx.data_unchecked::<Accounts>();
            let outcome = accounts.request_email_verification(&client(ctx), viewer, ctx.current_session()).await;

            let (user, user_errors) = into_payload(outcome)?;
            Ok(RequestEmailVerificationPayload { user, user_errors })
        };
        Some(payload.await)
    }

    /// Verifies a user's e-mail address. Everyone who has the token of a mail to this address may do this, once.
    /// `userErrors`: `TOKEN_NOT_VALID`. It is null, with an error, if the mutation fails, and with `RATE_LIMITED` if a
    /// client tries too many tokens.
    async fn verify_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: VerifyEmailInput,
    ) -> Option<Result<VerifyEmailPayload, Error>> {
        let payload = async {
            let outcome = ctx.data_unchecked::<Accounts>().verify_email(&client(ctx), &input.token).await;

            let (user, user_errors) = into_payload(outcome)?;
            Ok(VerifyEmailPayload { user, user_errors })
        };
        Some(payload.await)
    }

    /// Sends a mail to a new e-mail address of the signed-in user, with a link that makes it the address of the account,
    /// which works once, for a day; and tells the old address. Every signed-in user may do this. `userErrors`:
    /// `INVALID_CREDENTIALS` for a wrong password, `INVALID_INPUT`, `EMAIL_TAKEN`. It is null, with an error, if the
    /// mutation fails, and with `RATE_LIMITED` after too many wrong passwords or mails.
    async fn change_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new address, and the password.")] input: ChangeEmailInput,
    ) -> Option<Result<ChangeEmailPayload, Error>> {
        let payload = async {
            let viewer = ctx.viewer().require_signed_in()?;

            let ChangeEmailInput { new_email, password } = input;
            let accounts = ctx.data_unchecked::<Accounts>();
            let current = ctx.current_session();
            let outcome = accounts.change_email(&client(ctx), viewer, current, &new_email, password).await;

            let (user, user_errors) = into_payload(outcome)?;
            Ok(ChangeEmailPayload { user, user_errors })
        };
        Some(payload.await)
    }

    /// Makes a new e-mail address that of the account, and tells the old one. Everyone who has the token of the mail to
    /// the new address may do this, once. `userErrors`: `TOKEN_NOT_VALID`; `EMAIL_TAKEN` if another account has got the
    /// address meanwhile. It is null, with an error, if the mutation fails, and with `RATE_LIMITED` if a client tries too
    /// many tokens.
    async fn confirm_email_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: ConfirmEmailChangeInput,
    ) -> Option<Result<ConfirmEmailChangePayload, Error>> {
        let payload = async {
            let accounts = ctx.data_unchecked::<Accounts>();
            let outcome = accounts.confirm_email_change(&client(ctx), &input.token).await;

            let (user, user_errors) = into_payload(outcome)?;
            Ok(ConfirmEmailChangePayload { user, user_errors })
        };
        Some(payload.await)
    }
}
