//! Programs as they are deployed, for what is measured.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::process;
use crate::workspace::compile;

/// Compiles with optimizations. Says where the programs are.
pub async fn build(arguments: &[&str]) -> Result<PathBuf> {
    process::run(compile("build").args(["--locked", "--release"]).args(arguments)).await?;
    let ours = std::env::current_exe()?;
    Ok(ours.ancestors().nth(2).context("cannot find the build directory")?.join("release"))
}
