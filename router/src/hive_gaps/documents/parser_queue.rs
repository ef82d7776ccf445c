//! Long documents are parsed on dedicated threads: a thread that serves requests has many connections. The cost of an
//! operation is unknown until it is parsed, so network addresses take turns with uncached operations, until these are
//! planned.

use std::{net::IpAddr, sync::LazyLock, thread::available_parallelism, time::Duration};

use hive_router::plugins::plugin_context::PluginContext;
use subgraph_kit::fair_queue::FairQueue;
use tokio::{runtime::Runtime, time::sleep};
use tokio_util::task::AbortOnDropHandle;

use crate::STACK_BYTES;

/// The maximum duration of a slot: an operation that waits for an equal one is never planned.
const MAX_SLOT_DURATION: Duration = Duration::from_millis(250);

static PARSERS: LazyLock<Runtime> = LazyLock::new(|| {
    let mut parsers = tokio::runtime::Builder::new_multi_thread();
    parsers.worker_threads(1).max_blocking_threads(parser_concurrency());
    parsers
        .thread_name("router:parser")
        .thread_stack_size(STACK_BYTES)
        .enable_time()
        .build()
        .expect("threads can be started")
});

/// The number of processors.
fn parser_concurrency() -> usize {
    available_parallelism().map_or(1, usize::from)
}

pub struct ParserQueue(FairQueue<Option<IpAddr>>);

/// The slot of a request with an uncached operation; it is released on drop.
pub struct ParserSlot {
    _timer: AbortOnDropHandle<()>,
}

/// The slot, in the context of its request.
struct HeldSlot(Option<ParserSlot>);

impl ParserQueue {
    pub fn new() -> Self {
        Self(FairQueue::new(parser_concurrency()))
    }

    /// Calls `parse` on another thread when the network address gets a slot; `None` if it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        network: Option<IpAddr>,
        parse: impl FnOnce(ParserSlot) -> T + Send + 'static,
    ) -> Option<T> {
        let permit = self.0.acquire(network).await;
        let run = move || {
            // Ends when the operation is planned or the client disconnects, but not before it is parsed.
            let timer = PARSERS.spawn(async move {
                let _permit = permit;
                sleep(MAX_SLOT_DURATION).await;
            });
            parse(ParserSlot { _timer: AbortOnDropHandle::new(timer) })
        };
        PARSERS.spawn_blocking(run).await.ok()
    }
}

impl ParserSlot {
    /// Holds the slot until the request has ended, or the slot is taken.
    pub fn hold(self, context: &PluginContext) {
        context.insert(HeldSlot(Some(self)));
    }
}

/// Takes the slot of a request, if it has one. Dropping it lets others proceed.
pub fn take_slot(context: &PluginContext) -> Option<ParserSlot> {
    context.get_mut::<HeldSlot>().and_then(|mut held| held.0.take())
}

/// Spawns a task on the parsers' runtime.
pub fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    PARSERS.spawn(task);
}
