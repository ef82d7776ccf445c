//! How many SQL statements a test runs.

use std::{
    fmt::Debug,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::DefaultGuard,
};

/// Counts the SQL statements of this thread while it lives.
pub struct StatementCount {
    count: Arc<AtomicUsize>,
    _guard: DefaultGuard,
}

impl StatementCount {
    /// Begins to count.
    #[must_use]
    pub fn start() -> Self {
        // While a process has a single subscriber, `tracing` asks the first thread that runs a
        // statement whether statements matter, and takes its no for all threads'. So there are two.
        static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
        ANOTHER.get_or_init(|| Dispatch::new(Counter(Arc::default())));

        let count = Arc::new(AtomicUsize::new(0));
        let guard = tracing::subscriber::set_default(Counter(Arc::clone(&count)));
        Self { count, _guard: guard }
    }

    /// How many there have been.
    #[must_use]
    pub fn get(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

struct Counter(Arc<AtomicUsize>);

/// A statement is not ours when the driver looks up a type, which it does once on each connection.
struct Statement {
    is_ours: bool,
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" && value.starts_with("SELECT pg_type.oid") {
            self.is_ours = false;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        let mut statement = Statement { is_ours: true };
        event.record(&mut statement);
        self.0.fetch_add(usize::from(statement.is_ours), Ordering::Relaxed);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
