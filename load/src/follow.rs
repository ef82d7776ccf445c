//! Live updates, as a page hears them: server-sent events.

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
/// A stream says at least that it is there.
const SILENCE: Duration = Duration::from_mins(1);

/// Somebody's open stream of notifications. Dropped, it ends.
#[derive(Debug)]
pub struct Follower {
    heard: Arc<Heard>,
    task: AbortHandle,
}

/// What came.
#[derive(Debug, Default)]
struct Heard {
    notifications: Mutex<Notifications>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Notifications {
    /// How often each came, by id.
    times: HashMap<String, usize>,
    /// How many there were of each type.
    types: HashMap<String, usize>,
    /// The last one: whoever connects again continues there.
    last: Option<String>,
}

impl Follower {
    /// Opens the stream, and again whenever it ends, until this is dropped.
    ///
    /// # Errors
    /// If the stream cannot be opened the first time.
    pub async fn open(http: Client, router: String, person: Arc<Person>) -> Result<Self> {
        let heard = Arc::<Heard>::default();
        let first = connect(&http, &router, &person, None).await?;
        let task: JoinHandle<()> = tokio::spawn(follow(http, router, person, Arc::clone(&heard), first));
        Ok(Self { heard, task: task.abort_handle() })
    }

    /// How many different notifications of this type have come.
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        self.heard.lock().types.get(kind).copied().unwrap_or_default()
    }

    /// How many have come more than once.
    #[must_use]
    pub fn repeated(&self) -> usize {
        self.heard.lock().times.values().filter(|times| **times > 1).count()
    }

    /// Waits for so many of each of these types. Says whether they came.
    pub async fn wait_for(&self, wanted: &[(&str, usize)], patience: Duration) -> bool {
        let all = async {
            loop {
                let news = self.heard.news.notified();
                if wanted.iter().all(|(kind, count)| self.count(kind) >= *count) {
                    return;
                }
                news.await;
            }
        };
        timeout(patience, all).await.is_ok()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Notifications> {
        self.notifications.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, notification: &Value) {
        let text = |name: &str| notification[name].as_str().unwrap_or_default().to_owned();
        let (id, mut notifications) = (text("id"), self.lock());
        let times = notifications.times.entry(id.clone()).or_default();
        *times += 1;
        if *times == 1 {
            *notifications.types.entry(text("type")).or_default() += 1;
        }
        notifications.last = Some(id);
        drop(notifications);
        self.news.notify_one();
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

async fn follow(http: Client, router: String, person: Arc<Person>, heard: Arc<Heard>, first: Response) {
    let mut stream = Some(first);
    loop {
        if let Some(stream) = stream.take() {
            // It ends with the token, and with the router.
            let _ = read(stream, &heard).await;
        }
        sleep(RECONNECT_DELAY).await;
        let last = heard.lock().last.clone();
        stream = connect(&http, &router, &person, last).await.ok();
    }
}

async fn read(mut stream: Response, heard: &Heard) -> Result<()> {
    let mut events = Events::default();
    while let Some(chunk) = timeout(SILENCE, stream.chunk()).await?? {
        events.push(&chunk);
        while let Some(data) = events.next_data() {
            hear(&data, heard)?;
        }
    }
    Ok(())
}

fn hear(data: &str, heard: &Heard) -> Result<()> {
    let answer: Value = serde_json::from_str(data).with_context(|| data.to_owned())?;
    if let Some(errors) = answer.get("errors") {
        bail!("{errors}");
    }
    heard.hear(&answer["data"]["notificationAdded"]);
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
        let heard = Heard::default();

        for event in [event("1", "PAYMENT"), event("2", "ENROLLMENT"), event("1", "PAYMENT")] {
            hear(&event, &heard).expect("an event");
        }

        let notifications = heard.lock();
        assert_eq!(notifications.types, HashMap::from([("PAYMENT".to_owned(), 1), ("ENROLLMENT".to_owned(), 1)]));
        assert_eq!(notifications.times["1"], 2);
    }

    #[test]
    fn a_stream_that_ends_with_an_error_says_so() {
        assert!(hear(r#"{"errors":[{"message":"no"}]}"#, &Heard::default()).is_err());
    }
}
