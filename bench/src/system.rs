//! A `lyceum up` of its own, and its resource usage.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::sleep,
};

const READY_TIMEOUT: Duration = Duration::from_mins(5);
/// The unit of CPU time in Linux's `/proc`.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running system. Dropping it closes its stdin, by which it and its databases shut down in order.
pub struct System {
    process: Child,
    id: u32,
    addresses: Addresses,
    directory: TempDir,
}

/// The addresses of a system.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Addresses {
    /// The router's URL.
    pub router: String,
    /// The URL of the public keys of access tokens.
    pub jwks: String,
    /// The URL of the metrics, if it has any.
    pub metrics: Option<String>,
    /// The URLs of the databases, by subgraph.
    pub databases: HashMap<String, String>,
    /// The directory of its data and keys.
    pub data: PathBuf,
}

/// CPU seconds since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    /// CPU seconds of the process itself.
    pub system: f64,
    /// CPU seconds of its databases.
    pub databases: f64,
}

impl Cpu {
    /// The CPU seconds since `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self { system: self.system - before.system, databases: self.databases - before.databases }
    }
}

impl System {
    /// Starts a program with a temporary data set, and waits until it is ready.
    ///
    /// # Errors
    /// If the process exits, or is not ready in time; the message contains its log.
    pub async fn start<S: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = S>) -> Result<Self> {
        Self::start_on(None, program, arguments).await
    }

    /// Starts it and its databases on these cores only, such as `0,1`.
    ///
    /// # Errors
    /// If the process exits, or is not ready in time; the message contains its log.
    pub async fn start_on<S: AsRef<OsStr>>(
        cores: Option<&str>,
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<Self> {
        let directory = TempDir::new()?;
        let (file, log) = (directory.path().join("addresses.json"), directory.path().join("log"));
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        let mut command = match cores {
            Some(cores) => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", cores]).arg(program);
                command
            }
            None => Command::new(program),
        };
        let mut process = command
            .args(["up", "--temporary", "--free-ports", "--stop-with-stdin"])
            .args(arguments)
            .arg("--addresses")
            .arg(&file)
            .arg("--data-dir")
            // PostgreSQL's programs are cached there.
            .arg(workspace.join(".lyceum"))
            .current_dir(&workspace)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let id = process.id().context("the system exited immediately")?;
        let started = Instant::now();
        let addresses = loop {
            if let Ok(text) = fs::read(&file) {
                break serde_json::from_slice(&text)?;
            }
            let is_running = process.try_wait()?.is_none() && started.elapsed() < READY_TIMEOUT;
            ensure!(is_running, "`lyceum up` is not ready:\n{}", fs::read_to_string(&log)?);
            sleep(Duration::from_millis(50)).await;
        };
        Ok(Self { process, id, addresses, directory })
    }

    /// The addresses of the system.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Lines of the log that would trigger an alert.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn errors(&self) -> Result<Vec<String>> {
        let log = fs::read_to_string(self.log())?;
        Ok(log.lines().filter(|line| line.contains("ERROR")).map(str::to_owned).collect())
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// The resident memory of the process, without its databases.
    ///
    /// # Errors
    /// If the process has exited.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id)).context("the system has exited")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS is missing")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1_024)
    }

    /// The CPU seconds of the process and its databases.
    ///
    /// # Errors
    /// When the processes cannot be listed.
    pub fn cpu(&self) -> Result<Cpu> {
        let mut cpu = Cpu::default();
        for process in fs::read_dir("/proc")? {
            let Some(process) = Process::read(&process?.path()) else { continue };
            if process.id == self.id {
                cpu.system += process.seconds;
            } else if process.is_database && self.is_of(&process) {
                cpu.databases += process.seconds;
            }
        }
        Ok(cpu)
    }

    /// Its children are the servers, whose children do the work.
    fn is_of(&self, process: &Process) -> bool {
        process.parent == self.id
            || Process::read(Path::new(&format!("/proc/{}", process.parent))).is_some_and(|it| it.parent == self.id)
    }

    /// Shuts the system down in order.
    ///
    /// # Errors
    /// If the process exits with an error.
    pub async fn stop(mut self) -> Result<()> {
        drop(self.process.stdin.take());
        let status = self.process.wait().await?;
        ensure!(status.success(), "the system failed ({status})");
        Ok(())
    }
}

/// The CPU seconds of a process.
///
/// # Errors
/// If the process has exited.
pub fn cpu_of(id: u32) -> Result<f64> {
    let process = Process::read(Path::new(&format!("/proc/{id}"))).context("the process has exited")?;
    Ok(process.seconds)
}

struct Process {
    id: u32,
    parent: u32,
    is_database: bool,
    /// CPU seconds, including those of its children that have exited.
    seconds: f64,
}

impl Process {
    fn read(path: &Path) -> Option<Self> {
        let id = path.file_name()?.to_str()?.parse().ok()?;
        let stat = fs::read_to_string(path.join("stat")).ok()?;
        let (head, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // proc(5): the fields after the name, from the third on.
        let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u32>().ok()).sum::<u32>();
        let is_database = head.ends_with("(postgres");
        Some(Self {
            id,
            parent: fields.get(1)?.parse().ok()?,
            is_database,
            seconds: f64::from(ticks) / TICKS_PER_SECOND,
        })
    }
}
