//! The account of one client, which refills continuously.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

/// The time in which an empty budget refills.
pub const WINDOW: Duration = Duration::from_mins(1);

/// The owner of a budget.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BudgetKey {
    /// A signed-in user.
    User(String),
    /// The network of an anonymous client.
    Network(Option<IpAddr>),
}

/// An account, in microseconds.
pub struct Account {
    pub remaining: u64,
    pub at: Instant,
}

/// The result of a charge: whether the account covered it, and what remains.
#[derive(Clone, Copy)]
pub struct Charged {
    pub is_covered: bool,
    pub remaining: u64,
}

/// Mirrors `account.lua`.
impl Account {
    /// Charges `due` if the account covers it.
    pub fn charge(&mut self, due: u64, budget: u64, now: Instant) -> Charged {
        self.refill(budget, now);
        let remaining = self.remaining.checked_sub(due);
        self.remaining = remaining.unwrap_or(self.remaining);
        Charged { is_covered: remaining.is_some(), remaining: self.remaining }
    }

    /// Replaces a charge by the actual cost; returns what remains.
    pub fn settle(&mut self, charged: u64, used: u64, budget: u64, now: Instant) -> u64 {
        self.refill(budget, now);
        self.remaining = self.remaining.saturating_add(charged).saturating_sub(used).min(budget);
        self.remaining
    }

    fn refill(&mut self, budget: u64, now: Instant) {
        let gone = now.saturating_duration_since(self.at).min(WINDOW);
        let gain = u128::from(budget) * gone.as_micros() / WINDOW.as_micros();
        self.remaining = self.remaining.saturating_add(u64::try_from(gain).unwrap_or(budget)).min(budget);
        self.at = self.at.max(now);
    }
}
