//! The mutations with which an admin refunds or republishes a payment.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use contracts::PaymentId;
use service::CredentialsExt as _;
use subgraph_kit::{Error, Rejection, UserError, ViewerExt as _, into_payload};

use super::RefundRequest;
use crate::{payment::Payment, payments::Payments};

/// Mutations.
#[derive(Default)]
pub struct RefundMutation;

/// The payment to refund.
#[derive(Debug, InputObject)]
pub struct RefundPaymentInput {
    /// The id of a completed payment.
    pub payment_id: PaymentId,
    /// The reason, which the student sees at the payment; at most 500 characters, without control characters other than
    /// line breaks and tabs.
    pub reason: Option<String>,
    /// Confirms that the student may lose a completion of the course: without this, the refund of a payment is rejected
    /// whose student has completed the course.
    #[graphql(default)]
    pub confirm_completion_loss: bool,
}

/// The payload of `refundPayment`.
#[derive(Debug, SimpleObject)]
pub struct RefundPaymentPayload {
    /// The payment in its current state; null if the refund was rejected.
    payment: Option<Payment>,
    /// The reasons why the refund was rejected; empty if it was not.
    user_errors: Vec<UserError>,
}

/// The payment whose events to publish again.
#[derive(Debug, InputObject)]
pub struct RepublishPaymentInput {
    /// The id of a completed or refunded payment.
    pub payment_id: PaymentId,
}

/// The payload of `republishPayment`.
#[derive(Debug, SimpleObject)]
pub struct RepublishPaymentPayload {
    /// The payment; null if the mutation was rejected.
    payment: Option<Payment>,
    /// The reasons why the mutation was rejected; empty if it succeeded.
    user_errors: Vec<UserError>,
}

#[Object]
impl RefundMutation {
    /// Refunds a completed payment and deletes the enrollment that it bought. Only admins may do this.
    ///
    /// The payment is `REFUNDED`, or still `COMPLETED` while the outcome is unknown: then the refund is retried until
    /// it succeeds. `userErrors`: `NOT_FOUND`; `NOT_REFUNDABLE` for a payment that is not completed, is already being
    /// refunded, or whose refund the payment provider rejects (see `Payment.refundState`; another call asks the
    /// provider again); `COMPLETION_WOULD_BE_LOST` if the student has completed the course, until
    /// `confirmCompletionLoss` is true (the completion comes back if the student buys the course again);
    /// `INVALID_INPUT`. It is null, with an error, if the mutation fails.
    #[graphql(tag = "internal")]
    async fn refund_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The payment to refund.")] input: RefundPaymentInput,
    ) -> Option<Result<RefundPaymentPayload, Error>> {
        let payload = async {
            let admin = ctx.viewer().require_admin()?;

            let outcome = async {
                let request = RefundRequest::try_from(input)?;
                ctx.data_unchecked::<Payments>().refund(admin, ctx.credentials(), request).await
            };
            let outcome = outcome.await;

            let (payment, user_errors) = into_payload(outcome)?;
            Ok(RefundPaymentPayload { payment, user_errors })
        };
        Some(payload.await)
    }

    /// Publishes the payment's events again, which creates the missing enrollment of a completed payment or deletes the
    /// remaining enrollment of a refunded one. Repeating it has no further effect. Only admins may do this.
    ///
    /// `userErrors`: `NOT_FOUND`, and `INVALID_INPUT` for a payment that is neither completed nor refunded. It is null,
    /// with an error, if the mutation fails.
    #[graphql(tag = "internal")]
    async fn republish_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The payment whose events to publish again.")] input: RepublishPaymentInput,
    ) -> Option<Result<RepublishPaymentPayload, Error>> {
        let payload = async {
            let admin = ctx.viewer().require_admin()?;

            let outcome = ctx.data_unchecked::<Payments>().republish(admin, input.payment_id).await;

            let (payment, user_errors) = into_payload(outcome)?;
            Ok(RepublishPaymentPayload { payment, user_errors })
        };
        Some(payload.await)
    }
}

impl TryFrom<RefundPaymentInput> for RefundRequest {
    type Error = Rejection;

    fn try_from(input: RefundPaymentInput) -> Result<Self, Rejection> {
        Self::try_new(input.payment_id, input.reason.as_deref(), input.confirm_completion_loss)
    }
}
