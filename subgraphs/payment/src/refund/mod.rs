//! Refunds of payments.

pub mod graphql;
pub mod store;
mod workflow;

use async_graphql::Enum;
use contracts::{Code, PaymentId};
use subgraph_kit::{
    Rejection,
    text::{self, TextRules},
};

use crate::payment::Status;

/// The state of a payment's refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "RefundState")]
pub enum RefundState {
    /// No refund was requested, or the payment was never charged.
    None,
    /// A refund was requested, and its outcome is not known yet.
    Underway,
    /// The payment provider rejected the refund. An admin can retry it.
    Refused,
    /// The payment was refunded.
    Done,
}

/// The reason of a refund, in characters as in the table.
const REASON: TextRules = TextRules { is_required: false, is_multiline: true, max_length: Some(500) };

/// An admin's request to refund a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    /// The id of the payment.
    pub payment_id: PaymentId,
    /// What the admin says about it, for the student.
    pub note: Option<String>,
    /// Whether the student may lose a completion of the course.
    pub confirms_completion_loss: bool,
}

impl RefundRequest {
    /// Cleans and validates the inputs of a request. A blank reason is none.
    ///
    /// # Errors
    /// `INVALID_INPUT` if the reason is too long or cannot be read.
    pub fn try_new(
        payment_id: PaymentId,
        reason: Option<&str>,
        confirms_completion_loss: bool,
    ) -> Result<Self, Rejection> {
        let note = reason.map(|reason| text::clean("reason", reason, REASON)).transpose()?;
        Ok(Self { payment_id, note: note.filter(|note| !note.is_empty()), confirms_completion_loss })
    }
}

/// Returns the rejection for a refund that takes away a completion.
#[must_use]
pub fn completion_would_be_lost() -> Rejection {
    let message = "the student has completed the course, and a refund takes the completion away";
    Rejection::new(Code::CompletionWouldBeLost, message).at("confirmCompletionLoss")
}

/// Returns the rejection for a refund that the provider rejects.
#[must_use]
pub fn refused() -> Rejection {
    let message = "the payment provider rejected the refund";
    Rejection::new(Code::NotRefundable, message).at("paymentId")
}

/// Returns the rejection for a payment that is not refundable in this status.
#[must_use]
pub fn rejection(status: Status) -> Rejection {
    let message = match status {
        Status::Pending => "this payment is still pending: try again later",
        Status::Completed => "this payment is already being refunded",
        Status::Failed => "this payment failed, so there is nothing to refund",
        Status::Refunded => "this payment was already refunded",
    };
    Rejection::new(Code::NotRefundable, message).at("paymentId")
}
