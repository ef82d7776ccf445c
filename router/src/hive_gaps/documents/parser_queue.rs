//! Long documents are parsed on dedicated threads: a thread that serves requests has many connections. The cost of an
//! operation is unknown until it is parsed, so network addresses take turns with uncached operations, until these are
//! planned.

use std::{net::IpAddr, sync::LazyLock, thread::available_parallelism, time::Duration};

use hive_router::plugins::plugin_context::PluginContext;
use subgraph_kit::fair_queue::FairQueue;
use tokio::{runtime::Runtime, time::sleep};
use tokio_util::task::AbortOnDropHandle;

use crate::STACK_BYTES;

/// The maximum length of a turn: an operation that waits for an equal one is never planned.
const MAX_TURN: Duration = Duration::from_millis(250);

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

/// The turn of a request with an uncached operation; it ends on drop.
pub struct Turn {
    _timer: AbortOnDropHandle<()>,
}

/// The turn, in the context of its request.
struct HeldTurn(Option<Turn>);

impl ParserQueue {
    pub fn new() -> Self {
        Self(FairQueue::new(parser_concurrency()))
    }

    /// Calls `parse` on another thread when it is the network address's turn; `None` if it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        network: Option<IpAddr>,
        parse: impl FnOnce(Turn) -> T + Send + 'static,
    ) -> Option<T> {
        let permit = self.0.acquire(network).await;
        let run = move || {
            // Ends when the operation is planned or the client disconnects, but not before it is parsed.
            let timer = PARSERS.spawn(async move {
                let _permit = permit;
                sleep(MAX_TURN).await;
            });
            parse(Turn { _timer: AbortOnDropHandle::new(timer) })
        };
        PARSERS.spawn_blocking(run).await.ok()
    }
}

impl Turn {
    /// Holds the turn until the request has ended, or the turn is taken.
    pub fn hold(self, context: &PluginContext) {
        context.insert(HeldTurn(Some(self)));
    }
}

/// Takes the turn of a request, if it has one. Dropping it lets others proceed.
pub fn take_turn(context: &PluginContext) -> Option<Turn> {
    context.get_mut::<HeldTurn>().and_then(|mut held| held.0.take())
}

/// Spawns a task on the parsers' runtime.
pub fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    PARSERS.spawn(task);
}
