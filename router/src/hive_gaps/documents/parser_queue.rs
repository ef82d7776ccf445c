//! Documents that take long to parse are parsed in threads of their own: a thread that answers requests has many
//! connections. What an operation costs is known when it has been parsed, so networks take turns with operations that are
//! not known, until they are planned.

use std::{net::IpAddr, sync::LazyLock, thread::available_parallelism, time::Duration};

use hive_router::plugins::plugin_context::PluginContext;
use subgraph_kit::fair_queue::FairQueue;
use tokio::{runtime::Runtime, time::sleep};
use tokio_util::task::AbortOnDropHandle;

use crate::STACK_BYTES;

/// Nobody has a turn for longer: an operation that waits for an equal one is not planned.
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

/// As many as there are processors.
fn parser_concurrency() -> usize {
    available_parallelism().map_or(1, usize::from)
}

pub struct ParserQueue(FairQueue<Option<IpAddr>>);

/// Of a request whose operation was not known: it ends when this is dropped.
pub struct Turn {
    _timer: AbortOnDropHandle<()>,
}

/// In the context of a request that has its turn.
struct HeldTurn(Option<Turn>);

impl ParserQueue {
    pub fn new() -> Self {
        Self(FairQueue::new(parser_concurrency()))
    }

    /// Calls `parse` in another thread when it is the network's turn; nothing if it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        network: Option<IpAddr>,
        parse: impl FnOnce(Turn) -> T + Send + 'static,
    ) -> Option<T> {
        let permit = self.0.acquire(network).await;
        let run = move || {
            // Until it is planned, or its client is gone; but not before it is parsed.
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
    /// Until the request has ended, or somebody takes it.
    pub fn hold(self, context: &PluginContext) {
        context.insert(HeldTurn(Some(self)));
    }
}

/// Takes the turn that a request has, if it has one, so that others may have theirs.
pub fn take_turn(context: &PluginContext) -> Option<Turn> {
    context.get_mut::<HeldTurn>().and_then(|mut held| held.0.take())
}

/// Runs something beside the parsers.
pub fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    PARSERS.spawn(task);
}
