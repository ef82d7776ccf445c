//! The metrics of a process, with OpenTelemetry's names where they exist. `docs/operations.md` lists them.
//!
//! Nothing is recorded until the process has set an exporter and calls [`enable`].

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

/// Histogram bounds, in seconds: from a statement by primary key to a timed-out request.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// Histogram bounds for events, in seconds: they may wait for an unavailable service.
const DELAYS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0];

static ENABLED: AtomicBool = AtomicBool::new(false);
static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| Instruments::of(&meter()));

/// Enables metrics, with the meter provider that the process has set.
pub fn enable() {
    ENABLED.store(true, Ordering::Relaxed);
}

/// Whether metrics are enabled.
#[must_use]
pub fn is_enabled() -> bool {
    ENABLED.load(Ordering::Relaxed)
}

/// The meter that creates instruments.
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
    sign_ins_rejected: Counter<u64>,
    mails: Counter<u64>,
    cost_charges: Counter<u64>,
    persisted_queries: Counter<u64>,
    payment_webhooks: Counter<u64>,
    deliveries: Counter<u64>,
    effects: Counter<u64>,
    delays: Histogram<f64>,
    pending_payments: Gauge<u64>,
    oldest_payment: Gauge<f64>,
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
                "The duration of a request to a subgraph, from the router or another subgraph.",
            ),
            errors: counter("lyceum.subgraph.errors", "{error}", "Errors in a subgraph's responses, by code."),
            statements: seconds(
                "db.client.operation.duration",
                &SECONDS,
                "The duration of SQL statements, until the last row.",
            ),
            connection_waits: seconds(
                "db.client.connection.wait_time",
                &SECONDS,
                "The time that requests waited for a connection of the pool.",
            ),
            scan_waits: seconds("lyceum.scan.wait_time", &SECONDS, "The time that full scans waited for their turn."),
            streams: meter
                .i64_up_down_counter("lyceum.subscriptions.open")
                .with_unit("{subscription}")
                .with_description("Open subscriptions of a subgraph.")
                .build(),
            sign_ins_rejected: counter("lyceum.sign_ins.rejected", "{attempt}", "Failed sign-ins, by reason."),
            mails: counter("lyceum.mails", "{attempt}", "Attempts to send a mail to a user, by outcome."),
            cost_charges: counter(
                "lyceum.cost.charges",
                "{operation}",
                "Operations that were charged to a cost budget, or exceeded it.",
            ),
            persisted_queries: counter(
                "lyceum.persisted_queries",
                "{request}",
                "Requests by the hash of a persisted query, and documents that were stored.",
            ),
            payment_webhooks: counter(
                "lyceum.payment.webhooks",
                "{webhook}",
                "Webhooks of the payment provider, by outcome.",
            ),
            pending_payments: meter
                .u64_gauge("lyceum.payments.pending")
                .with_unit("{payment}")
                .with_description("Purchases and refunds whose outcome is not known yet.")
                .build(),
            oldest_payment: meter
                .f64_gauge("lyceum.payments.oldest")
                .with_unit("s")
                .with_description("The age of the oldest of them; 0 if there is none.")
                .build(),
            deliveries: counter("lyceum.events.delivered", "{event}", "Attempts to deliver an event, by outcome."),
            effects: counter("lyceum.events.handled", "{event}", "Attempts to handle an event, by outcome."),
            delays: seconds("lyceum.events.delay", &DELAYS, "The time from an event until a service has handled it."),
            pending: gauge(
                "lyceum.events.pending",
                "Pending events: not delivered from an outbox, or not handled from an inbox.",
            ),
            oldest: meter
                .f64_gauge("lyceum.events.oldest")
                .with_unit("s")
                .with_description("The age of the oldest pending event; 0 if there is none.")
                .build(),
            dead_lettered: gauge("lyceum.events.dead_lettered", "Dead-lettered events, which need an operator."),
        }
    }
}

/// The timer of a subgraph's request; records when dropped.
pub struct RequestTimer {
    subgraph: &'static str,
    started_at: Instant,
    /// `abandoned` until it is finished: the caller may cancel it.
    outcome: &'static str,
}

impl RequestTimer {
    /// Starts the timer. A request whose timer is dropped unfinished counts as abandoned.
    #[must_use]
    pub fn start(subgraph: &'static str) -> Self {
        Self { subgraph, started_at: Instant::now(), outcome: "abandoned" }
    }

