//! What became of the requests of a load.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

/// So many failures are shown.
const SHOWN: usize = 10;

#[derive(Default)]
pub struct Tally {
    requests: AtomicUsize,
    failed: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

impl Tally {
    /// Counts a request, and returns what it got.
    pub fn count<T>(&self, result: anyhow::Result<T>) -> anyhow::Result<T> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = &result {
            self.failed.fetch_add(1, Ordering::Relaxed);
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            if failures.len() < SHOWN {
                failures.push(format!("{error:#}"));
            }
        }
        result
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    pub fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }

    /// The first of them.
    pub fn failures(&self) -> Vec<String> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
