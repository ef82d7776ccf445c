//! One process of Lyceum, which is replaced while others go on.

use std::{
    fs::{OpenOptions, read_to_string},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use reqwest::{Client, StatusCode};
use tokio::{process::Command, time::sleep};

use crate::{process::Running, workspace::root};

const START_TIMEOUT: Duration = Duration::from_mins(2);
/// Longer than a process takes to drain and to finish.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(45);
const POLL_INTERVAL: Duration = Duration::from_millis(100);
const SHOWN_LINES: usize = 20;

pub struct Service {
    pub name: String,
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub variables: Vec<(String, String)>,
    pub port: u16,
    pub log: PathBuf,
    running: Option<Running>,
}

impl Service {
    pub fn new(name: &str, program: &Path, port: u16, log: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            program: program.to_owned(),
            arguments: Vec::new(),
            variables: Vec::new(),
            port,
            log,
            running: None,
        }
    }

    pub fn start(&mut self) -> Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.variables.iter().cloned()).current_dir(root());
        command.stdout(log.try_clone()?).stderr(Stdio::from(log));
        self.running = Some(Running::start(&mut command)?);
        Ok(())
    }

    pub async fn wait_until_ready(&self, http: &Client) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while !self.is_ready(http).await {
            if Instant::now() > deadline {
                bail!("{} is not ready:\n{}", self.name, self.last_lines());
            }
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    async fn is_ready(&self, http: &Client) -> bool {
        let reply = http.get(format!("http://127.0.0.1:{}/ready", self.port)).send().await;
        reply.is_ok_and(|reply| reply.status() == StatusCode::OK)
    }

    /// Ends it as a deployment does, and waits for that.
    pub async fn stop(&mut self) -> Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        let stopped = running.stop(SHUTDOWN_TIMEOUT).await;
        stopped.with_context(|| format!("{} did not shut down in order:\n{}", self.name, self.last_lines()))
    }

    /// The largest memory that it has had, in bytes.
    pub fn peak_memory(&self) -> Option<u64> {
        let id = self.running.as_ref()?.id();
        let status = read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    }

    fn last_lines(&self) -> String {
        let log = read_to_string(&self.log).unwrap_or_default();
        let mut lines: Vec<_> = log.lines().rev().take(SHOWN_LINES).collect();
        lines.reverse();
        lines.join("\n")
    }
}
