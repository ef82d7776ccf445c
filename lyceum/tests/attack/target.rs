//! The system that is attacked, and what it uses.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::sleep,
};

const PATIENCE: Duration = Duration::from_mins(5);
/// What Linux counts processor time in.
const TICKS_PER_SECOND: f64 = 100.0;

pub struct Target {
    process: Child,
    id: u32,
    pub router: SocketAddr,
    metrics: String,
    directory: TempDir,
}

#[derive(Deserialize)]
struct Addresses {
    router: String,
    metrics: String,
}

/// What was used since the start.
#[derive(Clone, Copy, Default)]
pub struct Used {
    /// Seconds of the processor.
    pub system: f64,
    pub databases: f64,
    pub statements: u64,
}

impl Target {
    /// `lyceum up` with its default limits.
    pub async fn start(program: &Path, seed_scale: &str) -> Result<Self> {
        let directory = TempDir::new()?;
        let (addresses, log) = (directory.path().join("addresses.json"), directory.path().join("log"));
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        let process = Command::new(program)
            .args(["up", "--temporary", "--free-ports", "--stop-with-stdin", "--seed-scale", seed_scale])
            .args(["--metrics-listen", "127.0.0.1:0", "--addresses"])
            .arg(&addresses)
            .arg("--data-dir")
            // PostgreSQL's programs are there already.
            .arg(workspace.join(".lyceum"))
            .current_dir(&workspace)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()?;
        let id = process.id().context("the system ended at once")?;
        let started = Instant::now();
        let Addresses { router, metrics } = loop {
            if let Ok(text) = fs::read(&addresses) {
                break serde_json::from_slice(&text)?;
            }
            ensure!(started.elapsed() < PATIENCE, "`lyceum up` is not ready:\n{}", fs::read_to_string(&log)?);
            sleep(Duration::from_millis(50)).await;
        };
        let port = router.rsplit(':').next().context("a port")?.parse()?;
        Ok(Self { process, id, router: SocketAddr::from(([127, 0, 0, 1], port)), metrics, directory })
    }

    /// Lines of the log that would set off an alert.
    pub fn errors(&self) -> Result<Vec<String>> {
        let log = fs::read_to_string(self.log())?;
        Ok(log.lines().filter(|line| line.contains("ERROR")).map(str::to_owned).collect())
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// The memory that its process has, without its databases.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id)).context("the system has ended")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("how much it has")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1_024)
    }

    pub async fn used(&self) -> Result<Used> {
        let metrics = reqwest::get(&self.metrics).await?.text().await?;
        let counts = metrics.lines().filter(|line| line.starts_with("db_client_operation_duration_seconds_count"));
        let statements = counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum();
        let (mut system, mut databases) = (0.0, 0.0);
        for process in fs::read_dir("/proc")? {
            let Some(process) = Process::read(&process?.path()) else { continue };
            if process.id == self.id {
                system += process.seconds;
            } else if process.is_database && self.is_of(&process) {
                databases += process.seconds;
            }
        }
        Ok(Used { system, databases, statements })
    }

    /// Its databases are its children, and theirs do the work.
    fn is_of(&self, process: &Process) -> bool {
        process.parent == self.id
            || Process::read(Path::new(&format!("/proc/{}", process.parent))).is_some_and(|it| it.parent == self.id)
    }

    pub async fn stop(mut self) -> Result<()> {
        drop(self.process.stdin.take());
        let status = self.process.wait().await?;
        ensure!(status.success(), "the system ended badly: {status}");
        Ok(())
    }
}

struct Process {
    id: u32,
    parent: u32,
    is_database: bool,
    /// Of the processor, by itself and by its children that have ended.
    seconds: f64,
}

impl Process {
    fn read(place: &Path) -> Option<Self> {
        let id = place.file_name()?.to_str()?.parse().ok()?;
        let stat = fs::read_to_string(place.join("stat")).ok()?;
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
