//! Whether a system answers, ten times a second.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use serde_json::json;
use subgraph_testing::Client;
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use super::visitors::Visitors;

const INTERVAL: Duration = Duration::from_millis(100);
const TIMEOUT: Duration = Duration::from_secs(2);
/// Two subgraphs are asked.
const DOCUMENT: &str = "{ courses(first: 1) { nodes { id teacher { name } } } }";

/// Asks until it is finished.
pub struct Probe {
    task: JoinHandle<()>,
    outages: Arc<Mutex<Outages>>,
}

#[derive(Default)]
struct Outages {
    ended: Duration,
    since: Option<Instant>,
}

impl Probe {
    pub fn start(visitors: &Visitors) -> Result<Self> {
        let client = visitors.client_with_timeout(TIMEOUT)?;
        let outages = Arc::<Mutex<Outages>>::default();
        let task = tokio::spawn(ask(client, Arc::clone(&outages)));
        Ok(Self { task, outages })
    }

    /// For how long there was no answer, or one with errors.
    pub fn finish(self) -> Duration {
        self.task.abort();
        let outages = self.outages.lock().unwrap_or_else(PoisonError::into_inner);
        outages.ended + outages.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

async fn ask(client: Client, outages: Arc<Mutex<Outages>>) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let started = Instant::now();
        let succeeded = client.try_data(DOCUMENT, &json!({})).await.is_ok();
        outages.lock().unwrap_or_else(PoisonError::into_inner).record(started, succeeded);
    }
}

impl Outages {
    fn record(&mut self, started: Instant, succeeded: bool) {
        if !succeeded {
            self.since.get_or_insert(started);
        } else if let Some(since) = self.since.take() {
            self.ended += since.elapsed();
        }
    }
}
