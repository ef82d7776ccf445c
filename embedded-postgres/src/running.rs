//! A server that another process runs.

use std::path::Path;

use anyhow::Result;

use crate::{data_dir::resolve_data_dir, leftover, superuser};

/// Returns the URL of a database of the server that runs on `data_dir`, with user and password: keep it out of logs.
/// None if no server is ready there.
///
/// # Errors
/// When the accounts of this machine or the server's password cannot be read.
pub fn url_of_running(data_dir: &Path, database: &str) -> Result<Option<String>> {
    let dir = resolve_data_dir(data_dir)?;
    let is_alive = leftover::pid(&dir).is_some_and(|pid| leftover::serves(pid, &dir));
    match port(&dir) {
        Some(port) if is_alive => Ok(Some(superuser::url(&superuser::read_password(&dir)?, port, database))),
        _ => Ok(None),
    }
}

/// Reads the port from the server's pid file; None until the server is ready.
fn port(dir: &Path) -> Option<u16> {
    let file = std::fs::read_to_string(dir.join("postmaster.pid")).ok()?;
    let lines: Vec<&str> = file.lines().map(str::trim).collect();
    if lines.get(7) == Some(&"ready") { lines.get(3)?.parse().ok() } else { None }
}
