//! The trace of a request: its SQL statements with their times and rows, returned to the router on request.
//!
//! sqlx emits a `tracing` event per statement. The layer [`statement_layer`] keeps those of traced requests, and
//! forwards all of them to [`metrics`] and [`spans`]. While none of these is enabled, sqlx does not even format them.

use std::{
    future::Future,
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_graphql::Response;
use futures::{
    Stream, StreamExt as _,
    stream::{self, BoxStream},
};
use http::HeaderName;
use serde::{Deserialize, Serialize};
use tracing::{
    Event, Metadata, Span, Subscriber,
    callsite::rebuild_interest_cache,
    field::{Field, Visit},
    level_filters::LevelFilter,
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, Filter},
    registry::LookupSpan,
};

use crate::{metrics, spans};

/// The header by which the router requests a trace. It is ignored unless it is signed by the router.
pub const HEADER: HeaderName = HeaderName::from_static("x-lyceum-trace");

/// The trace's key in a response's extensions.
pub const EXTENSION: &str = "lyceumTrace";

const SQLX_TARGET: &str = "sqlx::query";
/// Only in the driver's own statements, not in ours.
const CATALOG: &str = "pg_catalog.";
const OPERATIONS: [&str; 8] = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "BEGIN", "COMMIT", "ROLLBACK"];
/// The keywords of statements that have a plan.
const PLANNED: [&str; 6] = ["select", "insert", "update", "delete", "merge", "with"];
const MAX_STATEMENTS: usize = 500;
/// The delay before statement events are disabled after the last trace: each switch rebuilds the interest of all the
/// process's callsites.
const DISABLE_DELAY: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// The scope of the current task.
    static SCOPE: Scope;
}

/// The service and the request that statements belong to.
#[derive(Clone)]
struct Scope {
    service: &'static str,
    /// The request's recorder, if it is traced.
    recorder: Option<Arc<Recorder>>,
}

/// The trace of a request in a subgraph. Times are in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// From the request's arrival to its response.
    pub duration: u64,
    /// The SQL statements, in the order of their start.
    pub statements: Vec<Statement>,
    /// The number of omitted statements.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted: usize,
}

/// An executed SQL statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The text, with placeholders such as `$1` for values.
    pub sql: String,
    /// The start, since the request's arrival.
    pub start: u64,
    /// The duration.
    pub duration: u64,
    /// The rows returned or, by a change, affected.
    pub rows: u64,
    /// Whether it is the driver's own: on a new connection it looks up the definitions of enums.
    #[serde(default, skip_serializing_if = "is_false")]
    pub catalog: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Whether this is a single statement that has a plan. A semicolon may begin another statement, so none is accepted, not
/// even in a literal.
#[must_use]
pub fn is_explainable(sql: &str) -> bool {
    let keyword = sql.split_whitespace().next().unwrap_or_default();
    PLANNED.iter().any(|planned| keyword.eq_ignore_ascii_case(planned)) && !sql.contains([';', '\0'])
}

/// A duration in microseconds.
#[must_use]
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Executes a request. If a trace `is_requested`, the response's extensions have a [`Trace`].
///
/// # Panics
/// Never: a trace is JSON.
pub async fn traced(service: &'static str, is_requested: bool, request: impl Future<Output = Response>) -> Response {
    let guard = if is_requested {
        Some(TraceGuard::begin())
    } else {
        TraceGuard::stop_if_idle();
        None
    };
    let recorder = guard.as_ref().map(|_| Recorder::new());
    // Also without a recorder: a nested request of this process has a scope of its own.
    let mut response = SCOPE.scope(Scope { service, recorder: recorder.clone() }, request).await;
    if let Some(recorder) = recorder {
        let trace = async_graphql::to_value(recorder.trace()).expect("a trace is JSON");
        response.extensions.insert(EXTENSION.to_owned(), trace);
    }
    response
}

/// Runs a service's background work in its scope.
pub fn in_background_scope<F: Future>(service: &'static str, work: F) -> impl Future<Output = F::Output> {
    SCOPE.scope(Scope { service, recorder: None }, work)
}

/// Polls a subscription's responses in its scope and span.
pub fn in_stream_scope<T: 'static>(
    service: &'static str,
    span: Span,
    mut answers: BoxStream<'static, T>,
) -> impl Stream<Item = T> + Send + 'static {
    let scope = Scope { service, recorder: None };
    stream::poll_fn(move |context| {
        span.in_scope(|| SCOPE.sync_scope(scope.clone(), || answers.poll_next_unpin(context)))
    })
}

