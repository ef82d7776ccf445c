//! Metrics of a pool's connections.

use opentelemetry::KeyValue;
use telemetry::metrics;

use crate::DbPool;

/// Registers observable metrics of a pool's connections, if metrics are enabled.
pub fn observe_pool(service: &'static str, pool: &DbPool) {
    if !metrics::is_enabled() {
        return;
    }
    pool.set_name(service);
    let name = KeyValue::new("db.client.connection.pool.name", service);
    let (of_pool, most) = (name.clone(), i64::from(pool.max()));
    let pool = pool.clone();
    metrics::meter()
        .i64_observable_up_down_counter("db.client.connection.count")
        .with_unit("{connection}")
        .with_description("Connections of a subgraph's pool that answers requests.")
        .with_callback(move |seen| {
            let (used, idle) = pool.used_and_idle();
            for (state, count) in [("idle", idle), ("used", used)] {
                seen.observe(
                    i64::try_from(count).unwrap_or(i64::MAX),
                    &[of_pool.clone(), KeyValue::new("db.client.connection.state", state)],
                );
            }
        })
        .build();
    metrics::meter()
        .i64_observable_up_down_counter("db.client.connection.max")
        .with_unit("{connection}")
        .with_description("Connections that the pool may have.")
        .with_callback(move |seen| seen.observe(most, std::slice::from_ref(&name)))
        .build();
}
