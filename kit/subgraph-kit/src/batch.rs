//! Batching without a delay: a `DataLoader`'s load starts when no resolver of the request can progress without it, and
//! so contains every key that is known by then.

use std::{
    future::Future,
    mem,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use async_graphql::dataloader::{DataLoader, NoCache};
use futures::{Stream as _, future::BoxFuture, stream::FuturesUnordered, task::AtomicWaker};

use crate::response_limit::PollBudget;

type Load = BoxFuture<'static, ()>;

/// The scheduler of one request's loads: those that are requested, but not started.
#[derive(Clone, Default)]
pub struct BatchScheduler {
    waiting: Arc<Mutex<Vec<Load>>>,
    poll_budget: PollBudget,
}

/// A waker that records wake-ups of the request, and forwards them to its task.
#[derive(Default)]
struct WakeFlag {
    task: AtomicWaker,
    woken: AtomicBool,
}

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.task.wake();
    }
}

impl BatchScheduler {
    /// Creates a loader for this request, whose loads `run` starts.
    pub fn loader<L: Send + Sync + 'static>(&self, loader: L) -> DataLoader<L, NoCache> {
        let scheduler = self.clone();
        DataLoader::new(loader, move |load| scheduler.lock().push(load))
            .delay(Duration::ZERO)
            .max_batch_size(usize::MAX)
    }

    /// The request's budget per poll.
    #[must_use]
    pub fn poll_budget(&self) -> PollBudget {
        self.poll_budget.clone()
    }

    /// Runs the request to completion, and its loads whenever it cannot progress without them.
    pub async fn run<F: Future>(&self, request: F) -> F::Output {
        let mut request = pin!(request);
        let mut running = FuturesUnordered::new();
        let wake_flag = Arc::new(WakeFlag::default());

        std::future::poll_fn(|cx| self.poll(request.as_mut(), &wake_flag, &mut running, cx)).await
    }

    fn poll<F: Future>(
        &self,
        mut request: Pin<&mut F>,
        wake_flag: &Arc<WakeFlag>,
        running: &mut FuturesUnordered<Load>,
        cx: &mut Context<'_>,
    ) -> Poll<F::Output> {
        let waker = Waker::from(Arc::clone(wake_flag));
        wake_flag.task.register(cx.waker());
        self.poll_budget.begin();
        loop {
            wake_flag.woken.store(false, Ordering::SeqCst);
            if let Poll::Ready(output) = request.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(output);
            }
            // A long list yields after polling some of its rows; the others have not requested their keys yet.
            if wake_flag.woken.load(Ordering::SeqCst) {
                return Poll::Pending;
            }
            running.extend(mem::take(&mut *self.lock()));
            if !self.finish_some(running, cx) {
                return Poll::Pending;
            }
        }
    }

    /// Polls the running loads. Whether one has finished, so that the request can progress.
    #[expect(clippy::unused_self, reason = "reads as one step of `poll`")]
    fn finish_some(&self, running: &mut FuturesUnordered<Load>, cx: &mut Context<'_>) -> bool {
        let mut finished = false;
        while let Poll::Ready(Some(())) = Pin::new(&mut *running).poll_next(cx) {
            finished = true;
        }
        finished
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Load>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, convert::Infallible, sync::atomic::AtomicUsize};

    use async_graphql::dataloader::Loader;
    use futures::future::join_all;

    use super::*;

    #[derive(Clone, Default)]
    struct Echo {
        loads: Arc<AtomicUsize>,
    }

    impl Loader<usize> for Echo {
        type Value = usize;
        type Error = Infallible;

        async fn load(&self, keys: &[usize]) -> Result<HashMap<usize, usize>, Infallible> {
            self.loads.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(keys.iter().map(|key| (*key, *key)).collect())
        }
    }

    #[tokio::test]
    async fn lists_of_long_lists_are_loaded_at_once() {
        let (scheduler, echo) = (BatchScheduler::default(), Echo::default());
        let loader = &scheduler.loader(echo.clone());

        let row = |row| async move {
            let cells = join_all((0..100).map(|cell| loader.load_one(row * 100 + cell))).await;
            let after_them = loader.load_one(row).await;
            (cells.len(), after_them)
        };
        let rows = scheduler.run(join_all((0..100).map(row))).await;

        assert_eq!(rows.into_iter().map(|(cells, _)| cells).sum::<usize>(), 10_000);
        assert_eq!(echo.loads.load(Ordering::SeqCst), 2, "one for the cells, one for what comes after them");
    }
}