struct Recorder {
    began: Instant,
    trace: Mutex<Trace>,
}

impl Recorder {
    fn new() -> Arc<Self> {
        Arc::new(Self { began: Instant::now(), trace: Mutex::default() })
    }

    fn record(&self, sqlx_event: &SqlxEvent) {
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        if trace.statements.len() < MAX_STATEMENTS {
            trace.statements.push(sqlx_event.statement(self.began.elapsed()));
        } else {
            trace.omitted += 1;
        }
    }

    fn trace(&self) -> Trace {
        let mut trace = mem::take(&mut *self.trace.lock().unwrap_or_else(PoisonError::into_inner));
        trace.duration = micros(self.began.elapsed());
        trace.statements.sort_by_key(|statement| statement.start);
        trace
    }
}

/// The layer that records statements, if they are traced or telemetry is enabled.
#[must_use]
pub fn statement_layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    Statements.with_filter(EnabledFilter)
}

/// Whether sqlx's events are enabled for traces.
static LISTENING: AtomicBool = AtomicBool::new(false);
static TRACES: Mutex<Traces> = Mutex::new(Traces { running: 0, last: None });

/// The traces in progress in this process.
struct Traces {
    running: usize,
    /// The time at which the last one ended.
    last: Option<Instant>,
}

impl Traces {
    fn are_idle(&self, now: Instant) -> bool {
        self.running == 0 && self.last.is_none_or(|last| now.duration_since(last) >= DISABLE_DELAY)
    }
}

/// A guard that keeps sqlx's events enabled.
struct TraceGuard;

impl TraceGuard {
    fn begin() -> Self {
        let mut traces = TRACES.lock().unwrap_or_else(PoisonError::into_inner);
        traces.running += 1;
        if !LISTENING.swap(true, Ordering::SeqCst) {
            rebuild_interest_cache();
        }
        Self
    }

    /// Disables sqlx's events after `DISABLE_DELAY`; called by requests without a trace.
    fn stop_if_idle() {
        if !LISTENING.load(Ordering::SeqCst) {
            return;
        }
        let traces = TRACES.lock().unwrap_or_else(PoisonError::into_inner);
        if traces.are_idle(Instant::now()) && LISTENING.swap(false, Ordering::SeqCst) {
            rebuild_interest_cache();
        }
    }
}

impl Drop for TraceGuard {
    fn drop(&mut self) {
        let mut traces = TRACES.lock().unwrap_or_else(PoisonError::into_inner);
        traces.running -= 1;
        traces.last = Some(Instant::now());
    }
}

struct EnabledFilter;

/// Whether all statements are recorded, not only those of traced requests.
fn all_enabled() -> bool {
    metrics::is_enabled() || spans::is_enabled()
}

fn any_enabled() -> bool {
    LISTENING.load(Ordering::SeqCst) || all_enabled()
}

fn is_statement(metadata: &Metadata<'_>) -> bool {
    metadata.target() == SQLX_TARGET && any_enabled()
}

impl<S> Filter<S> for EnabledFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _context: &Context<'_, S>) -> bool {
        let is_enabled_for = |scope: &Scope| scope.recorder.is_some() || all_enabled();
        is_statement(metadata) && SCOPE.try_with(is_enabled_for).unwrap_or(false)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_statement(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if any_enabled() { LevelFilter::DEBUG } else { LevelFilter::OFF })
    }
}

struct Statements;

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let Ok(Scope { service, recorder }) = SCOPE.try_with(Clone::clone) else { return };
        let mut sqlx_event = SqlxEvent::default();
        event.record(&mut sqlx_event);
        if let Some(recorder) = recorder {
            recorder.record(&sqlx_event);
        }
        let (operation, elapsed) = (sqlx_event.operation(), sqlx_event.elapsed());
        if metrics::is_enabled() {
            metrics::record_statement(service, operation, sqlx_event.query_summary(), elapsed);
        }
        spans::record_statement(service, operation, sqlx_event.sql(), elapsed, sqlx_event.rows());
    }
}

/// The first table in one of our statements, which are in lower case.
fn table(sql: &str) -> Option<&str> {
    let is_name = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let mut words = sql.split_whitespace();
    // `for update` is a lock, not a table.
    let mut before = "";
    while let Some(word) = words.next() {
        if matches!(word, "from" | "into") || word == "update" && before != "for" {
            let name = words.next()?.trim_end_matches([',', ';']);
            if is_name(name) {
                return Some(name);
            }
        }
        before = word;
    }
    None
}

