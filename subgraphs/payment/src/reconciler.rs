//! Finishes what broke off: payments whose outcome nobody has written down, and refunds.

use std::time::Duration;

use db::availability::BACKGROUND_TIMEOUT;
use subgraph_kit::Error;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::payments::Payments;

/// How often one looks. It costs two look-ups in indexes that are empty as a rule.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Goes on until `stop` is cancelled, which is noticed between two payments. Several may run at once.
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

/// One purchase and one refund, so that neither keeps the other waiting. False if there was nothing to
/// do.
async fn round(payments: &Payments) -> Result<bool, Error> {
    let (purchase, refund) = (payments.reconcile_next_purchase().await?, payments.reconcile_next_refund().await?);
    Ok(purchase || refund)
}
