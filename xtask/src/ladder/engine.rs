//! Programs of others that the rungs run: load balancer, message broker, store, pooler.

use std::{
    fs::OpenOptions,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tokio::{process::Command, time::sleep};

use crate::process::Running;

const START_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// One that is stopped and started while others go on.
pub struct Engine {
    pub name: String,
    pub port: u16,
    program: PathBuf,
    arguments: Vec<String>,
    /// As whom it runs, where it refuses to run as root.
    account: Option<(u32, u32)>,
    log: PathBuf,
    running: Option<Running>,
}

impl Engine {
    pub fn new(name: &str, program: &Path, arguments: &[&str], port: u16, log: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            port,
            program: program.to_owned(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            account: None,
            log,
            running: None,
        }
    }

    #[must_use]
    pub fn with_account(self, user: u32, group: u32) -> Self {
        Self { account: Some((user, group)), ..self }
    }

    /// Starts it, and waits until it accepts connections.
    pub async fn start(&mut self) -> Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdout(log.try_clone()?).stderr(Stdio::from(log));
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        self.running = Some(Running::start(&mut command)?);
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if Instant::now() > deadline {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                bail!("{} accepts no connections:\n{log}", self.name);
            }
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Kills it as a crash does.
    pub async fn kill(&mut self) -> Result<()> {
        let running = self.running.take().with_context(|| format!("{} does not run", self.name))?;
        running.kill().await;
        Ok(())
    }
}
