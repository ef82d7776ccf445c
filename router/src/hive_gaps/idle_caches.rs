//! Missing: idle cache entries are freed. A moka cache evicts an entry whose `time_to_idle` is over only when the cache
//! is used, and hive-router does not do so otherwise: entries of the last requests before an idle period stay until its
//! end. And it reports cache sizes only if it exports its metrics itself.
//!
//! Upstream: no issue known; `build_cache` in `cache_state.rs`.
//! `telemetry::what_nobody_asks_for_is_forgotten` passes without this file once it is fixed.

use std::{sync::Arc, time::Duration};

use hive_router::{RouterSharedState, SchemaState};
use tokio::time::sleep;

/// Interval of evictions.
pub const INTERVAL: Duration = Duration::from_secs(5);

/// Exports the number of entries.
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

/// Periodically evicts idle entries from hive-router's caches.
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
