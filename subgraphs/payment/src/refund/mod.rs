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
    /// No refund was requested, or nothing was charged.
    None,
    /// A refund was requested, and its outcome is not known yet.
    Underway,
    /// The payment provider has rejected the refund. `refundPayment` asks it again.
    Refused,
    /// The payment was refunded.
    Done,
}

/// Returns the rejection for a refund that the provider rejects.
#[must_use]
pub fn refused() -> Rejection {
    let message = "the payment provider refuses to give this payment back";
    Rejection::new(Code::NotRefundable, message).at("paymentId")
}

/// Returns the rejection for a payment that is not refundable in this status.
#[must_use]
pub fn rejection(status: Status) -> Rejection {
    let message = match status {
        Status::Pending => "the outcome of this payment is not known yet",
        Status::Completed => "this payment is on its way back already",
        Status::Failed => "this payment has failed: there is nothing to give back",
        Status::Refunded => "this payment has gone back already",
    };
    Rejection::new(Code::NotRefundable, message).at("paymentId")
}
