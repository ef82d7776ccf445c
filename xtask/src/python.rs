//! Python packages, each in an environment of its own.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::process;
use crate::workspace::home;

/// The `program` of an environment with `package` (`NAME==VERSION`), made when it is needed first; `what_for` it is.
pub async fn program(package: &str, program: &str, what_for: &str) -> Result<PathBuf> {
    let environment = home()?.join(package.replace("==", "-"));
    // Made last, so that what was broken off is made again.
    let is_made = environment.join("made");
    if !is_made.is_file() {
        let made = process::run(Command::new("python3").args(["-m", "venv"]).arg(&environment)).await;
        made.with_context(|| format!("{what_for} needs Python 3 (Debian: `sudo apt-get install python3-venv`)"))?;
        process::run(Command::new(environment.join("bin/pip")).args(["install", "--quiet", package])).await?;
        std::fs::write(is_made, "")?;
    }
    let program = environment.join("bin").join(program);
    ensure!(program.is_file(), "{package} has no {}", program.display());
    Ok(program)
}