    /// Finishes the request, with errors of these codes.
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

/// Records the errors of a subgraph's response, by code.
pub fn record_errors(subgraph: &'static str, codes: &[&str]) {
    let Some(instruments) = instruments() else { return };
    for code in codes {
        instruments.errors.add(1, &[KeyValue::new("subgraph", subgraph), KeyValue::new("code", (*code).to_owned())]);
    }
}

/// Records the duration of a statement.
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

/// The timer of a wait for a pool's connection. Records when dropped, whether or not the wait succeeded.
pub struct WaitTimer {
    pool: &'static str,
    what: Wait,
    started_at: Instant,
}

/// The resource that is waited for before a statement.
#[derive(Clone, Copy)]
pub enum Wait {
    /// A free connection.
    Connection,
    /// A turn for a full scan.
    Scan,
}

impl WaitTimer {
    /// Starts the timer, if the pool has a name and metrics are enabled.
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

/// An open subscription, counted until it is dropped.
pub struct OpenStream(&'static str);

impl OpenStream {
    /// Increments the count of open subscriptions.
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

/// Records a rejected sign-in: `credentials`, `second_factor`, `throttled`, or `busy` if the queue for password hashes is full.
pub fn record_failed_sign_in(reason: &'static str) {
    if let Some(instruments) = instruments() {
        instruments.sign_ins_rejected.add(1, &[KeyValue::new("reason", reason)]);
    }
}

/// Records an attempt to send a mail: `sent`, `unavailable` if it is to be retried, or `rejected`.
pub fn record_mail(outcome: &'static str) {
    if let Some(instruments) = instruments() {
        instruments.mails.add(1, &[KeyValue::new("outcome", outcome)]);
    }
}

/// Records that an operation was `charged` to a budget in `memory` or `valkey`, or that the budget was `exhausted`.
pub fn record_cost_charge(store: &'static str, outcome: &'static str) {
    if let Some(instruments) = instruments() {
        instruments.cost_charges.add(1, &[KeyValue::new("store", store), KeyValue::new("outcome", outcome)]);
    }
}

/// Records a request by the hash of a persisted query: `found`, `missing`, or `invalid`; or that its document was
/// `stored`.
pub fn record_persisted_query(outcome: &'static str) {
    if let Some(instruments) = instruments() {
        instruments.persisted_queries.add(1, &[KeyValue::new("outcome", outcome)]);
    }
}

/// Records webhooks of the payment provider, by what became of them. With a count of 0 the series begins, so that an alert
/// sees its first increase.
pub fn record_payment_webhooks(outcome: &'static str, count: u64) {
    if let Some(instruments) = instruments() {
        instruments.payment_webhooks.add(count, &[KeyValue::new("outcome", outcome)]);
    }
}

/// The purchases or refunds whose outcome is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingPayments {
    /// `purchase` or `refund`.
    pub kind: &'static str,
    /// How many there are.
    pub pending: u64,
    /// The age of the oldest.
    pub oldest: Duration,
}

/// Records the purchases or refunds whose outcome is not known yet.
pub fn record_pending_payments(payments: &PendingPayments) {
    let Some(instruments) = instruments() else { return };
    let kind = [KeyValue::new("kind", payments.kind)];
    instruments.pending_payments.record(payments.pending, &kind);
    instruments.oldest_payment.record(payments.oldest.as_secs_f64(), &kind);
}

/// Records an attempt to deliver an event: `delivered`, `published`, `unavailable` or `rejected`.
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

/// Records an attempt to handle an event: `done`, `failed` or `dead_lettered`.
pub fn record_handled(service: &'static str, event_type: &'static str, outcome: &'static str) {
    let Some(instruments) = instruments() else { return };
    instruments.effects.add(
        1,
        &[KeyValue::new("subgraph", service), KeyValue::new("type", event_type), KeyValue::new("outcome", outcome)],
    );
}

/// Records the delay from an event until it was handled.
pub fn record_latency(service: &'static str, event_type: &'static str, delay: Duration) {
    if let Some(instruments) = instruments() {
        instruments
            .delays
            .record(delay.as_secs_f64(), &[KeyValue::new("subgraph", service), KeyValue::new("type", event_type)]);
    }
}

/// The backlog of an outbox for one destination, or of an inbox.
pub struct Backlog<'a> {
    /// The service's name.
    pub service: &'static str,
    /// `inbox`, or the outbox's destination.
    pub destination: &'a str,
    /// Events not yet delivered, or not yet handled.
    pub pending: u64,
    /// The age of the oldest pending event.
    pub oldest: Duration,
    /// Dead-lettered events.
    pub dead_lettered: u64,
}

/// Records the backlog of an outbox or inbox.
pub fn record_backlog(backlog: &Backlog<'_>) {
    let Some(instruments) = instruments() else { return };
    let of = [KeyValue::new("subgraph", backlog.service), KeyValue::new("destination", backlog.destination.to_owned())];
    instruments.pending.record(backlog.pending, &of);
    instruments.oldest.record(backlog.oldest.as_secs_f64(), &of);
    instruments.dead_lettered.record(backlog.dead_lettered, &of);
}