/// The fields of sqlx's event for an ended statement.
#[derive(Default)]
struct SqlxEvent {
    /// The whole text, if it is short.
    summary: String,
    /// The text, if it is longer.
    text: String,
    returned: u64,
    affected: u64,
    seconds: f64,
}

impl SqlxEvent {
    fn statement(&self, now: Duration) -> Statement {
        let (sql, elapsed) = (self.sql(), self.elapsed());
        let start = micros(now.saturating_sub(elapsed));
        let catalog = sql.contains(CATALOG);
        Statement { sql: sql.to_owned(), start, duration: micros(elapsed), rows: self.rows(), catalog }
    }

    fn sql(&self) -> &str {
        if self.text.is_empty() { &self.summary } else { self.text.trim() }
    }

    /// The statement's keyword, or `OTHER`: of low cardinality.
    fn operation(&self) -> &'static str {
        let first = self.summary.split_whitespace().next().unwrap_or_default();
        OPERATIONS.into_iter().find(|known| first.eq_ignore_ascii_case(known)).unwrap_or("OTHER")
    }

    /// The operation and its table, `SELECT courses`, and the reason for a possible full scan: `search`, `count`.
    fn query_summary(&self) -> String {
        let sql = self.sql();
        let is_search = sql.contains(" ilike ") || sql.contains(" like ");
        let mut summary = self.operation().to_owned();
        for part in [table(sql), is_search.then_some("search"), sql.contains("count(*)").then_some("count")] {
            summary.extend(part.map(|part| format!(" {part}")));
        }
        summary
    }

    fn elapsed(&self) -> Duration {
        Duration::try_from_secs_f64(self.seconds).unwrap_or_default()
    }

    fn rows(&self) -> u64 {
        self.returned.max(self.affected)
    }
}

