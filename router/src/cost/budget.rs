//! A cost budget for each client, which refills continuously.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use moka::sync::Cache;

/// The time in which an empty budget refills.
pub const WINDOW: Duration = Duration::from_mins(1);
/// Accounts kept at a time. A client whose account was evicted starts with a full one.
const MAX_ACCOUNTS: u64 = 100_000;

/// Whose budget it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BudgetKey {
    /// A signed-in user.
    User(String),
    /// The network of an anonymous client.
    Network(Option<IpAddr>),
}

/// The accounts of all clients of one router.
pub struct Budgets {
    users: Accounts,
    networks: Accounts,
}

struct Accounts {
    /// Microseconds for each window.
    budget: u64,
    open: Cache<BudgetKey, Arc<Mutex<Account>>>,
}

struct Account {
    left: u64,
    at: Instant,
}

/// The state of an account after a charge, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The whole budget.
    pub budget: u64,
    /// What is left of it.
    pub remaining: u64,
}

/// The account has less than the charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// Its current state.
    pub balance: Balance,
    /// When it will have enough.
    pub retry_after: Duration,
}

impl Budgets {
    /// Budgets in microseconds per window for each user and each network of anonymous clients; 0 for no limit.
    pub fn new(user: u64, network: u64) -> Self {
        Self { users: Accounts::new(user), networks: Accounts::new(network) }
    }

    /// Charges a cost if the account has enough. None without a limit.
    pub fn charge(&self, key: &BudgetKey, cost: u64, now: Instant) -> Result<Option<Balance>, Exhausted> {
        self.of(key).with(key, now, |account, budget| account.charge(cost, budget)).transpose()
    }

    /// Replaces a charge by what was really used.
    pub fn settle(&self, key: &BudgetKey, charged: u64, used: u64, now: Instant) -> Option<Balance> {
        self.of(key).with(key, now, |account, budget| {
            account.left = account.left.saturating_add(charged).saturating_sub(used).min(budget);
            Balance { budget, remaining: account.left }
        })
    }

    fn of(&self, key: &BudgetKey) -> &Accounts {
        match key {
            BudgetKey::User(_) => &self.users,
            BudgetKey::Network(_) => &self.networks,
        }
    }
}

impl Accounts {
    fn new(budget: u64) -> Self {
        // After a window an account is full, and as good as a new one.
        Self { budget, open: Cache::builder().max_capacity(MAX_ACCOUNTS).time_to_idle(WINDOW).build() }
    }

    fn with<T>(&self, key: &BudgetKey, now: Instant, then: impl FnOnce(&mut Account, u64) -> T) -> Option<T> {
        if self.budget == 0 {
            return None;
        }
        let new = || Arc::new(Mutex::new(Account { left: self.budget, at: now }));
        let account = self.open.entry_by_ref(key).or_insert_with(new).into_value();
        let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
        account.fill(self.budget, now);
        Some(then(&mut account, self.budget))
    }
}

impl Account {
    fn fill(&mut self, budget: u64, now: Instant) {
        let gone = now.saturating_duration_since(self.at).min(WINDOW);
        let gain = u128::from(budget) * gone.as_micros() / WINDOW.as_micros();
        self.left = self.left.saturating_add(u64::try_from(gain).unwrap_or(budget)).min(budget);
        self.at = self.at.max(now);
    }

    fn charge(&mut self, cost: u64, budget: u64) -> Result<Balance, Exhausted> {
        // A full account covers a cost above the whole budget.
        let due = cost.min(budget);
        if let Some(left) = self.left.checked_sub(due) {
            self.left = left;
            return Ok(Balance { budget, remaining: left });
        }
        let missing = u128::from(due - self.left);
        let micros = missing * WINDOW.as_micros() / u128::from(budget);
        let retry_after = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        Err(Exhausted { balance: Balance { budget, remaining: self.left }, retry_after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn user(name: &str) -> BudgetKey {
        BudgetKey::User(name.to_owned())
    }

    #[test]
    fn who_has_spent_it_waits_for_as_much_as_is_needed() {
        let (budgets, now) = (Budgets::new(60_000, 0), Instant::now());

        let charged = budgets.charge(&user("alice"), 59_000, now).expect("there is enough");
        assert_eq!(charged, Some(Balance { budget: 60_000, remaining: 1_000 }));
        let exhausted = budgets.charge(&user("alice"), 3_000, now).expect_err("there is too little");
        assert_eq!(exhausted.retry_after, 2 * SECOND);
        assert!(budgets.charge(&user("alice"), 3_000, now + SECOND).is_err());
        assert!(budgets.charge(&user("alice"), 3_000, now + 2 * SECOND).is_ok());
        assert!(budgets.charge(&user("bob"), 60_000, now).is_ok());
    }

    #[test]
    fn an_account_is_never_fuller_than_full() {
        let (budgets, now) = (Budgets::new(60_000, 0), Instant::now());

        budgets.charge(&user("alice"), 10, now).expect("there is enough");
        let later = budgets.charge(&user("alice"), 0, now + 10 * WINDOW).expect("there is enough");
        assert_eq!(later, Some(Balance { budget: 60_000, remaining: 60_000 }));
        assert_eq!(budgets.settle(&user("alice"), 500, 0, now).map(|balance| balance.remaining), Some(60_000));
    }

    #[test]
    fn what_was_not_used_comes_back_and_what_was_used_is_taken() {
        let (budgets, now) = (Budgets::new(60_000, 0), Instant::now());
        let remaining =
            |charged, used| budgets.settle(&user("alice"), charged, used, now).map(|balance| balance.remaining);

        budgets.charge(&user("alice"), 50_000, now).expect("there is enough");
        assert_eq!(remaining(50_000, 20_000), Some(40_000));
        assert_eq!(remaining(0, 90_000), Some(0));
    }

    #[test]
    fn what_costs_more_than_everything_takes_everything() {
        let (budgets, now) = (Budgets::new(60_000, 0), Instant::now());

        assert!(budgets.charge(&user("alice"), u64::MAX, now).is_ok());
        assert_eq!(budgets.charge(&user("alice"), u64::MAX, now).map_err(|full| full.retry_after), Err(WINDOW));
    }

    #[test]
    fn networks_and_users_have_budgets_of_their_own() {
        let (budgets, now) = (Budgets::new(0, 1_000), Instant::now());
        let network = BudgetKey::Network("192.0.2.1".parse().ok());

        assert_eq!(budgets.charge(&user("alice"), u64::MAX, now), Ok(None));
        assert!(budgets.charge(&network, 1_000, now).is_ok());
        assert!(budgets.charge(&network, 1, now).is_err());
        assert!(budgets.charge(&BudgetKey::Network(None), 1, now).is_ok());
    }
}
