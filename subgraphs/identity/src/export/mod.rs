//! All data of a user in one file: asked for, collected from all services in the background, and fetched by a link.

pub mod download;
pub mod exporter;
pub mod graphql;
pub mod store;

use async_graphql::{Enum, SimpleObject};
use contracts::Timestamp;

/// All data of a user in one file. Only the user may see it.
#[derive(Clone, Debug, SimpleObject)]
pub struct DataExport {
    /// Whether the file can be fetched.
    pub state: DataExportState,
    /// The time at which the user asked for it.
    pub requested_at: Timestamp,
    /// The time at which the file is deleted.
    pub expires_at: Timestamp,
}

/// Whether the file with a user's data can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum DataExportState {
    /// The data are being collected. A notification tells when they are ready.
    Running,
    /// The file can be fetched by a link: see `createDataExportLink`.
    Ready,
}
