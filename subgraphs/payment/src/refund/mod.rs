//! Refunds of payments.

pub mod graphql;
pub mod store;
mod workflow;

use async_graphql::Enum;
use contracts::Code;
use subgraph_kit::Rejection;

use crate::payment::Status;

/// The state of a payment's refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "RefundState")]
pub enum RefundState {
    /// No refund was requested, or the payment was never charged.
    None,
    /// A refund was requested, and its outcome is not known yet.
    Underway,
    /// The payment provider rejected the refund. An admin can retry it with `refundPayment`.
    Refused,
    /// The payment was refunded.
    Done,
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
