//! The mutations by which an admin gives a payment back, and has it told again.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use subgraph_kit::{Error, PaymentId, UserError, ViewerExt as _, into_payload};

use crate::{payment::Payment, payments::Payments};

/// Mutations.
#[derive(Default)]
pub struct RefundMutation;

/// Which payment to give back.
#[derive(Debug, InputObject)]
pub struct RefundPaymentInput {
    /// A completed payment.
    pub payment_id: PaymentId,
}

/// The outcome of `refundPayment`.
#[derive(Debug, SimpleObject)]
pub struct RefundPaymentPayload {
    /// The payment as it stands; null when the refund was refused.
    payment: Option<Payment>,
    /// Why the refund was refused.
    user_errors: Vec<UserError>,
}

/// Which payment to tell of again.
#[derive(Debug, InputObject)]
pub struct RepublishPaymentInput {
    /// A completed or refunded payment.
    pub payment_id: PaymentId,
}

/// The outcome of `republishPayment`.
#[derive(Debug, SimpleObject)]
pub struct RepublishPaymentPayload {
    /// The payment as it was told; null when that was refused.
    payment: Option<Payment>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

#[Object]
impl RefundMutation {
    /// Gives a completed payment back; the enrollment that it bought is taken back, too. Admins only.
    ///
    /// The payment is `REFUNDED`, or still `COMPLETED` while nobody knows whether the money has gone:
    /// then it is tried again until it has. `userErrors`: `NOT_FOUND`, and `NOT_REFUNDABLE` for a payment
    /// that is not completed, on its way back already, or that the payment provider refuses to give back
    /// (`Payment.refundState`; another call asks it once more). Null, with an error, when it fails.
    async fn refund_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which payment.")] input: RefundPaymentInput,
    ) -> Option<Result<RefundPaymentPayload, Error>> {
        let payload = async {
            let admin = ctx.viewer().require_admin()?;

            let outcome = ctx.data_unchecked::<Payments>().refund(admin, input.payment_id).await;

            let (payment, user_errors) = into_payload(outcome)?;
            Ok(RefundPaymentPayload { payment, user_errors })
        };
        Some(payload.await)
    }

    /// Tells the other services again how a payment stands, which is safe to repeat: for a student who
    /// has paid and has no enrollment, or was refunded and has one. Admins only.
    ///
    /// `userErrors`: `NOT_FOUND`, and `INVALID_INPUT` for a payment that is neither completed nor
    /// refunded. Null, with an error, when it fails.
    async fn republish_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which payment.")] input: RepublishPaymentInput,
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
