//! How the provider behaves, which tests switch.

use serde::{Deserialize, Serialize};

use crate::ledger::{ChargeStatus, RefundStatus};

/// How the provider behaves. Every field has a default: an honest and fast provider.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Switches {
    /// What becomes of new charges.
    pub charge: ChargeStatus,
    /// What becomes of new refunds.
    pub refund: RefundStatus,
    /// The delay of the response, in milliseconds; the request is executed before it.
    pub delay_ms: u64,
    /// Requests are executed, and the connection is closed without a response.
    pub lose_answers: bool,
    /// Requests are not executed: 503.
    pub unavailable: bool,
    /// The process aborts when the next charge or refund is executed, before the response.
    pub crash: bool,
    /// The amount that responses and webhooks have in place of the real one.
    pub amount: Option<String>,
    /// The number of times that each webhook is sent, though it was accepted.
    pub copies: u32,
    /// Webhooks are kept until `POST /control/release`.
    pub hold_webhooks: bool,
    /// Webhooks are not sent.
    pub drop_webhooks: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            charge: ChargeStatus::Completed,
            refund: RefundStatus::Completed,
            delay_ms: 0,
            lose_answers: false,
            unavailable: false,
            crash: false,
            amount: None,
            copies: 1,
            hold_webhooks: false,
            drop_webhooks: false,
        }
    }
}
