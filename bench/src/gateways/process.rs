//! Server processes on ports of their own.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bench::system::cpu_of;
use reqwest::{Client, RequestBuilder};
use serde_json::json;
use tokio::{
    process::{Child, Command},
    time::sleep,
};

const TIMEOUT: Duration = Duration::from_mins(2);
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// A running process. Dropping it ends it.
pub struct Process {
    name: String,
    child: Child,
    id: u32,
    pub url: String,
}

impl Process {
    /// Starts a server on this port, with its log in this directory.
    pub fn start(name: &str, command: &mut Command, port: u16, logs: &Path) -> Result<Self> {
        let log = File::create(logs.join(format!("{name}.log")))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let id = child.id().with_context(|| format!("{name} has ended"))?;
        Ok(Self { name: name.to_owned(), child, id, url: format!("http://127.0.0.1:{port}") })
    }

    /// Waits until a subgraph is ready.
    pub async fn subgraph_ready(&mut self, logs: &Path) -> Result<()> {
        let request = Client::new().get(format!("{}/ready", self.url));
        self.answers(&request, logs).await
    }

    /// Waits until a gateway responds.
    pub async fn gateway_ready(&mut self, logs: &Path) -> Result<()> {
        let request = Client::new().post(format!("{}/graphql", self.url)).json(&json!({ "query": "{ __typename }" }));
        self.answers(&request, logs).await
    }

    async fn answers(&mut self, request: &RequestBuilder, logs: &Path) -> Result<()> {
        let started = Instant::now();
        loop {
            let request = request.try_clone().context("its body is in memory")?;
            if request.send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            let is_starting = self.child.try_wait()?.is_none() && started.elapsed() < TIMEOUT;
            let log = || fs::read_to_string(logs.join(format!("{}.log", self.name))).unwrap_or_default();
            ensure!(is_starting, "{} is not ready:\n{}", self.name, log());
            sleep(RETRY_DELAY).await;
        }
    }

    /// The CPU seconds of the process.
    pub fn cpu(&self) -> Result<f64> {
        cpu_of(self.id)
    }

    pub async fn stop(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}

/// A port that is free at the moment.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
