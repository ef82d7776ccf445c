//! Who uses the system meanwhile: a stranger who looks at the catalogue, and a student at home.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

const INTERVAL: Duration = Duration::from_millis(40);
const CATALOGUE: &str = "{courses(first:1){nodes{id}}}";
const HOME: &str = include_str!("../../../operations/StudentHome.graphql");
const LOGIN: &str = "mutation($input:LoginInput!){login(input:$input){session{accessToken}}}";

/// Both of them.
pub struct Bystanders {
    stranger: Bystander,
    student: Bystander,
}

#[derive(Clone)]
struct Bystander {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
    document: &'static str,
}

/// What one of them met.
#[derive(Clone, Default)]
pub struct Met {
    /// Sorted.
    pub waited: Vec<Duration>,
    pub failed: Vec<String>,
}

impl Bystanders {
    /// Whoever waits longer than this has no answer.
    pub async fn new(router: SocketAddr, timeout: Duration) -> Result<Self> {
        let url = format!("http://{router}/graphql");
        // A stranger comes for the first time, and so connects.
        let http = reqwest::Client::builder().timeout(timeout).pool_max_idle_per_host(0).build()?;
        let stranger = Bystander { http, url: url.clone(), token: None, document: CATALOGUE };
        let http = reqwest::Client::builder().timeout(timeout).build()?;
        let input = json!({ "email": "student1@lyceum.example", "password": "lyceum-sample" });
        let answer: Value = http
            .post(&url)
            .json(&json!({ "query": LOGIN, "variables": { "input": input } }))
            .send()
            .await?
            .json()
            .await?;
        let token = answer["data"]["login"]["session"]["accessToken"].as_str().with_context(|| answer.to_string())?;
        let student = Bystander { http, url, token: Some(token.to_owned()), document: HOME };
        Ok(Self { stranger, student })
    }

    /// The stranger's and the student's, for so long.
    pub async fn go_on(&self, time: Duration) -> (Met, Met) {
        tokio::join!(self.stranger.go_on(time), self.student.go_on(time))
    }
}

impl Bystander {
    /// Asks again and again, whether or not it was answered.
    async fn go_on(&self, time: Duration) -> Met {
        let met = Arc::<Mutex<Met>>::default();
        let (mut tasks, mut tick, end) = (JoinSet::new(), interval(INTERVAL), Instant::now() + time);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Instant::now() < end {
            tick.tick().await;
            let (bystander, met) = (self.clone(), Arc::clone(&met));
            tasks.spawn(async move {
                let started = Instant::now();
                let outcome = bystander.ask().await;
                let mut met = met.lock().unwrap_or_else(PoisonError::into_inner);
                met.waited.push(started.elapsed());
                met.failed.extend(outcome.err().map(|error| format!("{error:#}")));
            });
        }
        tasks.join_all().await;
        let mut met = met.lock().unwrap_or_else(PoisonError::into_inner).clone();
        met.waited.sort();
        met
    }

    async fn ask(&self) -> Result<()> {
        let mut post = self.http.post(&self.url).json(&json!({ "query": self.document }));
        if let Some(token) = &self.token {
            post = post.bearer_auth(token);
        }
        let answer: Value = post.send().await?.json().await?;
        anyhow::ensure!(answer.get("errors").is_none() && answer["data"].is_object(), "{answer}");
        Ok(())
    }
}

impl Met {
    /// What so many of a hundred waited at most, in milliseconds.
    pub fn percentile(&self, hundredth: usize) -> f64 {
        let index = (self.waited.len() * hundredth / 100).min(self.waited.len().saturating_sub(1));
        self.waited.get(index).map_or(0.0, |waited| waited.as_secs_f64() * 1e3)
    }

    pub fn extend(&mut self, other: Self) {
        self.waited.extend(other.waited);
        self.waited.sort();
        self.failed.extend(other.failed);
    }
}
