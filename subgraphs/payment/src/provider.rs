//! The payment provider.

use contracts::{PaymentId, events::Purchase};
use futures::{FutureExt as _, future::BoxFuture};
use subgraph_kit::timeouts;

/// Charges and refunds students. Every call is idempotent by the payment's id: a repeated one has no further effect,
/// and returns the first outcome.
pub trait PaymentProvider: Send + Sync + 'static {
    /// Charges the student.
    fn charge<'a>(&'a self, purchase: &'a Purchase) -> BoxFuture<'a, Result<ChargeOutcome, ProviderUnavailable>>;

    /// Finds the outcome of a purchase's charge; none if there was no such charge.
    fn find<'a>(&'a self, purchase: &'a Purchase) -> BoxFuture<'a, Result<Option<ChargeOutcome>, ProviderUnavailable>>;

    /// Refunds the payment.
    fn refund(&self, payment: PaymentId) -> BoxFuture<'_, Result<RefundOutcome, ProviderUnavailable>>;
}

/// The outcome of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// The payment was charged.
    Completed,
    /// The payment was declined.
    Declined,
    /// The provider has accepted the charge, and decides later: it has to be asked again.
    Pending,
}

/// The outcome of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundOutcome {
    /// The refund is accepted.
    Done,
    /// The refund is rejected, and a retry does not help: the charge is too old, say, or disputed.
    Refused,
    /// The provider has accepted the refund, and decides later: it has to be asked again.
    Pending,
}

/// The provider did not answer: the outcome is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payment provider is unavailable: {0}")]
pub struct ProviderUnavailable(pub String);

/// The specification's provider: every charge completes, and nothing is stored.
#[derive(Clone, Copy, Debug, Default)]
pub struct MockProvider;

impl PaymentProvider for MockProvider {
    fn charge<'a>(&'a self, _: &'a Purchase) -> BoxFuture<'a, Result<ChargeOutcome, ProviderUnavailable>> {
        async { Ok(ChargeOutcome::Completed) }.boxed()
    }

    fn find<'a>(&'a self, _: &'a Purchase) -> BoxFuture<'a, Result<Option<ChargeOutcome>, ProviderUnavailable>> {
        async { Ok(None) }.boxed()
    }

    fn refund(&self, _: PaymentId) -> BoxFuture<'_, Result<RefundOutcome, ProviderUnavailable>> {
        async { Ok(RefundOutcome::Done) }.boxed()
    }
}

/// Awaits the provider's answer for up to [`timeouts::PROVIDER`]; after that the outcome is unknown.
pub(crate) async fn with_timeout<T>(
    answer: BoxFuture<'_, Result<T, ProviderUnavailable>>,
) -> Result<T, ProviderUnavailable> {
    tokio::time::timeout(timeouts::PROVIDER, answer)
        .await
        .unwrap_or_else(|_| Err(ProviderUnavailable("no response in time".to_owned())))
}
