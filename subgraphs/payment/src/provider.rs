//! Who moves the money.

use contracts::{PaymentId, events::Purchase};
use futures::{FutureExt as _, future::BoxFuture};
use subgraph_kit::timeouts;

/// Charges students, and gives them their money back. What it is asked for is named by the payment's
/// id: asked again, it does the same thing no second time, and answers as it did the first time.
pub trait PaymentProvider: Send + Sync + 'static {
    /// Takes the money.
    fn charge<'a>(&'a self, purchase: &'a Purchase) -> BoxFuture<'a, Result<ChargeOutcome, ProviderUnavailable>>;

    /// What became of a charge; none if there was no such charge.
    fn find(&self, payment: PaymentId) -> BoxFuture<'_, Result<Option<ChargeOutcome>, ProviderUnavailable>>;

    /// Gives the money back.
    fn refund(&self, payment: PaymentId) -> BoxFuture<'_, Result<RefundOutcome, ProviderUnavailable>>;
}

/// What became of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// The payment was charged.
    Completed,
    /// It will not arrive.
    Declined,
}

/// What became of the wish to give money back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundOutcome {
    /// The money is on its way.
    Done,
    /// It stays where it is, however often one asks: the charge is too old, say, or disputed.
    Refused,
}

/// Nobody knows whether it was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payment provider does not answer: {0}")]
pub struct ProviderUnavailable(pub String);

/// The specification's provider: every charge completes, and nothing is written down.
#[derive(Clone, Copy, Debug, Default)]
pub struct MockProvider;

impl PaymentProvider for MockProvider {
    fn charge<'a>(&'a self, _: &'a Purchase) -> BoxFuture<'a, Result<ChargeOutcome, ProviderUnavailable>> {
        async { Ok(ChargeOutcome::Completed) }.boxed()
    }

    fn find(&self, _: PaymentId) -> BoxFuture<'_, Result<Option<ChargeOutcome>, ProviderUnavailable>> {
        async { Ok(None) }.boxed()
    }

    fn refund(&self, _: PaymentId) -> BoxFuture<'_, Result<RefundOutcome, ProviderUnavailable>> {
        async { Ok(RefundOutcome::Done) }.boxed()
    }
}

/// The answer, if it comes in time. Later, nobody knows what became of it.
pub(crate) async fn with_timeout<T>(
    answer: BoxFuture<'_, Result<T, ProviderUnavailable>>,
) -> Result<T, ProviderUnavailable> {
    tokio::time::timeout(timeouts::PROVIDER, answer)
        .await
        .unwrap_or_else(|_| Err(ProviderUnavailable("no answer in time".to_owned())))
}
