//! An operation's cost before it runs.

use std::sync::Arc;

use super::operation::OperationCost;

/// The estimate, in the context of a request whose operation is known.
#[derive(Clone)]
pub struct Estimate {
    /// The estimated cost in microseconds.
    pub cost: u64,
    /// The estimated operation.
    pub operation: Arc<OperationCost>,
}
