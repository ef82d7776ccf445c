//! What becomes of an event on its way.

use std::time::Duration;

use subgraph_kit::report;

/// Classes of SQLSTATE: a value that its type cannot hold, such as a NUL character in a text.
const DATA_EXCEPTION: &str = "22";
/// More than an index or a row can hold.
const TOO_LARGE: &str = "54";

/// Where an event is that was taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// In the inbox of the service that it is for.
    Delivered,
    /// On its way there. It has arrived when that service acknowledges it.
    Published,
}

/// Why an event is not where it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// It will not do, and never will.
    #[error("refused: {0}")]
    Rejected(String),
    /// Nobody took it; it is worth trying again.
    #[error("{0}")]
    Unavailable(String),
}

impl DeliveryError {
    /// Whether it is the fault of what is written down that a table does not hold it, or the moment's.
    pub(super) fn of_storage(error: &sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        let is_the_events = code.is_some_and(|code| code.starts_with(DATA_EXCEPTION) || code.starts_with(TOO_LARGE));
        let reason = report::chain(error);
        if is_the_events { Self::Rejected(reason) } else { Self::Unavailable(reason) }
    }
}

/// What a round did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There was nothing to do.
    Idle,
    /// Events were delivered, acted on, or dead-lettered.
    Made,
    /// There is something to do when this is over.
    NotBefore(Duration),
    /// Whoever wants them is unavailable.
    Blocked,
}
