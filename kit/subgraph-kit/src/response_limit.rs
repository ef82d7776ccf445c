//! Bounds what one answer takes here, while it grows: the JSON that it will be, and the fields that are resolved for it.
//! An answer that would be too large is given up at once, with all that is under way for it.
//!
//! It also has a long answer stop from time to time: a request's time-out, its client's leaving and other requests are
//! noticed only between two polls, and async-graphql resolves as much as it can in one.

use std::{
    future::{Future, poll_fn},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
};

use async_graphql::{
    ContextSelectionSet, QueryPathSegment, ServerError, ServerResult, Value, async_trait,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextResolve, ResolveInfo},
};
use clap::Args;
use tokio_util::sync::CancellationToken;

/// How large the answers of a subgraph may be.
#[derive(Args, Clone, Copy, Debug)]
pub struct ResponseSettings {
    /// The most bytes of an answer of a subgraph. What would be larger is given up while it grows, and its fields fail with
    /// `RESPONSE_TOO_LARGE`.
    #[arg(
        long,
        env = "LYCEUM_MAX_SUBGRAPH_RESPONSE_BYTES",
        value_name = "BYTES",
        default_value_t = MAX_SUBGRAPH_RESPONSE_BYTES
    )]
    pub max_subgraph_response_bytes: usize,
}

const MAX_SUBGRAPH_RESPONSE_BYTES: usize = 8 * 1024 * 1024;
/// Each takes one or two kilobytes of memory until the answer is there.
const MAX_FIELDS: usize = 50_000;
/// A few milliseconds' worth.
const FIELDS_PER_TURN: usize = 2_048;

impl Default for ResponseSettings {
    fn default() -> Self {
        Self { max_subgraph_response_bytes: MAX_SUBGRAPH_RESPONSE_BYTES }
    }
}

/// What one answer has taken so far.
pub struct ResponseMeter {
    bytes_left: AtomicUsize,
    fields_left: AtomicUsize,
    exceeded: CancellationToken,
}

/// What an answer may do before others have their turn. Clones share it.
#[derive(Clone)]
pub struct Turn(Arc<AtomicUsize>);

/// Where an answer's fields and items are counted.
pub(crate) struct Account<'a> {
    meter: Option<&'a Arc<ResponseMeter>>,
    turn: Option<&'a Turn>,
}

/// The schema's extension; it needs a [`ResponseMeter`] and a [`Turn`] in the data of a request.
pub struct ResponseLimit;

impl ResponseMeter {
    /// For one answer.
    #[must_use]
    pub fn new(settings: ResponseSettings) -> Self {
        Self {
            bytes_left: AtomicUsize::new(settings.max_subgraph_response_bytes),
            fields_left: AtomicUsize::new(MAX_FIELDS),
            exceeded: CancellationToken::new(),
        }
    }

    /// The outcome of what is metered, or nothing as soon as it has taken too much.
    pub async fn limit<F: Future>(&self, answer: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            () = self.exceeded.cancelled() => None,
            outcome = answer => Some(outcome),
        }
    }

    /// Never returns if that is too much: whoever waits for the answer drops it.
    async fn take(&self, fields: usize, bytes: usize) {
        let has = |left: &AtomicUsize, wanted: usize| {
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(wanted)).is_ok()
        };
        if !has(&self.fields_left, fields) || !has(&self.bytes_left, bytes) {
            self.exceeded.cancel();
            std::future::pending::<()>().await;
        }
    }
}

impl Default for Turn {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(FIELDS_PER_TURN)))
    }
}

impl Turn {
    /// It is the answer's turn again.
    pub(crate) fn begin(&self) {
        self.0.store(FIELDS_PER_TURN, Ordering::Relaxed);
    }

    /// Waits for the next one if this one is over.
    async fn take(&self) {
        poll_fn(|context| {
            let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            if taken.is_ok() {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

impl ExtensionFactory for ResponseLimit {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for ResponseLimit {
    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let account = Account { meter: ctx.data_opt(), turn: ctx.data_opt() };
        match info.path_node.segment {
            QueryPathSegment::Index(_) => account.item().await,
            QueryPathSegment::Name(_) => account.field(info.alias.unwrap_or(info.name)).await,
        }
        let value = next.run(ctx, info).await;
        account.value(value.as_ref().map(Option::as_ref)).await;
        value
    }
}

impl<'a> Account<'a> {
    pub(crate) fn of(ctx: &ContextSelectionSet<'a>) -> Self {
        Self { meter: ctx.data_opt(), turn: ctx.data_opt() }
    }

    /// Before a field is resolved.
    pub(crate) async fn field(&self, key: &str) {
        // With its quotes, its colon and its comma.
        self.begin(key.len() + 4).await;
    }

    /// Before an item of a list is resolved.
    pub(crate) async fn item(&self) {
        // With its comma.
        self.begin(1).await;
    }

    /// After either.
    pub(crate) async fn value(&self, value: Result<Option<&Value>, &ServerError>) {
        let Some(meter) = self.meter else { return };
        meter.take(0, value.map_or_else(error_bytes, |value| value.map_or(4, json_bytes))).await;
    }

    async fn begin(&self, bytes: usize) {
        let Some(meter) = self.meter else { return };
        if let Some(turn) = self.turn {
            turn.take().await;
        }
        meter.take(1, bytes).await;
    }
}

/// Of an error, with its path and its code.
fn error_bytes(error: &ServerError) -> usize {
    200 + error.message.len()
}

/// Of a value without what has been counted as fields and items.
fn json_bytes(value: &Value) -> usize {
    match value {
        Value::Null => 4,
        Value::Boolean(_) => 5,
        Value::Number(_) => 12,
        Value::String(text) => 2 + text.len() + text.bytes().map(escape).sum::<usize>(),
        Value::Enum(name) => 2 + name.len(),
        Value::Binary(bytes) => 4 * bytes.len(),
        Value::List(_) | Value::Object(_) => 2,
    }
}

/// What a byte takes beside itself.
fn escape(byte: u8) -> usize {
    5 * usize::from(byte < 0x20) + usize::from(matches!(byte, b'"' | b'\\'))
}
