//! Limits of one response, while it grows: the bytes of its JSON, and the number of resolved fields. A response that
//! would be too large is aborted immediately, with everything in progress for it.
//!
//! A long response also yields periodically: timeouts, disconnects and other requests are noticed only between two
//! polls, and async-graphql resolves as much as it can in one.

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

/// Limits of a subgraph's responses.
#[derive(Args, Clone, Copy, Debug)]
pub struct ResponseSettings {
    /// The maximum size of a subgraph's response, in bytes. A larger one is dropped before it is complete, and its
    /// fields fail with `RESPONSE_TOO_LARGE`.
    #[arg(
        long,
        env = "LYCEUM_MAX_SUBGRAPH_RESPONSE_BYTES",
        value_name = "BYTES",
        default_value_t = MAX_SUBGRAPH_RESPONSE_BYTES
    )]
    pub max_subgraph_response_bytes: usize,
}

const MAX_SUBGRAPH_RESPONSE_BYTES: usize = 8 * 1024 * 1024;
/// Each takes one or two kilobytes of memory until the response is complete.
const MAX_FIELDS: usize = 50_000;
/// A few milliseconds of work.
const FIELDS_PER_POLL: usize = 2_048;

impl Default for ResponseSettings {
    fn default() -> Self {
        Self { max_subgraph_response_bytes: MAX_SUBGRAPH_RESPONSE_BYTES }
    }
}

/// The remaining bytes and fields of one response.
pub struct ResponseMeter {
    bytes_left: AtomicUsize,
    fields_left: AtomicUsize,
    exceeded: CancellationToken,
}

/// The fields that a response may resolve before it yields. Clones share it.
#[derive(Clone)]
pub struct PollBudget(Arc<AtomicUsize>);

/// The meter and poll budget that a response's fields and items are charged to.
pub(crate) struct ResponseCharges<'a> {
    meter: Option<&'a Arc<ResponseMeter>>,
    poll_budget: Option<&'a PollBudget>,
}

/// The schema extension that enforces a request's [`ResponseMeter`] and [`PollBudget`], from its data.
pub struct ResponseLimit;

impl ResponseMeter {
    /// A meter for one response.
    #[must_use]
    pub fn new(settings: ResponseSettings) -> Self {
        Self {
            bytes_left: AtomicUsize::new(settings.max_subgraph_response_bytes),
            fields_left: AtomicUsize::new(MAX_FIELDS),
            exceeded: CancellationToken::new(),
        }
    }

    /// Awaits `response`; `None` as soon as the limit is exceeded.
    pub async fn limit<F: Future>(&self, response: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            () = self.exceeded.cancelled() => None,
            outcome = response => Some(outcome),
        }
    }

    /// Charges fields and bytes. Never returns if the limit is exceeded: [`Self::limit`] drops the response.
    async fn charge(&self, fields: usize, bytes: usize) {
        let try_take = |left: &AtomicUsize, wanted: usize| {
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(wanted)).is_ok()
        };
        if !try_take(&self.fields_left, fields) || !try_take(&self.bytes_left, bytes) {
            self.exceeded.cancel();
            std::future::pending::<()>().await;
        }
    }
}

impl Default for PollBudget {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(FIELDS_PER_POLL)))
    }
}

impl PollBudget {
    /// Resets the budget, at the beginning of a poll.
    pub(crate) fn begin(&self) {
        self.0.store(FIELDS_PER_POLL, Ordering::Relaxed);
    }

    /// Charges one field, and yields if the budget is used up.
    async fn charge(&self) {
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
        let charges = ResponseCharges { meter: ctx.data_opt(), poll_budget: ctx.data_opt() };
        match info.path_node.segment {
            QueryPathSegment::Index(_) => charges.item().await,
            QueryPathSegment::Name(_) => charges.field(info.alias.unwrap_or(info.name)).await,
        }
        let value = next.run(ctx, info).await;
        charges.value(value.as_ref().map(Option::as_ref)).await;
        value
    }
}

impl<'a> ResponseCharges<'a> {
    pub(crate) fn of(ctx: &ContextSelectionSet<'a>) -> Self {
        Self { meter: ctx.data_opt(), poll_budget: ctx.data_opt() }
    }

    /// Charges a field before it is resolved.
    pub(crate) async fn field(&self, key: &str) {
        // With quotes, colon and comma.
        self.begin(key.len() + 4).await;
    }

    /// Charges a list item before it is resolved.
    pub(crate) async fn item(&self) {
        // With a comma.
        self.begin(1).await;
    }

    /// Charges the value of either.
    pub(crate) async fn value(&self, value: Result<Option<&Value>, &ServerError>) {
        let Some(meter) = self.meter else { return };
        meter.charge(0, value.map_or_else(error_bytes, |value| value.map_or(4, json_bytes))).await;
    }

    async fn begin(&self, bytes: usize) {
        let Some(meter) = self.meter else { return };
        if let Some(poll_budget) = self.poll_budget {
            poll_budget.charge().await;
        }
        meter.charge(1, bytes).await;
    }
}

/// The estimated size of an error, with path and code.
fn error_bytes(error: &ServerError) -> usize {
    200 + error.message.len()
}

/// The size of a value, without fields and items that were charged already.
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

/// The additional bytes of an escaped byte.
fn escape(byte: u8) -> usize {
    5 * usize::from(byte < 0x20) + usize::from(matches!(byte, b'"' | b'\\'))
}
