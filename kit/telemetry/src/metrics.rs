//! What a process counts, under OpenTelemetry's names where it has some. `docs/operations.md` lists them.
//!
//! Nothing is counted until the process says who reads it: [`enable`].

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge, Histogram, Meter, UpDownCounter},
};

/// Upper bounds, in seconds: from a statement by its primary key to what nobody waits for any more.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// The same for events, which may wait for a service that is unavailable.
const DELAYS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0];

static ENABLED: AtomicBool = AtomicBool::new(false);
static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| Instruments::of(&meter()));

/// From now on things are counted, in the meter provider that the process has set.
pub fn enable() {
    ENABLED.store(true, Ordering::Relaxed);
}

/// Whether anybody reads what is counted.
#[must_use]
pub fn is_enabled() -> bool {
    ENABLED.load(Ordering::Relaxed)
}

/// Where instruments are made.
#[must_use]
pub fn meter() -> Meter {
    global::meter("lyceum")
}

fn instruments() -> Option<&'static Instruments> {
    is_enabled().then(|| &*INSTRUMENTS)
}

struct Instruments {
    requests: Histogram<f64>,
    errors: Counter<u64>,
    statements: Histogram<f64>,
    connection_waits: Histogram<f64>,
    scan_waits: Histogram<f64>,
    streams: UpDownCounter<i64>,
    sign_ins_refused: Counter<u64>,
    cost_charges: Counter<u64>,
    deliveries: Counter<u64>,
    effects: Counter<u64>,
    delays: Histogram<f64>,
    pending: Gauge<u64>,
    oldest: Gauge<f64>,
    dead_lettered: Gauge<u64>,
}

impl Instruments {
    fn of(meter: &Meter) -> Self {
        let seconds = |name, bounds: &[f64], description| {
            meter
                .f64_histogram(name)
                .with_unit("s")
                .with_boundaries(bounds.to_vec())
                .with_description(description)
                .build()
        };
        let counter =
            |name, unit, description| meter.u64_counter(name).with_unit(unit).with_description(description).build();
        let gauge =
            |name, description| meter.u64_gauge(name).with_unit("{event}").with_description(description).build();
        Self {
            requests: seconds(
                "lyceum.subgraph.request.duration",
                &SECONDS,
                "How long a subgraph took for a request of the router or of another subgraph.",
            ),
            errors: counter("lyceum.subgraph.errors", "{error}", "Errors in a subgraph's answers, by their code."),
            statements: seconds(
                "db.client.operation.duration",
                &SECONDS,
                "How long SQL statements took, from asking to the last row.",
            ),
            connection_waits: seconds(
                "db.client.connection.wait_time",
                &SECONDS,
                "How long a request waited for a connection of its subgraph's pool.",
            ),
            scan_waits: seconds(
                "lyceum.scan.wait_time",
                &SECONDS,
                "How long a search, or a count, waited for its turn to read a whole table.",
            ),
            streams: meter
                .i64_up_down_counter("lyceum.subscriptions.open")
                .with_unit("{subscription}")
                .with_description("Subscriptions that a subgraph is answering.")
                .build(),
            sign_ins_refused: counter(
                "lyceum.sign_ins.refused",
                "{attempt}",
                "Attempts to sign in that were refused, and why.",
            ),
            cost_charges: counter(
                "lyceum.cost.charges",
                "{operation}",
                "Operations that were charged to a cost budget, or that it had too little for.",
            ),
            deliveries: counter(
                "lyceum.events.delivered",
                "{event}",
                "Attempts to deliver an event, by what came of them.",
            ),
            effects: counter("lyceum.events.handled", "{event}", "Attempts to act on an event, by what came of them."),
            delays: seconds(
                "lyceum.events.delay",
                &DELAYS,
                "From the moment that an event happened until a service has acted on it.",
            ),
            pending: gauge(
                "lyceum.events.pending",
                "Events in an outbox that are not delivered, or in an inbox that are not handled.",
            ),
            oldest: meter
                .f64_gauge("lyceum.events.oldest")
                .with_unit("s")
                .with_description("How long the first of the events that wait has waited; 0 when none does.")
                .build(),
            dead_lettered: gauge(
                "lyceum.events.dead_lettered",
                "Events that were dead-lettered, and wait for an operator.",
            ),
        }
    }
}

/// A request that a subgraph is answering.
pub struct RequestTimer {
    subgraph: &'static str,
    started_at: Instant,
    /// Until it is answered: whoever asks may stop waiting.
    outcome: &'static str,
}

impl RequestTimer {
    /// Begins now. Dropped before it is finished, the request counts as abandoned.
    #[must_use]
    pub fn start(subgraph: &'static str) -> Self {
        Self { subgraph, started_at: Instant::now(), outcome: "abandoned" }
    }

    /// The answer is there, with errors of these codes.
    pub fn finish(mut self, codes: &[&str]) {
        self.outcome = if codes.is_empty() { "ok" } else { "error" };
        record_errors(self.subgraph, codes);
    }
}

impl Drop for RequestTimer {
    fn drop(&mut self) {
        let Some(instruments) = instruments() else { return };
        instruments.requests.record(
            self.started_at.elapsed().as_secs_f64(),
            &[KeyValue::new("subgraph", self.subgraph), KeyValue::new("outcome", self.outcome)],
        );
    }
}

