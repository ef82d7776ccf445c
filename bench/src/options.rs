//! The options of all comparisons.

use std::path::PathBuf;

use clap::Args;

/// Concurrent connections.
pub const CONNECTIONS: u32 = 16;

#[derive(Args)]
pub struct Options {
    /// The `lyceum` that is measured.
    #[arg(long)]
    pub program: PathBuf,
    /// How long each measurement takes.
    #[arg(long, default_value_t = 4)]
    pub seconds: u32,
    /// How many times each is measured; the medians are reported.
    #[arg(long, default_value_t = 5)]
    pub pairs: usize,
    /// Size of the data set; 1 is 100,000 courses.
    #[arg(long, default_value = "1")]
    pub seed_scale: String,
    /// Only this page. Of gateways it is a student's home when left out, and may be `all`.
    #[arg(long)]
    pub only: Option<String>,
    /// Write the table to `performance.json` in this folder, or to `gateways.json`.
    #[arg(long)]
    pub report: Option<PathBuf>,
}
