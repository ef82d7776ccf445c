//! Missing: what a cache need not keep any longer is given back. A cache of moka forgets an entry whose `time_to_idle`
//! is over when somebody uses the cache, and hive-router never asks for it otherwise: what the last requests before a
//! quiet time have left stays as long as that time. And it says how much is kept only where it exports its numbers
//! itself.
//!
//! Upstream: no issue known; `build_cache` in `cache_state.rs`.
//! The day when it is closed: `telemetry::what_nobody_asks_for_is_forgotten` passes without this file.

use std::{sync::Arc, time::Duration};

use hive_router::{RouterSharedState, SchemaState};
use tokio::time::sleep;

/// How often caches evict what is idle.
pub const INTERVAL: Duration = Duration::from_secs(5);

/// Says how many entries are kept.
pub fn observe_sizes(shared: &RouterSharedState, schema: &Arc<SchemaState>) {
    let metrics = &shared.telemetry_context.metrics.cache;
    let parsed = shared.parse_cache.clone();
    metrics.parse.observe_size_with(move || parsed.entry_count());
    let of = Arc::clone(schema);
    metrics
        .validate
        .observe_size_with(move || sum(|add| of.for_each_runtime(|it| add(it.validate_cache.entry_count()))));
    let of = Arc::clone(schema);
    metrics
        .normalize
        .observe_size_with(move || sum(|add| of.for_each_runtime(|it| add(it.normalize_cache.entry_count()))));
    let of = Arc::clone(schema);
    metrics.plan.observe_size_with(move || sum(|add| of.for_each_runtime(|it| add(it.plan_cache.entry_count()))));
}

fn sum(each: impl FnOnce(&mut dyn FnMut(u64))) -> u64 {
    let mut sum = 0;
    each(&mut |size| sum += size);
    sum
}

/// Evicts what is idle from hive-router's caches, again and again.
pub async fn evict_idle(shared: Arc<RouterSharedState>, schema: Arc<SchemaState>) {
    loop {
        sleep(INTERVAL).await;
        shared.parse_cache.run_pending_tasks().await;
        let mut caches = Vec::new();
        schema.for_each_runtime(|runtime| {
            caches.push((runtime.validate_cache.clone(), runtime.normalize_cache.clone(), runtime.plan_cache.clone()));
        });
        for (validations, operations, plans) in caches {
            validations.run_pending_tasks().await;
            operations.run_pending_tasks().await;
            plans.run_pending_tasks().await;
        }
    }
}
