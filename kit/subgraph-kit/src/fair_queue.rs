//! A fair queue for a number of slots: a client with many requests waits behind its own.

use std::{
    collections::{HashSet, VecDeque},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// A fair queue: a client holds at most one slot at a time, and waiting clients take turns.
pub struct FairQueue<C: Copy + Eq + Hash> {
    state: Arc<Mutex<State<C>>>,
}

struct State<C> {
    free: usize,
    holders: HashSet<C>,
    waiting: VecDeque<(C, VecDeque<oneshot::Sender<Slot>>)>,
}

/// A slot, held until it is dropped.
pub struct Slot(Option<Box<dyn FnOnce() + Send>>);

impl<C: Copy + Eq + Hash> Clone for FairQueue<C> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state) }
    }
}

impl<C: Copy + Eq + Hash + Send + 'static> FairQueue<C> {
    /// A queue with `slots` slots.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        let state = State { free: slots, holders: HashSet::new(), waiting: VecDeque::new() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Waits for a slot. Cancellation-safe: a dropped future leaves the queue.
    ///
    /// # Panics
    ///
    /// Never: a sender stays in the queue until it is used.
    pub async fn acquire(&self, client: C) -> Slot {
        let (sender, receiver) = oneshot::channel();
        self.lock().push(client, sender);
        self.hand_out();
        receiver.await.expect("a sender stays in the queue until it is used")
    }

    fn hand_out(&self) {
        loop {
            let Some((client, sender)) = self.lock().next() else { return };
            let queue = self.clone();
            let slot = Slot(Some(Box::new(move || queue.release(client))));
            // A slot for a cancelled waiter is dropped, and so released: not while the state is locked.
            let _ = sender.send(slot);
        }
    }

    fn release(&self, client: C) {
        self.lock().release(client);
        self.hand_out();
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Copy + Eq + Hash> State<C> {
    fn push(&mut self, client: C, sender: oneshot::Sender<Slot>) {
        match self.waiting.iter_mut().find(|(waiting, _)| *waiting == client) {
            Some((_, senders)) => {
                senders.retain(|sender| !sender.is_closed());
                senders.push_back(sender);
            }
            None => self.waiting.push_back((client, VecDeque::from([sender]))),
        }
    }

    /// Takes a slot for the next waiter: the first one of the client who has waited longest for a turn.
    fn next(&mut self) -> Option<(C, oneshot::Sender<Slot>)> {
        for (_, senders) in &mut self.waiting {
            senders.retain(|sender| !sender.is_closed());
        }
        self.waiting.retain(|(_, senders)| !senders.is_empty());
        if self.free == 0 {
            return None;
        }
        let index = self.waiting.iter().position(|(client, _)| !self.holders.contains(client))?;
        let (client, mut senders) = self.waiting.remove(index)?;
        let sender = senders.pop_front()?;
        if !senders.is_empty() {
            self.waiting.push_back((client, senders));
        }
        self.free -= 1;
        self.holders.insert(client);
        Some((client, sender))
    }

    fn release(&mut self, client: C) {
        self.free += 1;
        self.holders.remove(&client);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            release();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, future::BoxFuture};

    use super::*;

    type Acquired<'a> = BoxFuture<'a, Slot>;

    fn acquire<'a>(queue: &'a FairQueue<&'static str>, client: &'static str) -> Acquired<'a> {
        let mut acquired = queue.acquire(client).boxed();
        // Polled once, to enter the queue.
        match (&mut acquired).now_or_never() {
            Some(slot) => async { slot }.boxed(),
            None => acquired,
        }
    }

    fn slot(acquired: &mut Acquired<'_>) -> Option<Slot> {
        acquired.now_or_never()
    }

    #[test]
    fn a_client_waits_for_its_own_slots() {
        let queue = FairQueue::new(2);
        let mut many: Vec<_> = (0..30).map(|_| acquire(&queue, "many")).collect();
        let mut stranger = acquire(&queue, "stranger");

        let held: Vec<_> = many.iter_mut().filter_map(slot).collect();
        assert_eq!(held.len(), 1);
        assert!(slot(&mut stranger).is_some());
    }

    #[test]
    fn clients_take_turns() {
        let queue = FairQueue::new(1);
        let first = slot(&mut acquire(&queue, "a")).expect("a free slot");
        let mut waiting: Vec<_> = ["a", "a", "b", "a", "c", "b"].map(|client| (client, acquire(&queue, client))).into();

        let (mut held, mut turns) = (Some(first), Vec::new());
        while held.take().is_some() {
            let next = waiting.iter_mut().enumerate().find_map(|(index, (_, acquired))| Some((index, slot(acquired)?)));
            if let Some((index, slot)) = next {
                turns.push(waiting.remove(index).0);
                held = Some(slot);
            }
        }

        assert_eq!(turns, ["a", "b", "c", "a", "b", "a"]);
    }

    #[test]
    fn a_cancelled_waiter_leaves_the_queue() {
        let queue = FairQueue::new(1);
        let held = slot(&mut acquire(&queue, "a")).expect("a free slot");
        let (gone, mut next) = (acquire(&queue, "b"), acquire(&queue, "c"));

        drop(gone);
        drop(held);

        assert!(slot(&mut next).is_some());
    }

    #[test]
    fn a_slot_that_comes_too_late_is_free_again() {
        let queue = FairQueue::new(1);
        let held = slot(&mut acquire(&queue, "a")).expect("a free slot");
        let late = acquire(&queue, "b");

        drop(held);
        drop(late);

        assert!(slot(&mut acquire(&queue, "c")).is_some());
    }

    #[test]
    fn as_many_hold_a_slot_as_there_are() {
        let queue = FairQueue::new(2);
        let held: Vec<_> = ["a", "b"].into_iter().filter_map(|client| slot(&mut acquire(&queue, client))).collect();
        let mut third = acquire(&queue, "c");

        assert_eq!(held.len(), 2);
        assert!(slot(&mut third).is_none());
    }
}
