//! How many bytes of documents are stored: of all clients, and of each.

use std::time::Duration;

/// A stored document counts as its text and as much again as this, so that the bytes also limit the entries.
pub const ENTRY_BYTES: usize = 1_024;
/// One network address may fill one part in so many, within [`SHARE_PERIOD`].
pub const SHARES: u64 = 8;
pub const SHARE_PERIOD: Duration = Duration::from_hours(1);

/// The limits of a store, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of all documents.
    pub total: u64,
    /// Of the documents that one network address stores within [`SHARE_PERIOD`].
    pub share: u64,
}

impl Limits {
    pub fn new(total: u64) -> Self {
        Self { total, share: total.div_ceil(SHARES) }
    }
}
