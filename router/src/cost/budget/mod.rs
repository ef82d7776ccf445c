//! A cost budget for each client, which refills continuously.

mod account;
mod memory;
mod valkey;

use std::time::{Duration, Instant};

use telemetry::metrics;

use self::{
    account::{Account, Charged},
    memory::Memory,
};
pub use self::{
    account::{BudgetKey, WINDOW},
    valkey::{Valkey, client},
};

/// The accounts of all clients of one router, or of all routers that share a Valkey.
pub struct Budgets {
    /// Microseconds per window; 0 for no limit.
    user: u64,
    network: u64,
    /// Used while Valkey is unavailable.
    memory: Memory,
    valkey: Option<Valkey>,
}

/// The store of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    Memory,
    Valkey,
}

/// A charge that is not settled yet.
#[derive(Clone, Copy, Debug)]
pub struct PendingCharge {
    store: Store,
    charged: u64,
    at: Instant,
    /// The balance after the charge.
    pub balance: Balance,
}

/// The state of an account, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The whole budget.
    pub budget: u64,
    /// The rest of the budget.
    pub remaining: u64,
}

/// The account does not cover the charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// The current balance.
    pub balance: Balance,
    /// The time until the account covers the charge.
    pub retry_after: Duration,
}

impl Budgets {
    /// Budgets in microseconds per window for each user and each network of anonymous clients; 0 for no limit.
    pub fn new(user: u64, network: u64, valkey: Option<Valkey>) -> Self {
        Self { user, network, memory: Memory::new(), valkey }
    }

    /// Charges a cost if the account covers it. `None` without a limit.
    pub async fn charge(&self, key: &BudgetKey, cost: u64, now: Instant) -> Result<Option<PendingCharge>, Exhausted> {
        let budget = self.budget(key);
        if budget == 0 {
            return Ok(None);
        }
        // A full account covers a cost above the whole budget.
        let due = cost.min(budget);
        let (store, Charged { is_covered, remaining }) = self.take(key, due, budget, now).await;
        store.count(is_covered);
        let balance = Balance { budget, remaining };
        if is_covered {
            return Ok(Some(PendingCharge { store, charged: due, at: now, balance }));
        }
        let missing = u128::from(due.saturating_sub(remaining));
        let micros = missing * WINDOW.as_micros() / u128::from(budget);
        Err(Exhausted { balance, retry_after: Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)) })
    }

    /// Replaces a charge by the actual cost.
    pub fn settle(&self, key: &BudgetKey, pending: PendingCharge, used: u64, now: Instant) -> Balance {
        let PendingCharge { store, charged, at, balance: Balance { budget, remaining } } = pending;
        let remaining = match &self.valkey {
            Some(valkey) if store == Store::Valkey => {
                if used != charged {
                    valkey.settle(key, charged, used, budget);
                }
                // Ignores concurrent charges of other requests.
                Account { remaining, at }.settle(charged, used, budget, now)
            }
            _ => self.memory.settle(key, charged, used, budget, now),
        };
        Balance { budget, remaining }
    }

    async fn take(&self, key: &BudgetKey, due: u64, budget: u64, now: Instant) -> (Store, Charged) {
        if let Some(valkey) = &self.valkey {
            // Boxed, so that this future stays small without Valkey.
            if let Some(charged) = Box::pin(valkey.charge(key, due, budget)).await {
                return (Store::Valkey, charged);
            }
        }
        (Store::Memory, self.memory.charge(key, due, budget, now))
    }

    fn budget(&self, key: &BudgetKey) -> u64 {
        match key {
            BudgetKey::User(_) => self.user,
            BudgetKey::Network(_) => self.network,
        }
    }
}

impl Store {
    fn count(self, is_covered: bool) {
        let store = match self {
            Self::Memory => "memory",
            Self::Valkey => "valkey",
        };
        metrics::record_cost_charge(store, if is_covered { "charged" } else { "exhausted" });
    }
}

#[cfg(test)]
mod tests {
    use super::{valkey::tests::Redis, *};

    const SECOND: Duration = Duration::from_secs(1);

    /// Budgets, with a clock that only the test advances.
    struct Bench {
        budgets: Budgets,
        server: Option<Redis>,
        now: Instant,
    }

    impl Bench {
        async fn charge(&self, key: &BudgetKey, cost: u64) -> Result<Option<PendingCharge>, Exhausted> {
            self.budgets.charge(key, cost, self.now).await
        }

        async fn remaining(&self, key: &BudgetKey) -> u64 {
            self.charge(key, 0).await.expect("nothing is always there").expect("there is a budget").balance.remaining
        }

