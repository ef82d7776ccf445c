//! Somebody who follows their notifications, loses the connection every few seconds, and continues where it ended.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use serde_json::{Value, json};
use subgraph_testing::Client;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::pages::list_all;

/// How long a connection lasts.
const CONNECTION: Duration = Duration::from_secs(5);
const RETRY_DELAY: Duration = Duration::from_millis(200);
/// How long the last notifications may take.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);

const NEWEST: &str = "{ me { notifications(first: 1) { nodes { id } } } }";
const ADDED: &str = "subscription ($after: ID) { notificationAdded(after: $after) { id } }";
const PAGES: &str = "query ($after: String) { me { list: notifications(first: 100, after: $after) {
    nodes { id } pageInfo { hasNextPage endCursor } } } }";

pub struct Follower {
    client: Client,
    /// What came before it follows.
    start: String,
    stop: CancellationToken,
    task: JoinHandle<Vec<String>>,
}

impl Follower {
    pub async fn start(client: &Client) -> Result<Self> {
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        // That of the registration may be on its way.
        let start = loop {
            let data = client.try_data(NEWEST, &json!({})).await?;
            if let Some(id) = data.pointer("/me/notifications/nodes/0/id").and_then(Value::as_str) {
                break id.to_owned();
            }
            ensure!(Instant::now() < deadline, "there is no notification to begin with");
            sleep(RETRY_DELAY).await;
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(follow(client.clone(), start.clone(), stop.clone()));
        Ok(Self { client: client.clone(), start, stop, task })
    }

    /// Compares what came with the list, once it has all of it.
    pub async fn finish(self) -> Result<String> {
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        sleep(CONNECTION).await;
        self.stop.cancel();
        let told = self.task.await?;
        let distinct: BTreeSet<_> = told.iter().collect();
        ensure!(distinct.len() == told.len(), "{} notifications came twice", told.len() - distinct.len());
        let listed = loop {
            let nodes = list_all(&self.client, PAGES, "/me/list", usize::MAX).await?;
            let ids = nodes.iter().filter_map(|node| node["id"].as_str().map(str::to_owned));
            let newer: BTreeSet<_> = ids.take_while(|id| *id != self.start).collect();
            if newer.len() >= told.len() || Instant::now() > deadline {
                break newer;
            }
            sleep(RETRY_DELAY).await;
        };
        let missed = listed.iter().filter(|id| !distinct.contains(id)).count();
        ensure!(missed == 0, "{missed} of {} notifications did not come", listed.len());
        ensure!(!told.is_empty(), "no notification came");
        Ok(format!("{} notifications, each once", told.len()))
    }
}

async fn follow(client: Client, start: String, stop: CancellationToken) -> Vec<String> {
    let (mut told, mut last) = (Vec::new(), start);
    while !stop.is_cancelled() {
        let connection = follow_once(&client, &mut told, &mut last);
        match stop.run_until_cancelled(connection).await {
            None | Some(Ok(())) => {}
            Some(Err(_)) => sleep(RETRY_DELAY).await,
        }
    }
    told
}

/// Until the connection is lost.
async fn follow_once(client: &Client, told: &mut Vec<String>, last: &mut String) -> Result<()> {
    let deadline = tokio::time::Instant::now() + CONNECTION;
    let mut events = client.try_subscribe(ADDED, &json!({ "after": last })).await?;
    while let Ok(event) = timeout_at(deadline, events.next()).await {
        let event = event.context("the stream has ended")??;
        let id = event.pointer("/data/notificationAdded/id").and_then(Value::as_str);
        id.with_context(|| format!("no notification: {event}"))?.clone_into(last);
        told.push(last.clone());
    }
    Ok(())
}
