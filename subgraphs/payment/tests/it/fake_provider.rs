//! A provider that records its requests, and fails on demand.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use contracts::{PaymentId, events::Purchase};
use futures::{FutureExt as _, future::BoxFuture};
use payment::provider::{ChargeOutcome, PaymentProvider, ProviderUnavailable, RefundOutcome};

/// The interval at which a blocked request checks the behavior.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A provider whose state is in memory, and shared by clones.
#[derive(Clone, Debug, Default)]
pub struct FakeProvider(Arc<Mutex<State>>);

/// The behavior of a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behavior {
    /// Executes requests immediately.
    #[default]
    Immediate,
    /// Executes requests, and delays the response.
    Slow(Duration),
    /// Executes requests, and responds when the behavior changes.
    Blocks,
    /// Declines charges.
    DeclinesCharges,
    /// Rejects refunds.
    RejectsRefunds,
    /// Does not execute requests, and does not respond.
    Unavailable,
    /// Executes requests, and loses the response.
    LosesResponse,
}

#[derive(Debug, Default)]
struct State {
    behavior: Behavior,
    charges: HashMap<PaymentId, Charge>,
    refunds: HashMap<PaymentId, u32>,
    rejections: u32,
}

#[derive(Debug)]
struct Charge {
    outcome: ChargeOutcome,
    requests: u32,
}

impl FakeProvider {
    /// Sets the behavior of subsequent requests.
    pub fn set_behavior(&self, behavior: Behavior) {
        self.state().behavior = behavior;
    }

    /// The number of completed charges, one per id.
    #[must_use]
    pub fn charges(&self) -> usize {
        self.state().charges.values().filter(|charge| charge.outcome == ChargeOutcome::Completed).count()
    }

    /// The number of charge requests, retries included.
    #[must_use]
    pub fn charge_requests(&self) -> u32 {
        self.state().charges.values().map(|charge| charge.requests).sum()
    }

    /// The number of refunds, one per id.
    #[must_use]
    pub fn refunds(&self) -> usize {
        self.state().refunds.len()
    }

    /// The number of refund requests, retries included.
    #[must_use]
    pub fn refund_requests(&self) -> u32 {
        self.state().refunds.values().sum()
    }

    /// The number of rejected refund requests.
    #[must_use]
    pub fn rejections(&self) -> u32 {
        self.state().rejections
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn behavior(&self) -> Behavior {
        self.state().behavior
    }

    fn take(&self, payment: PaymentId, outcome: ChargeOutcome) -> ChargeOutcome {
        let mut state = self.state();
        let charge = state.charges.entry(payment).or_insert(Charge { outcome, requests: 0 });
        charge.requests += 1;
        charge.outcome
    }

    fn record_refund(&self, payment: PaymentId) {
        *self.state().refunds.entry(payment).or_default() += 1;
    }

    async fn answer<T>(&self, behavior: Behavior, answer: T) -> Result<T, ProviderUnavailable> {
        match behavior {
            Behavior::Immediate | Behavior::DeclinesCharges | Behavior::RejectsRefunds => Ok(answer),
            Behavior::Slow(pause) => {
                tokio::time::sleep(pause).await;
                Ok(answer)
            }
            Behavior::Blocks => {
                while self.behavior() == Behavior::Blocks {
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
                Ok(answer)
            }
            Behavior::Unavailable | Behavior::LosesResponse => Err(ProviderUnavailable("told to be silent".to_owned())),
        }
    }
}

impl PaymentProvider for FakeProvider {
    fn charge<'a>(&'a self, purchase: &'a Purchase) -> BoxFuture<'a, Result<ChargeOutcome, ProviderUnavailable>> {
        async move {
            let behavior = self.behavior();
            let outcome = match behavior {
                Behavior::Unavailable => ChargeOutcome::Declined,
                Behavior::DeclinesCharges => self.take(purchase.payment_id, ChargeOutcome::Declined),
                _ => self.take(purchase.payment_id, ChargeOutcome::Completed),
            };
            self.answer(behavior, outcome).await
        }
        .boxed()
    }

    fn find<'a>(&'a self, purchase: &'a Purchase) -> BoxFuture<'a, Result<Option<ChargeOutcome>, ProviderUnavailable>> {
        async move {
            let found = self.state().charges.get(&purchase.payment_id).map(|charge| charge.outcome);
            self.answer(self.behavior(), found).await
        }
        .boxed()
    }

    fn refund(&self, payment: PaymentId) -> BoxFuture<'_, Result<RefundOutcome, ProviderUnavailable>> {
        async move {
            let behavior = self.behavior();
            let outcome = match behavior {
                Behavior::RejectsRefunds => {
                    self.state().rejections += 1;
                    RefundOutcome::Refused
                }
                Behavior::Unavailable => RefundOutcome::Refused,
                _ => {
                    self.record_refund(payment);
                    RefundOutcome::Done
                }
            };
            self.answer(behavior, outcome).await
        }
        .boxed()
    }
}
