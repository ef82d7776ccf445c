//! Token buckets by key: an attempt takes a token, and time refills the bucket.

use std::{sync::Arc, time::Duration};

use governor::{
    RateLimiter,
    clock::Clock as _,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, StateStore},
};
use moka::{policy::EvictionPolicy, sync::Cache};
use subgraph_kit::Error;

use super::{Clock, Limit};

/// The maximum number of buckets of each kind, at a hundred bytes or two. Beyond it, the least recently used ones count
/// as full: it takes as many other keys to evict one.
const MAX_BUCKETS: u64 = 100_000;

/// The buckets of one kind.
pub struct Buckets {
    limiter: Option<RateLimiter<u64, Store, Clock, NoOpMiddleware<Duration>>>,
    store: Store,
}

#[derive(Clone)]
struct Store(Cache<u64, Arc<InMemoryState>>);

impl Buckets {
    /// Creates full buckets.
    pub fn new(limit: Limit, clock: &Clock) -> Self {
        let quota = limit.quota();
        let cache = Cache::builder().max_capacity(MAX_BUCKETS).eviction_policy(EvictionPolicy::lru());
        let cache = match quota {
            // A bucket that was idle for this long is full.
            Some(quota) => cache.time_to_idle(quota.burst_size_replenished_in()),
            None => cache,
        };
        let store = Store(cache.build());
        Self { limiter: quota.map(|quota| RateLimiter::new(quota, store.clone(), clock.clone())), store }
    }

    /// Takes a token from a bucket.
    ///
    /// # Errors
    /// [`Error::RateLimited`] if the bucket is empty.
    pub fn take(&self, key: u64) -> Result<(), Error> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check_key(&key).map_err(|refused| {
            let wait = refused.wait_time_from(limiter.clock().now());
            Error::RateLimited { retry_after: wait.as_millis().div_ceil(1_000).max(1).try_into().unwrap_or(u64::MAX) }
        })
    }

    /// Refills a bucket.
    pub fn fill(&self, key: u64) {
        self.store.0.invalidate(&key);
    }
}

impl StateStore for Store {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, change: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.get_with(*key, Arc::default).measure_and_replace(&NotKeyed::NonKey, change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_keys_takes_a_bounded_amount_of_memory() {
        let buckets = Buckets::new(Limit::per_minutes(1, 60), &Clock::default());

        for key in 0..2 * MAX_BUCKETS {
            buckets.take(key).expect("a full bucket");
        }
        buckets.store.0.run_pending_tasks();

        assert!(buckets.store.0.entry_count() <= MAX_BUCKETS);
        buckets.take(2 * MAX_BUCKETS - 1).expect_err("an empty bucket");
    }
}
