//! The outcomes of delivering and handling events, and when they are tried again.

use std::time::Duration;

use subgraph_kit::report;

/// The SQLSTATE class of a value that its type cannot hold, such as a NUL character in a text.
const DATA_EXCEPTION: &str = "22";
/// The SQLSTATE class of a value too large for an index or a row.
const TOO_LARGE: &str = "54";

/// The maximum time until an event's next attempt. One that is scheduled further ahead is due: its clock was ahead.
pub(super) const MAX_SCHEDULED_AHEAD: Duration = Duration::from_hours(2);

/// The outcome of a successful delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Stored in the consumer's inbox.
    Delivered,
    /// Published to a broker; delivered when the consumer acknowledges it.
    Published,
}

/// The reason why an event was not delivered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// Invalid: not retried, but dead-lettered.
    #[error("rejected: {0}")]
    Rejected(String),
    /// The consumer is unavailable: to be retried.
    #[error("{0}")]
    Unavailable(String),
}

impl DeliveryError {
    /// Classifies a storage error: rejected if the data is at fault, unavailable otherwise.
    pub(super) fn from_storage(error: &sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        let is_invalid_data = code.is_some_and(|code| code.starts_with(DATA_EXCEPTION) || code.starts_with(TOO_LARGE));
        let reason = report::error_chain(error);
        if is_invalid_data { Self::Rejected(reason) } else { Self::Unavailable(reason) }
    }
}

/// The outcome of one round of a poll loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing was pending.
    Idle,
    /// Events were delivered, handled, or dead-lettered.
    Made,
    /// The next retry is due after this delay.
    NotBefore(Duration),
    /// The consumer is unavailable.
    Blocked,
}
