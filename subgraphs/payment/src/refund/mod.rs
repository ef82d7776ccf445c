//! A payment that goes back.

mod give_back;
pub mod graphql;
pub mod store;

use subgraph_kit::{Code, Refusal};

use crate::payment::Status;

/// Why a payment cannot go back, as it stands.
#[must_use]
pub fn refusal(status: Status) -> Refusal {
    let message = match status {
        Status::Pending => "the outcome of this payment is not known yet",
        Status::Completed => "this payment is on its way back already",
        Status::Failed => "this payment has failed: there is nothing to give back",
        Status::Refunded => "this payment has gone back already",
    };
    Refusal::new(Code::NotRefundable, message).at("paymentId")
}
