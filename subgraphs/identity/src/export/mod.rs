//! All data of a user in one file: asked for, collected from all services in the background, and fetched by a link.

mod collect;
pub mod download;
pub mod graphql;
pub mod store;

use std::time::Duration;

use async_graphql::{Enum, SimpleObject};
use contracts::Timestamp;
use db::{DbPool, availability::BACKGROUND_TIMEOUT};
use service::Peers;
use subgraph_kit::Error;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::Keys;

/// How often requests are looked for.
const INTERVAL: Duration = Duration::from_secs(1);

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

/// What the data are collected with.
#[derive(Clone)]
pub struct Exporter {
    /// The database.
    pub db: DbPool,
    /// The other services.
    pub peers: Peers,
    /// The keys to ask them on behalf of the user.
    pub keys: Keys,
}

impl Exporter {
    /// Runs until `stop` is cancelled. Several may run at once.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match timeout(BACKGROUND_TIMEOUT, self.round()).await {
                Ok(Ok(true)) => continue,
                Ok(Ok(false)) => {}
                Ok(Err(error)) => warn!(error = %error, "data export failed, retrying"),
                Err(late) => warn!(error = %late, "data export failed, retrying"),
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Deletes what has expired, and collects the data of one user. False if nobody waits.
    async fn round(&self) -> Result<bool, Error> {
        store::delete_expired(&self.db).await?;
        let Some(due) = store::claim_next_due(&self.db).await? else { return Ok(false) };
        match collect::collect(self, due.user).await {
            Ok(content) => store::finish(&self.db, due, &content).await?,
            Err(error) => warn!(export.id = %due.id, error = %error, "data export failed, retrying"),
        }
        Ok(true)
    }
}
