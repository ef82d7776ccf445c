//! Subscriptions over server-sent events.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{Client, Response, header::ACCEPT};
use serde_json::{Value, json};
use subgraph_testing::sse::Events;
use tokio::{
    sync::Notify,
    task::{AbortHandle, JoinHandle},
    time::{sleep, timeout},
};

use crate::{operations::NOTIFICATION_ADDED, people::Person};

const RECONNECT_DELAY: Duration = Duration::from_millis(200);
/// A live stream sends at least heartbeats.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// A user's open subscription to notifications. Dropping it closes it.
#[derive(Debug)]
pub struct Follower {
    received: Arc<Received>,
    task: AbortHandle,
}

/// The received notifications.
#[derive(Debug, Default)]
struct Received {
    notifications: Mutex<Notifications>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Notifications {
    /// Deliveries by notification ID.
    counts: HashMap<String, usize>,
    /// Notifications by type.
    types: HashMap<String, usize>,
    /// The last ID, after which a reconnected stream continues.
    last: Option<String>,
}

impl Follower {
    /// Opens the stream, and reconnects whenever it ends, until dropped.
    ///
    /// # Errors
    /// If the stream cannot be opened the first time.
    pub async fn open(http: Client, router: String, person: Arc<Person>) -> Result<Self> {
        let received = Arc::<Received>::default();
        let first = connect(&http, &router, &person, None).await?;
        let task: JoinHandle<()> = tokio::spawn(follow(http, router, person, Arc::clone(&received), first));
        Ok(Self { received, task: task.abort_handle() })
    }

    /// The number of distinct notifications of this type.
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        self.received.lock().types.get(kind).copied().unwrap_or_default()
    }

    /// The number of notifications that were delivered more than once.
    #[must_use]
    pub fn repeated(&self) -> usize {
        self.received.lock().counts.values().filter(|count| **count > 1).count()
    }

    /// Waits until at least that many of each type have been received; `false` on timeout.
    pub async fn wait_for(&self, wanted: &[(&str, usize)], max_wait: Duration) -> bool {
        let all = async {
            loop {
                let arrived = self.received.arrived.notified();
                if wanted.iter().all(|(kind, count)| self.count(kind) >= *count) {
                    return;
                }
                arrived.await;
            }
        };
        timeout(max_wait, all).await.is_ok()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Received {
    fn lock(&self) -> MutexGuard<'_, Notifications> {
        self.notifications.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, notification: &Value) {
        let text = |name: &str| notification[name].as_str().unwrap_or_default().to_owned();
        let (id, mut notifications) = (text("id"), self.lock());
        let count = notifications.counts.entry(id.clone()).or_default();
        *count += 1;
        if *count == 1 {
            *notifications.types.entry(text("type")).or_default() += 1;
        }
        notifications.last = Some(id);
        drop(notifications);
        self.arrived.notify_one();
    }
}

async fn connect(http: &Client, router: &str, person: &Person, after: Option<String>) -> Result<Response> {
    let body = json!({ "query": NOTIFICATION_ADDED.document, "variables": { "after": after } });
    let request = http.post(format!("{router}/graphql")).header(ACCEPT, "text/event-stream").json(&body);
    let response = request.bearer_auth(person.token().await?).send().await?.error_for_status()?;
    let is_stream =
        response.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/event"));
    ensure!(is_stream, "no stream, but {}", response.text().await?);
    Ok(response)
}

async fn follow(http: Client, router: String, person: Arc<Person>, received: Arc<Received>, first: Response) {
    let mut stream = Some(first);
    loop {
        if let Some(stream) = stream.take() {
            // The stream ends with the token, and with the router.
            let _ = read(stream, &received).await;
        }
        sleep(RECONNECT_DELAY).await;
        let last = received.lock().last.clone();
        stream = connect(&http, &router, &person, last).await.ok();
    }
}

async fn read(mut stream: Response, received: &Received) -> Result<()> {
    let mut events = Events::default();
    while let Some(chunk) = timeout(IDLE_TIMEOUT, stream.chunk()).await?? {
        events.push(&chunk);
        while let Some(data) = events.next_data() {
            record(&data, received)?;
        }
    }
    Ok(())
}

fn record(data: &str, received: &Received) -> Result<()> {
    let answer: Value = serde_json::from_str(data).with_context(|| data.to_owned())?;
    if let Some(errors) = answer.get("errors") {
        bail!("{errors}");
    }
    received.record(&answer["data"]["notificationAdded"]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, kind: &str) -> String {
        json!({ "data": { "notificationAdded": { "id": id, "type": kind } } }).to_string()
    }

    #[test]
    fn a_notification_counts_once_however_often_it_comes() {
        let received = Received::default();

        for event in [event("1", "PAYMENT"), event("2", "ENROLLMENT"), event("1", "PAYMENT")] {
            record(&event, &received).expect("an event");
        }

        let notifications = received.lock();
        assert_eq!(notifications.types, HashMap::from([("PAYMENT".to_owned(), 1), ("ENROLLMENT".to_owned(), 1)]));
        assert_eq!(notifications.counts["1"], 2);
    }

    #[test]
    fn a_stream_that_ends_with_an_error_says_so() {
        assert!(record(r#"{"errors":[{"message":"no"}]}"#, &Received::default()).is_err());
    }
}