/// A subgraph has answered with errors of these codes.
pub fn record_errors(subgraph: &'static str, codes: &[&str]) {
    let Some(instruments) = instruments() else { return };
    for code in codes {
        instruments.errors.add(1, &[KeyValue::new("subgraph", subgraph), KeyValue::new("code", (*code).to_owned())]);
    }
}

/// A statement has ended.
pub(crate) fn record_statement(service: &'static str, operation: &'static str, summary: String, elapsed: Duration) {
    let Some(instruments) = instruments() else { return };
    instruments.statements.record(
        elapsed.as_secs_f64(),
        &[
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.namespace", service),
            KeyValue::new("db.operation.name", operation),
            KeyValue::new("db.query.summary", summary),
        ],
    );
}

/// Somebody who waits until they may use a connection of a pool. Dropped, the time is counted, whether or not they may.
pub struct WaitTimer {
    pool: &'static str,
    what: Wait,
    started_at: Instant,
}

/// What one waits for before a statement.
#[derive(Clone, Copy)]
pub enum Wait {
    /// A free connection.
    Connection,
    /// A turn to read a whole table.
    Scan,
}

impl WaitTimer {
    /// Begins now, if the pool has a name and anybody reads what is counted.
    #[must_use]
    pub fn start(pool: Option<&'static str>, what: Wait) -> Option<Self> {
        let pool = pool.filter(|_| is_enabled())?;
        Some(Self { pool, what, started_at: Instant::now() })
    }
}

impl Drop for WaitTimer {
    fn drop(&mut self) {
        let Some(instruments) = instruments() else { return };
        let waits = match self.what {
            Wait::Connection => &instruments.connection_waits,
            Wait::Scan => &instruments.scan_waits,
        };
        let name = KeyValue::new("db.client.connection.pool.name", self.pool);
        waits.record(self.started_at.elapsed().as_secs_f64(), &[name]);
    }
}

/// A subscription, for as long as it is there.
pub struct OpenStream(&'static str);

impl OpenStream {
    /// One more.
    #[must_use]
    pub fn new(subgraph: &'static str) -> Self {
        add_streams(subgraph, 1);
        Self(subgraph)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        add_streams(self.0, -1);
    }
}

fn add_streams(subgraph: &'static str, more: i64) {
    if let Some(instruments) = instruments() {
        instruments.streams.add(more, &[KeyValue::new("subgraph", subgraph)]);
    }
}

/// Somebody may not sign in: `credentials`, `throttled`, or `busy` where too many wait for their password's hash.
pub fn record_failed_sign_in(reason: &'static str) {
    if let Some(instruments) = instruments() {
        instruments.sign_ins_refused.add(1, &[KeyValue::new("reason", reason)]);
    }
}

/// An operation was `charged` to a budget in `memory` or in `valkey`, or the budget was `exhausted`.
pub fn record_cost_charge(store: &'static str, outcome: &'static str) {
    if let Some(instruments) = instruments() {
        instruments.cost_charges.add(1, &[KeyValue::new("store", store), KeyValue::new("outcome", outcome)]);
    }
}

/// Somebody tried to deliver an event: it is `delivered` or `published`, or its destination is `unavailable` or has `rejected` it.
pub fn record_delivery(destination: &str, event_type: &'static str, outcome: &'static str) {
    let Some(instruments) = instruments() else { return };
    instruments.deliveries.add(
        1,
        &[
            KeyValue::new("destination", destination.to_owned()),
            KeyValue::new("type", event_type),
            KeyValue::new("outcome", outcome),
        ],
    );
}

/// A service tried to act on an event: it is `done`, it has `failed`, or it is `dead_lettered`.
pub fn record_handled(service: &'static str, event_type: &'static str, outcome: &'static str) {
    let Some(instruments) = instruments() else { return };
    instruments.effects.add(
        1,
        &[KeyValue::new("subgraph", service), KeyValue::new("type", event_type), KeyValue::new("outcome", outcome)],
    );
}

/// A service has acted on an event, so long after it happened.
pub fn record_latency(service: &'static str, event_type: &'static str, delay: Duration) {
    if let Some(instruments) = instruments() {
        instruments
            .delays
            .record(delay.as_secs_f64(), &[KeyValue::new("subgraph", service), KeyValue::new("type", event_type)]);
    }
}

/// What an outbox has for one destination, or an inbox altogether.
pub struct Backlog<'a> {
    /// Whose.
    pub service: &'static str,
    /// `inbox`, or where an outbox sends to.
    pub destination: &'a str,
    /// Events that are not delivered, or not handled.
    pub pending: u64,
    /// How long the first of them has waited.
    pub oldest: Duration,
    /// Events that wait for an operator.
    pub dead_lettered: u64,
}

/// An outbox or an inbox has so many events that wait.
pub fn record_backlog(backlog: &Backlog<'_>) {
    let Some(instruments) = instruments() else { return };
    let of = [KeyValue::new("subgraph", backlog.service), KeyValue::new("destination", backlog.destination.to_owned())];
    instruments.pending.record(backlog.pending, &of);
    instruments.oldest.record(backlog.oldest.as_secs_f64(), &of);
    instruments.dead_lettered.record(backlog.dead_lettered, &of);
}
