//! Forgets where notifications were that were deleted long ago.

use std::time::Duration;

use db::{
    DbPool,
    availability::{BACKGROUND_TIMEOUT, with_timeout},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::store::forget_deleted;

const INTERVAL: Duration = Duration::from_hours(1);

/// Runs until `stop` is cancelled. Several may run at once.
pub async fn run(db: DbPool, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match with_timeout(BACKGROUND_TIMEOUT, forget_deleted(&db)).await {
            Ok(1..) => continue,
            Ok(0) => {}
            Err(error) => debug!(error = %error, "deleted notifications not forgotten, retrying"),
        }
        tokio::select! {
            () = sleep(INTERVAL) => {}
            () = stop.cancelled() => {}
        }
    }
}
