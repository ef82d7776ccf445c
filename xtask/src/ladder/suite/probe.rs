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
const MAX_REASONS: usize = 10;
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
    /// What the first request of each outage got, at most so many.
    reasons: Vec<String>,
}

impl Probe {
    pub fn start(visitors: &Visitors) -> Result<Self> {
        let client = visitors.client_with_timeout(TIMEOUT)?;
        let outages = Arc::<Mutex<Outages>>::default();
        let task = tokio::spawn(ask(client, Arc::clone(&outages)));
        Ok(Self { task, outages })
    }

    /// For how long there was no answer, or one with errors; and what came instead.
    pub fn finish(self) -> (Duration, Vec<String>) {
        self.task.abort();
        let outages = self.outages.lock().unwrap_or_else(PoisonError::into_inner);
        let unavailable = outages.ended + outages.since.map_or(Duration::ZERO, |since| since.elapsed());
        (unavailable, outages.reasons.clone())
    }
}

async fn ask(client: Client, outages: Arc<Mutex<Outages>>) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let started = Instant::now();
        let result = client.try_data(DOCUMENT, &json!({})).await.map(drop);
        outages.lock().unwrap_or_else(PoisonError::into_inner).record(started, result);
    }
}

impl Outages {
    fn record(&mut self, started: Instant, result: Result<()>) {
        match result {
            Ok(()) => self.ended += self.since.take().map_or(Duration::ZERO, |since| since.elapsed()),
            Err(error) if self.since.is_none() => {
                self.since = Some(started);
                if self.reasons.len() < MAX_REASONS {
                    self.reasons.push(format!("the probe: {error:#}"));
                }
            }
            Err(_) => {}
        }
    }
}
