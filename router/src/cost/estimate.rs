//! What is known of an operation before it runs.

use std::sync::Arc;

use super::operation::OperationCost;

/// In the context of a request whose operation is known.
#[derive(Clone)]
pub struct Estimate {
    /// In microseconds.
    pub cost: u64,
    /// What it is the estimate of.
    pub operation: Arc<OperationCost>,
}
