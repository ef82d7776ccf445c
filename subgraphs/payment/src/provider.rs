//! Who moves the money.

use futures::{FutureExt as _, future::BoxFuture};
use subgraph_kit::{PaymentId, events::Purchase, timeouts};

/// Charges students, and gives them their money back. What it is asked for is named by the payment's
/// id: asked again, it does the same thing no second time, and answers as it did the first time.
pub trait PaymentProvider: Send + Sync + 'static {
    /// Takes the money.
    fn charge<'a>(&'a self, purchase: &'a Purchase) -> BoxFuture<'a, Result<Outcome, Away>>;

    /// What became of a charge; none if there was no such charge.
    fn find(&self, payment: PaymentId) -> BoxFuture<'_, Result<Option<Outcome>, Away>>;

    /// Gives the money back.
    fn refund(&self, payment: PaymentId) -> BoxFuture<'_, Result<Return, Away>>;
}

/// What became of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The money has arrived.
    Completed,
    /// It will not arrive.
    Declined,
}

/// What became of the wish to give money back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// The money is on its way.
    Done,
    /// It stays where it is, however often one asks: the charge is too old, say, or disputed.
    Refused,
}

/// Nobody knows whether it was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payment provider does not answer: {0}")]
pub struct Away(pub String);

/// The specification's provider: every charge completes, and nothing is written down.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysCompletes;

impl PaymentProvider for AlwaysCompletes {
    fn charge<'a>(&'a self, _: &'a Purchase) -> BoxFuture<'a, Result<Outcome, Away>> {
        async { Ok(Outcome::Completed) }.boxed()
    }

    fn find(&self, _: PaymentId) -> BoxFuture<'_, Result<Option<Outcome>, Away>> {
        async { Ok(None) }.boxed()
    }

    fn refund(&self, _: PaymentId) -> BoxFuture<'_, Result<Return, Away>> {
        async { Ok(Return::Done) }.boxed()
    }
}

/// The answer, if it comes in time. Later, nobody knows what became of it.
pub(crate) async fn in_time<T>(answer: BoxFuture<'_, Result<T, Away>>) -> Result<T, Away> {
    tokio::time::timeout(timeouts::PROVIDER, answer).await.unwrap_or_else(|_| Err(Away("no answer in time".to_owned())))
}
