//! A server whose owner was killed lives on, and a dead one leaves its pid file behind.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

/// Stops the server that still works on `dir`, if there is one, and clears its pid file.
pub(crate) async fn stop(dir: &Path) -> Result<()> {
    let Some(pid) = pid(dir) else { return Ok(()) };
    for (signal, patience) in [(Signal::SIGINT, 60), (Signal::SIGQUIT, 10), (Signal::SIGKILL, 10)] {
        if !serves(pid, dir) {
            return clear(dir);
        }
        tracing::info!(server.pid = %pid, %signal, "stopping a PostgreSQL server that lost its owner");
        kill(pid, signal)
            .with_context(|| format!("cannot stop process {pid}, which still serves {}", dir.display()))?;
        wait(pid, dir, Duration::from_secs(patience)).await;
    }
    if serves(pid, dir) {
        bail!("process {pid} still serves {} and does not stop", dir.display());
    }
    clear(dir)
}

async fn wait(pid: Pid, dir: &Path, patience: Duration) {
    let deadline = Instant::now() + patience;
    while serves(pid, dir) && Instant::now() < deadline {
        sleep(Duration::from_millis(20)).await;
    }
}

/// The server would take a stale file for true when its number belongs to a new process.
fn clear(dir: &Path) -> Result<()> {
    match std::fs::remove_file(dir.join("postmaster.pid")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove the stale pid file in {}", dir.display()))
        }
        _ => Ok(()),
    }
}

pub(crate) fn pid(dir: &Path) -> Option<Pid> {
    let file = std::fs::read_to_string(dir.join("postmaster.pid")).ok()?;
    let pid: i32 = file.lines().next()?.trim().parse().ok()?;
    (pid > 1).then(|| Pid::from_raw(pid))
}

/// Whether `pid` is a server of `dir`, and not a stranger that was given the same number.
#[cfg(target_os = "linux")]
pub(crate) fn serves(pid: Pid, dir: &Path) -> bool {
    let works_in = std::fs::read_link(format!("/proc/{pid}/cwd"));
    match (works_in, dir.canonicalize()) {
        (Ok(works_in), Ok(dir)) => works_in == dir,
        _ => false,
    }
}

/// Whether `pid` is a server of `dir`, and not a stranger that was given the same number.
#[cfg(not(target_os = "linux"))]
pub(crate) fn serves(pid: Pid, dir: &Path) -> bool {
    let listed = std::process::Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid.to_string()]).output();
    listed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(&*dir.to_string_lossy()))
}
