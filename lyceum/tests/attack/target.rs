//! The system that is attacked, and what it uses.

use std::{net::SocketAddr, path::Path};

use anyhow::{Context as _, Result};
use bench::system::{Cpu, System};

pub struct Target {
    system: System,
    pub router: SocketAddr,
    metrics: String,
}

/// What was used since the start.
#[derive(Clone, Copy, Default)]
pub struct Used {
    pub cpu: Cpu,
    pub statements: u64,
}

impl Target {
    /// `lyceum up` with its default limits.
    pub async fn start(program: &Path, seed_scale: &str) -> Result<Self> {
        let arguments = ["--seed-scale", seed_scale, "--metrics-listen", "127.0.0.1:0"];
        let system = System::start(program, arguments).await?;
        let port = system.addresses().router.rsplit(':').next().context("a port")?.parse()?;
        let metrics = system.addresses().metrics.clone().context("its metrics")?;
        Ok(Self { system, router: SocketAddr::from(([127, 0, 0, 1], port)), metrics })
    }

    /// Lines of the log that would set off an alert.
    pub fn errors(&self) -> Result<Vec<String>> {
        self.system.errors()
    }

    /// The memory that its process has, without its databases.
    pub fn resident_bytes(&self) -> Result<u64> {
        self.system.resident_bytes()
    }

    pub async fn used(&self) -> Result<Used> {
        let metrics = reqwest::get(&self.metrics).await?.text().await?;
        let counts = metrics.lines().filter(|line| line.starts_with("db_client_operation_duration_seconds_count"));
        let statements = counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum();
        Ok(Used { cpu: self.system.cpu()?, statements })
    }

    pub async fn stop(self) -> Result<()> {
        self.system.stop().await
    }
}
