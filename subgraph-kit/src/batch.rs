//! Batching without waiting: a `DataLoader`'s load starts at the moment when no resolver of the
//! request can go further without it, and so holds every key that there is to be had.

use std::{
    future::Future,
    mem,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use async_graphql::dataloader::{DataLoader, NoCache};
use futures::{Stream as _, future::BoxFuture, stream::FuturesUnordered};

type Load = BoxFuture<'static, ()>;

/// The loads that the resolvers of one request have asked for and that have not started yet.
#[derive(Clone, Default)]
pub struct Batches {
    waiting: Arc<Mutex<Vec<Load>>>,
}

impl Batches {
    /// A loader for this request alone, whose loads `drive` starts.
    pub fn loader<L: Send + Sync + 'static>(&self, loader: L) -> DataLoader<L, NoCache> {
        let batches = self.clone();
        DataLoader::new(loader, move |load| batches.lock().push(load))
            .delay(Duration::ZERO)
            .max_batch_size(usize::MAX)
    }

    /// Runs the request to its end, and its loads whenever it can go no further without them.
    pub async fn drive<F: Future>(&self, request: F) -> F::Output {
        let mut request = pin!(request);
        let mut running = FuturesUnordered::new();

        std::future::poll_fn(|cx| self.poll(request.as_mut(), &mut running, cx)).await
    }

    fn poll<F: Future>(
        &self,
        mut request: Pin<&mut F>,
        running: &mut FuturesUnordered<Load>,
        cx: &mut Context<'_>,
    ) -> Poll<F::Output> {
        loop {
            if let Poll::Ready(output) = request.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            running.extend(mem::take(&mut *self.lock()));
            if !self.finish_some(running, cx) {
                return Poll::Pending;
            }
        }
    }

    /// Whether a load has finished, so that the request may go on.
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
