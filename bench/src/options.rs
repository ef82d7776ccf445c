//! The options of all comparisons.

use std::path::PathBuf;

use clap::Args;

/// Concurrent connections.
pub const CONNECTIONS: u32 = 16;

#[derive(Args)]
pub struct Options {
    /// The path of the `lyceum` to measure.
    #[arg(long)]
    pub program: PathBuf,
    /// The duration of each measurement, in seconds.
    #[arg(long, default_value_t = 4)]
    pub seconds: u32,
    /// The number of measurements of each page; medians are reported.
    #[arg(long, default_value_t = 5)]
    pub pairs: usize,
    /// Size of the data set; 1 is 100,000 courses.
    #[arg(long, default_value = "1")]
    pub seed_scale: String,
    /// Measure only this page. For gateways the default is `StudentHome`, and `all` is allowed.
    #[arg(long)]
    pub only: Option<String>,
    /// Write the table to `performance.json` in this folder, or to `gateways.json`.
    #[arg(long)]
    pub report: Option<PathBuf>,
}
