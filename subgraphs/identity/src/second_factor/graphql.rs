//! The mutations for second factors.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use subgraph_kit::{Error, UserError, ViewerExt as _, into_payload};

use super::{Proof, SecondFactorSetup, SecondFactors};
use crate::{session::graphql::client, user::User};

/// Mutations.
pub struct SecondFactorMutation;

/// The confirmation that the signed-in user wants to set up a second factor.
#[derive(InputObject)]
pub struct SetUpSecondFactorInput {
    /// The password of the account.
    pub password: String,
}

/// The payload of `setUpSecondFactor`.
#[derive(SimpleObject)]
pub struct SetUpSecondFactorPayload {
    /// What the authenticator app needs; null if nothing was set up.
    setup: Option<SecondFactorSetup>,
    /// The reasons why nothing was set up; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The confirmation that the authenticator app shows the right codes.
#[derive(InputObject)]
pub struct EnableSecondFactorInput {
    /// The code of 6 digits that the app shows. Blanks are ignored.
    pub second_factor_code: String,
}

/// The payload of `enableSecondFactor`.
#[derive(SimpleObject)]
pub struct EnableSecondFactorPayload {
    /// The signed-in user; null if the second factor was not enabled.
    user: Option<User>,
    /// The recovery codes of the account. Each replaces a code of the app once. They are shown here only; the user should
    /// keep them where they do not get lost with the app. Null if the second factor was not enabled.
    recovery_codes: Option<Vec<String>>,
    /// The reasons why the second factor was not enabled; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The proof that whoever disables the second factor has both factors.
#[derive(InputObject)]
pub struct DisableSecondFactorInput {
    /// The password of the account.
    pub password: String,
    /// The code of 6 digits that the authenticator app shows, or a recovery code.
    pub second_factor_code: String,
}

/// The payload of `disableSecondFactor`.
#[derive(SimpleObject)]
pub struct DisableSecondFactorPayload {
    /// The signed-in user; null if the second factor was not disabled.
    user: Option<User>,
    /// The reasons why the second factor was not disabled; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The proof that whoever replaces the recovery codes has both factors.
#[derive(InputObject)]
pub struct ReplaceRecoveryCodesInput {
    /// The password of the account.
    pub password: String,
    /// The code of 6 digits that the authenticator app shows, or a recovery code.
    pub second_factor_code: String,
}

/// The payload of `replaceRecoveryCodes`.
#[derive(SimpleObject)]
pub struct ReplaceRecoveryCodesPayload {
    /// The new recovery codes of the account, which are shown here only; null if the codes were not replaced.
    recovery_codes: Option<Vec<String>>,
    /// The reasons why the codes were not replaced; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

#[Object]
impl SecondFactorMutation {
    /// Prepares a second factor (TOTP, RFC 6238) for the account of the signed-in user: returns a secret for an
    /// authenticator app. Nothing changes before `enableSecondFactor` confirms it, which is possible for 15 minutes; calling
    /// it again replaces the secret. Every signed-in user may do this, as often as they may try to sign in.
    ///
    /// `userErrors`: `INVALID_CREDENTIALS`; `SECOND_FACTOR_ENABLED`. It is null, with an error, if the mutation fails.
    async fn set_up_second_factor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password of the account.")] input: SetUpSecondFactorInput,
    ) -> Option<Result<SetUpSecondFactorPayload, Error>> {
        let payload = async {
            let viewer = ctx.viewer().require_signed_in()?;

            let second_factors = ctx.data_unchecked::<SecondFactors>();
            let outcome = second_factors.set_up(&client(ctx), viewer, ctx.current_session(), input.password).await;

            let (setup, user_errors) = into_payload(outcome)?;
            Ok(SetUpSecondFactorPayload { setup, user_errors })
        };
        Some(payload.await)
    }

    /// Enables the second factor that `setUpSecondFactor` has prepared: from now on, `login` needs a code of the app or a
    /// recovery code beside the password. Ends all sessions of the user but the current one, and tells the user by mail and
    /// by a notification. Every signed-in user may do this, as often as they may try to sign in.
    ///
    /// `userErrors`: `NOT_FOUND` if no second factor was set up in the last 15 minutes; `WRONG_SECOND_FACTOR`;
    /// `SECOND_FACTOR_ENABLED`. It is null, with an error, if the mutation fails.
    async fn enable_second_factor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A code of the authenticator app.")] input: EnableSecondFactorInput,
    ) -> Option<Result<EnableSecondFactorPayload, Error>> {
        let payload = async {
            let viewer = ctx.viewer().require_signed_in()?;

            let second_factors = ctx.data_unchecked::<SecondFactors>();
            let outcome =
                second_factors.enable(&client(ctx), viewer, ctx.current_session(), &input.second_factor_code).await;

            let (enabled, user_errors) = into_payload(outcome)?;
            let (user, recovery_codes) = enabled.unzip();
            Ok(EnableSecondFactorPayload { user, recovery_codes, user_errors })
        };
        Some(payload.await)
    }

    /// Disables the second factor of the signed-in user and deletes its secret and recovery codes: `login` needs only the
    /// password again. Tells the user by mail and by a notification. Every signed-in user may do this, as often as they may
    /// try to sign in.
    ///
    /// `userErrors`: `INVALID_CREDENTIALS`; `WRONG_SECOND_FACTOR`; `SECOND_FACTOR_NOT_ENABLED`. It is null, with an error, if
    /// the mutation fails.
    async fn disable_second_factor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password, and a code.")] input: DisableSecondFactorInput,
    ) -> Option<Result<DisableSecondFactorPayload, Error>> {
        let payload = async {
            let viewer = ctx.viewer().require_signed_in()?;

            let proof = Proof { password: input.password, code: input.second_factor_code };
            let second_factors = ctx.data_unchecked::<SecondFactors>();
            let outcome = second_factors.disable(&client(ctx), viewer, ctx.current_session(), proof).await;

            let (user, user_errors) = into_payload(outcome)?;
            Ok(DisableSecondFactorPayload { user, user_errors })
        };
        Some(payload.await)
    }

    /// Replaces the recovery codes of the signed-in user, used and unused ones, by new ones. Tells the user by mail and by a
    /// notification. Every signed-in user may do this, as often as they may try to sign in.
    ///
    /// `userErrors`: `INVALID_CREDENTIALS`; `WRONG_SECOND_FACTOR`; `SECOND_FACTOR_NOT_ENABLED`. It is null, with an error, if
    /// the mutation fails.
    async fn replace_recovery_codes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password, and a code.")] input: ReplaceRecoveryCodesInput,
    ) -> Option<Result<ReplaceRecoveryCodesPayload, Error>> {
        let payload = async {
            let viewer = ctx.viewer().require_signed_in()?;

            let proof = Proof { password: input.password, code: input.second_factor_code };
            let second_factors = ctx.data_unchecked::<SecondFactors>();
            let outcome =
                second_factors.replace_recovery_codes(&client(ctx), viewer, ctx.current_session(), proof).await;

            let (recovery_codes, user_errors) = into_payload(outcome)?;
            Ok(ReplaceRecoveryCodesPayload { recovery_codes, user_errors })
        };
        Some(payload.await)
    }
}
