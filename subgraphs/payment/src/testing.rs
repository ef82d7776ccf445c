//! For tests: a provider that writes down what it was asked for, and fails when it is told to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use subgraph_kit::{PaymentId, events::Purchase};

use crate::provider::{Away, Outcome, PaymentProvider, Return};

/// So often one that is held looks whether it still is.
const GLANCE: Duration = Duration::from_millis(5);

/// A provider whose books are in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Books>>);

/// How a provider behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// Does at once what it is asked for.
    #[default]
    Quick,
    /// Does it, and takes its time to say so.
    Slow(Duration),
    /// Does it, and says so when it is told to be in another mood.
    Held,
    /// Refuses charges.
    Declining,
    /// Gives nothing back.
    Keeping,
    /// Does nothing, and says nothing.
    Away,
    /// Does it, and the answer is lost.
    Mute,
}

#[derive(Debug, Default)]
struct Books {
    mood: Mood,
    charges: HashMap<PaymentId, Charge>,
    refunds: HashMap<PaymentId, u32>,
    refusals: u32,
}

#[derive(Debug)]
struct Charge {
    outcome: Outcome,
    asked: u32,
}

impl Ledger {
    /// From now on it behaves like this.
    pub fn be(&self, mood: Mood) {
        self.books().mood = mood;
    }

    /// How often money was taken: once for each id.
    #[must_use]
    pub fn charges(&self) -> usize {
        self.books().charges.values().filter(|charge| charge.outcome == Outcome::Completed).count()
    }

    /// How often it was asked to take money, repetitions included.
    #[must_use]
    pub fn charges_asked(&self) -> u32 {
        self.books().charges.values().map(|charge| charge.asked).sum()
    }

    /// How often money was given back: once for each id.
    #[must_use]
    pub fn refunds(&self) -> usize {
        self.books().refunds.len()
    }

    /// How often it was asked to give money back, repetitions included.
    #[must_use]
    pub fn refunds_asked(&self) -> u32 {
        self.books().refunds.values().sum()
    }

    /// How often it refused to give money back.
    #[must_use]
    pub fn refusals(&self) -> u32 {
        self.books().refusals
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mood(&self) -> Mood {
        self.books().mood
    }

    fn take(&self, payment: PaymentId, outcome: Outcome) -> Outcome {
        let mut books = self.books();
        let charge = books.charges.entry(payment).or_insert(Charge { outcome, asked: 0 });
        charge.asked += 1;
        charge.outcome
    }

    fn give_back(&self, payment: PaymentId) {
        *self.books().refunds.entry(payment).or_default() += 1;
    }

    async fn answer<T>(&self, mood: Mood, answer: T) -> Result<T, Away> {
        match mood {
            Mood::Quick | Mood::Declining | Mood::Keeping => Ok(answer),
            Mood::Slow(pause) => {
                tokio::time::sleep(pause).await;
                Ok(answer)
            }
            Mood::Held => {
                while self.mood() == Mood::Held {
                    tokio::time::sleep(GLANCE).await;
                }
                Ok(answer)
            }
            Mood::Away | Mood::Mute => Err(Away("told to be silent".to_owned())),
        }
    }
}

impl PaymentProvider for Ledger {
    fn charge<'a>(&'a self, purchase: &'a Purchase) -> BoxFuture<'a, Result<Outcome, Away>> {
        async move {
            let mood = self.mood();
            let outcome = match mood {
                Mood::Away => Outcome::Declined,
                Mood::Declining => self.take(purchase.payment_id, Outcome::Declined),
                _ => self.take(purchase.payment_id, Outcome::Completed),
            };
            self.answer(mood, outcome).await
        }
        .boxed()
    }

    fn find(&self, payment: PaymentId) -> BoxFuture<'_, Result<Option<Outcome>, Away>> {
        async move {
            let found = self.books().charges.get(&payment).map(|charge| charge.outcome);
            self.answer(self.mood(), found).await
        }
        .boxed()
    }

    fn refund(&self, payment: PaymentId) -> BoxFuture<'_, Result<Return, Away>> {
        async move {
            let mood = self.mood();
            let outcome = match mood {
                Mood::Keeping => {
                    self.books().refusals += 1;
                    Return::Refused
                }
                Mood::Away => Return::Refused,
                _ => {
                    self.give_back(payment);
                    Return::Done
                }
            };
            self.answer(mood, outcome).await
        }
        .boxed()
    }
}
