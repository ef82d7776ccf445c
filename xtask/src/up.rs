//! `lyceum up` over databases that it shares with others, for programs that ask it much.

use std::{
    fs::File,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::{process::Command, time::sleep};

use crate::process::Running;

const TIMEOUT: Duration = Duration::from_mins(2);
/// As long as they may be good, so that nobody has to sign in again during a run.
const TOKEN_SECONDS: &str = "86400";

/// One that answers.
pub struct Up {
    /// Where its router is.
    pub router: String,
    process: Running,
    _directory: TempDir,
}

/// What `--addresses` writes.
#[derive(Deserialize)]
struct Addresses {
    router: String,
}

impl Up {
    /// Starts `lyceum` with these arguments. Nothing is limited or counted: all who ask are one client.
    pub async fn start(
        mut lyceum: Command,
        arguments: &[&str],
        databases: &[(String, String)],
        log: &Path,
    ) -> Result<Self> {
        let directory = TempDir::new()?;
        let file = directory.path().join("addresses.json");
        lyceum.args(["up", "--free-ports", "--temporary", "--event-bus", "local", "--throttle", "false"]);
        for limit in ["--cost-budget", "--anonymous-cost-budget", "--cost-limit", "--anonymous-cost-limit"] {
            lyceum.args([limit, "0"]);
        }
        lyceum.args(["--access-token-seconds", TOKEN_SECONDS, "--addresses"]).arg(&file).args(arguments);
        lyceum.envs(databases.iter().cloned()).stdout(Stdio::null()).stderr(File::create(log)?);
        let process = Running::start(&mut lyceum)?;
        let deadline = Instant::now() + TIMEOUT;
        let addresses: Addresses = loop {
            if let Ok(text) = std::fs::read(&file) {
                break serde_json::from_slice(&text)?;
            }
            ensure!(Instant::now() < deadline, "`lyceum up` is not ready:\n{}", std::fs::read_to_string(log)?);
            sleep(Duration::from_millis(100)).await;
        };
        Ok(Self { router: addresses.router, process, _directory: directory })
    }

    /// The number of its process.
    pub fn process_id(&self) -> i32 {
        self.process.id()
    }

    /// Asks it to end, and waits.
    pub async fn stop(self) -> Result<()> {
        self.process.stop(TIMEOUT).await.context("cannot stop `lyceum up`")
    }
}