        /// The remaining budget after a settlement, once the store has the same.
        async fn settle(&self, key: &BudgetKey, pending: PendingCharge, used: u64) -> u64 {
            let settled = self.budgets.settle(key, pending, used, self.now).remaining;
            // Settling in Valkey is asynchronous.
            for _ in 0..1_000 {
                if self.remaining(key).await == settled {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(self.remaining(key).await, settled);
            settled
        }

        async fn pass(&mut self, time: Duration) {
            self.now += time;
            if let Some(server) = &self.server {
                server.pass(time).await;
            }
        }
    }

    /// Runs a test with budgets in memory and with budgets in Valkey.
    async fn in_both(user: u64, network: u64, test: impl AsyncFn(Bench)) {
        test(Bench { budgets: Budgets::new(user, network, None), server: None, now: Instant::now() }).await;
        let server = Redis::start();
        let budgets = Budgets::new(user, network, Some(server.connect().await));
        test(Bench { budgets, server: Some(server), now: Instant::now() }).await;
    }

    fn user(name: &str) -> BudgetKey {
        BudgetKey::User(name.to_owned())
    }

    #[tokio::test]
    async fn who_has_spent_it_waits_for_as_much_as_is_needed() {
        in_both(60_000, 0, async |mut bench| {
            let charged = bench.charge(&user("alice"), 59_000).await.expect("there is enough");
            let exhausted = bench.charge(&user("alice"), 3_000).await.expect_err("there is too little");

            assert_eq!(charged.map(|pending| pending.balance), Some(Balance { budget: 60_000, remaining: 1_000 }));
            assert_eq!(exhausted.balance, Balance { budget: 60_000, remaining: 1_000 });
            assert_eq!(exhausted.retry_after, 2 * SECOND);
            bench.pass(SECOND).await;
            assert!(bench.charge(&user("alice"), 3_000).await.is_err());
            bench.pass(SECOND).await;
            assert!(bench.charge(&user("alice"), 3_000).await.is_ok());
            assert!(bench.charge(&user("bob"), 60_000).await.is_ok());
        })
        .await;
    }

    #[tokio::test]
    async fn an_account_is_never_fuller_than_full() {
        in_both(60_000, 0, async |mut bench| {
            let alice = user("alice");

            let pending = bench.charge(&alice, 500).await.expect("there is enough").expect("there is a budget");
            bench.pass(10 * WINDOW).await;
            assert_eq!(bench.remaining(&alice).await, 60_000);
            assert_eq!(bench.settle(&alice, pending, 0).await, 60_000);
        })
        .await;
    }

    #[tokio::test]
    async fn what_was_not_used_comes_back_and_what_was_used_is_taken() {
        in_both(60_000, 0, async |bench| {
            let alice = user("alice");

            let pending = bench.charge(&alice, 50_000).await.expect("there is enough").expect("there is a budget");
            assert_eq!(bench.settle(&alice, pending, 20_000).await, 40_000);
            let pending = bench.charge(&alice, 10_000).await.expect("there is enough").expect("there is a budget");
            assert_eq!(bench.settle(&alice, pending, 15_000).await, 25_000);
            let pending = bench.charge(&alice, 10_000).await.expect("there is enough").expect("there is a budget");
            assert_eq!(bench.settle(&alice, pending, u64::MAX).await, 0);
        })
        .await;
    }

    #[tokio::test]
    async fn what_costs_more_than_everything_takes_everything() {
        in_both(60_000, 0, async |bench| {
            assert!(bench.charge(&user("alice"), u64::MAX).await.is_ok());
            let exhausted = bench.charge(&user("alice"), u64::MAX).await.expect_err("nothing is left");
            assert_eq!(exhausted.retry_after, WINDOW);
        })
        .await;
    }

    #[tokio::test]
    async fn networks_and_users_have_budgets_of_their_own() {
        in_both(0, 1_000, async |bench| {
            let network = |address: &str| BudgetKey::Network(address.parse().ok());

            assert!(bench.charge(&user("alice"), u64::MAX).await.is_ok_and(|pending| pending.is_none()));
            assert!(bench.charge(&network("192.0.2.1"), 1_000).await.is_ok());
            assert!(bench.charge(&network("192.0.2.1"), 1).await.is_err());
            assert!(bench.charge(&network("192.0.2.2"), 1).await.is_ok());
            assert!(bench.charge(&BudgetKey::Network(None), 1).await.is_ok());
        })
        .await;
        in_both(1_000, 1_000, async |bench| {
            let [user, network] = [user("192.0.2.1"), BudgetKey::Network("192.0.2.1".parse().ok())];

            assert!(bench.charge(&user, 1_000).await.is_ok());
            assert!(bench.charge(&network, 1_000).await.is_ok());
        })
        .await;
    }

    /// A budget that is not a multiple of the window, and the largest one.
    #[tokio::test]
    async fn an_account_refills_to_the_same_microsecond_everywhere() {
        for budget in [7, 61_000_001, 60_000_000_000_003, u64::from(u32::MAX) * 1_000] {
            in_both(budget, 0, async |mut bench| {
                let alice = user("alice");
                bench.charge(&alice, budget).await.expect("there is enough");

                for micros in [1, 999_999, 7_654_321, 33_333_333] {
                    bench.pass(Duration::from_micros(micros)).await;
                    let (before, gain) = (bench.remaining(&alice).await, u128::from(budget) * u128::from(micros));
                    bench.charge(&alice, before).await.expect("there is enough");
                    assert_eq!(u128::from(before), gain / WINDOW.as_micros(), "{budget} after {micros} µs");
                }
            })
            .await;
        }
    }
}