impl Visit for SqlxEvent {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.text),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "rows_returned" => self.returned = value,
            "rows_affected" => self.affected = value,
            _ => {}
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.seconds = value;
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;
    use tracing::{Level, subscriber::with_default};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// Serializes the tests: `LISTENING` is global to the process.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    /// The response to a request in a process with the layer.
    fn listening(request: impl Future<Output = ()>, is_requested: bool) -> Response {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        answered(request, is_requested)
    }

    fn answered(request: impl Future<Output = ()>, is_requested: bool) -> Response {
        let request = async {
            request.await;
            Response::new(Value::Null)
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let listener = tracing_subscriber::registry().with(statement_layer());
        with_default(listener, || runtime.block_on(traced("course", is_requested, request)))
    }

    /// Emits the event of a statement as sqlx does.
    fn run(sql: &str, rows_returned: u64, rows_affected: u64) {
        let text = format!("\n\n{sql}\n");
        tracing::event!(
            target: "sqlx::query", Level::DEBUG,
            summary = "select …", db.statement = text, rows_affected, rows_returned, elapsed_secs = 0.0015_f64,
        );
    }

    fn trace(response: &Response) -> Trace {
        let trace = response.extensions[EXTENSION].clone();
        async_graphql::from_value(trace).expect("a trace")
    }

    #[test]
    fn a_traced_request_tells_its_statements() {
        let response = listening(
            async {
                run("select id from users where id = any($1)", 2, 0);
                run("update users set name = $1", 0, 3);
            },
            true,
        );

        let trace = trace(&response);
        let told_of: Vec<_> = trace.statements.iter().map(|it| (it.sql.as_str(), it.rows, it.duration)).collect();
        assert!(told_of.contains(&("select id from users where id = any($1)", 2, 1500)), "{told_of:?}");
        assert!(told_of.contains(&("update users set name = $1", 3, 1500)), "{told_of:?}");
        assert_eq!((trace.statements.len(), trace.omitted), (2, 0));
    }

    #[test]
    fn a_request_that_is_not_traced_tells_nothing() {
        let response = listening(async { run("select 1", 1, 0) }, false);

        assert!(response.extensions.is_empty());
    }

    #[test]
    fn nothing_is_written_down_once_traces_are_over() {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        // sqlx's own check, before it formats a statement.
        let is_written = |is_requested| {
            let mut written = false;
            answered(async { written = tracing::enabled!(target: "sqlx::query", Level::DEBUG) }, is_requested);
            written
        };
        let pass = || TRACES.lock().expect("the traces").last = Instant::now().checked_sub(DISABLE_DELAY);

        assert!(is_written(true));
        assert!(is_written(false), "soon after a trace there may be another one");
        pass();
        assert!(!is_written(false));
        assert!(is_written(true), "and again");
        pass();
        assert!(!is_written(false));
    }

    #[test]
    fn traces_are_over_some_time_after_the_last_one_has_ended() {
        let now = Instant::now();
        let last = now.checked_sub(DISABLE_DELAY);

        assert!(Traces { running: 0, last }.are_idle(now));
        assert!(!Traces { running: 1, last }.are_idle(now));
        assert!(!Traces { running: 0, last: Some(now) }.are_idle(now));
    }

    #[test]
    fn a_summary_names_the_table_and_what_may_read_all_of_it() {
        let summary = |text: &str| {
            let first: Vec<_> = text.split_whitespace().take(4).collect();
            SqlxEvent { summary: first.join(" "), text: text.to_owned(), ..SqlxEvent::default() }.query_summary()
        };

        for (sql, expected) in [
            ("select id, title from courses where true order by id desc limit $1", "SELECT courses"),
            ("select id from courses where true and (title ilike $1 or x ilike $2)", "SELECT courses search"),
            ("select count(*) from courses where true and (title ilike $1)", "SELECT courses search count"),
            ("select id from courses where true and search_text like lower($1)", "SELECT courses search"),
            ("select extract(epoch from created_at), id from users", "SELECT users"),
            (
                "select * from (select id as parent_key from enrollments where x = any($1)) as child",
                "SELECT enrollments",
            ),
            ("insert into payments (id) values ($1) returning id", "INSERT payments"),
            ("update users set name = $1", "UPDATE users"),
            ("delete from sessions where ended", "DELETE sessions"),
            ("select id from outbox_events for update skip locked", "SELECT outbox_events"),
            (
                "with due as (select id from outbox_events for update) update outbox_events set attempts = 1",
                "WITH outbox_events",
            ),
            ("select x for update nowait", "SELECT"),
            ("select pg_type.oid from pg_catalog.pg_type", "SELECT"),
            ("BEGIN", "BEGIN"),
            ("listen news", "OTHER"),
        ] {
            assert_eq!(summary(sql), expected, "{sql}");
        }
    }

    #[test]
    fn what_has_a_plan_is_one_statement_of_those_that_read_or_change_rows() {
        for sql in [
            "select 1",
            "\n  SELECT id from users where id = $1",
            "insert into users default values",
            "update users set name = $1",
            "delete from users",
            "with due as (select 1) update users set name = $1",
        ] {
            assert!(is_explainable(sql), "{sql}");
        }
        for sql in [
            "",
            "BEGIN",
            "select 1; drop table users",
            "select ';'",
            "select 1;",
            "select '\0'",
            "analyze users",
            "explain select 1",
            "create table more as select 1",
            "execute x",
            "declare c cursor for select 1",
            "-- select\ndrop table users",
            "set role owner",
            "selected",
        ] {
            assert!(!is_explainable(sql), "{sql}");
        }
    }

    #[test]
    fn what_the_driver_asks_the_catalog_is_marked() {
        let response = listening(
            async {
                run("select id from users", 1, 0);
                run("SELECT pg_type.oid FROM pg_catalog.pg_type", 1, 0);
            },
            true,
        );

        let statements = trace(&response).statements;
        let marked: Vec<_> = statements.iter().filter(|it| it.catalog).map(|it| it.sql.as_str()).collect();
        assert_eq!((statements.len(), marked), (2, vec!["SELECT pg_type.oid FROM pg_catalog.pg_type"]));
    }

    #[test]
    fn what_a_traced_request_asks_on_its_way_is_not_part_of_it() {
        let nested = async {
            traced("course", false, async {
                run("select 1", 1, 0);
                Response::new(Value::Null)
            })
            .await;
        };

        let response = listening(nested, true);

        assert!(trace(&response).statements.is_empty());
    }

    #[test]
    fn more_statements_than_anybody_reads_are_counted_only() {
        let many = async { (0..MAX_STATEMENTS + 7).for_each(|_| run("select 1", 1, 0)) };

        let response = listening(many, true);

        let trace = trace(&response);
        assert_eq!((trace.statements.len(), trace.omitted), (MAX_STATEMENTS, 7));
    }

    #[test]
    fn only_statements_are_listened_to() {
        let response = listening(async { tracing::warn!(summary = "no statement") }, true);

        assert!(trace(&response).statements.is_empty());
    }
}
