//! The reconciler: completes interrupted purchases and refunds.

use std::time::Duration;

use db::availability::BACKGROUND_TIMEOUT;
use subgraph_kit::Error;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::payments::Payments;

/// The polling interval. Each round costs two look-ups in indexes that are usually empty.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Runs until `stop` is cancelled, which is checked between two rounds. Several may run at once.
pub async fn run(payments: Payments, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match timeout(BACKGROUND_TIMEOUT, round(&payments)).await {
            Ok(Ok(true)) => continue,
            Ok(Ok(false)) => {}
            Ok(Err(error)) => warn!(error = %error, "reconciliation failed, retrying"),
            Err(late) => warn!(error = %late, "reconciliation failed, retrying"),
        }
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Reconciles one purchase and one refund, so that neither starves the other. False if none was due.
async fn round(payments: &Payments) -> Result<bool, Error> {
    let (purchase, refund) = (payments.reconcile_next_purchase().await?, payments.reconcile_next_refund().await?);
    Ok(purchase || refund)
}
