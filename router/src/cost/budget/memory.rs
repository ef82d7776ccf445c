//! The accounts of one router, in its memory.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use moka::sync::Cache;

use super::account::{Account, BudgetKey, Charged, WINDOW};

/// The maximum of accounts of each kind. A client whose account was evicted starts with a full one.
const MAX_ACCOUNTS: u64 = 100_000;

pub struct Memory {
    users: Accounts,
    networks: Accounts,
}

type Accounts = Cache<BudgetKey, Arc<Mutex<Account>>>;

impl Memory {
    pub fn new() -> Self {
        // After a window an account is full, so it can be evicted.
        let accounts = || Cache::builder().max_capacity(MAX_ACCOUNTS).time_to_idle(WINDOW).build();
        Self { users: accounts(), networks: accounts() }
    }

    /// Charges `due` if the account covers it.
    pub fn charge(&self, key: &BudgetKey, due: u64, budget: u64, now: Instant) -> Charged {
        self.with(key, budget, now, |account| account.charge(due, budget, now))
    }

    /// Replaces a charge by the actual cost; returns what remains.
    pub fn settle(&self, key: &BudgetKey, charged: u64, used: u64, budget: u64, now: Instant) -> u64 {
        self.with(key, budget, now, |account| account.settle(charged, used, budget, now))
    }

    fn with<T>(&self, key: &BudgetKey, budget: u64, now: Instant, then: impl FnOnce(&mut Account) -> T) -> T {
        let accounts = match key {
            BudgetKey::User(_) => &self.users,
            BudgetKey::Network(_) => &self.networks,
        };
        let full = || Arc::new(Mutex::new(Account { remaining: budget, at: now }));
        let account = accounts.entry_by_ref(key).or_insert_with(full).into_value();
        then(&mut account.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
