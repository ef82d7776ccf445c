//! The cleanup after a killed owner, whose server runs on, or a dead server, whose pid file is left.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

/// Stops the processes that still use `dir`: the server, and the sessions that outlive it.
pub(crate) async fn stop(dir: &Path) -> Result<()> {
    let Some(pid) = pid(dir) else { return Ok(()) };
    for (signal, patience) in [(Signal::SIGINT, 60), (Signal::SIGQUIT, 10), (Signal::SIGKILL, 10)] {
        if !serves(pid, dir) {
            break;
        }
        tracing::info!(server.pid = %pid, %signal, "stopping a PostgreSQL server that lost its owner");
        kill(pid, signal)
            .with_context(|| format!("cannot stop process {pid}, which still serves {}", dir.display()))?;
        wait_while(|| serves(pid, dir), patience).await;
    }
    if serves(pid, dir) {
        bail!("process {pid} still serves {} and does not stop", dir.display());
    }
    stop_sessions(dir).await?;
    disown(dir)
}

/// Stops the sessions of a killed server. Each ends only when it is idle, and until then it writes: beside a new
/// server, it would corrupt the data.
async fn stop_sessions(dir: &Path) -> Result<()> {
    wait_while(|| !sessions(dir).is_empty(), 2).await;
    for (signal, patience) in [(Signal::SIGQUIT, 5), (Signal::SIGKILL, 10)] {
        for session in sessions(dir) {
            tracing::info!(session.pid = %session, %signal, "stopping a PostgreSQL session that lost its server");
            // An error means that it has exited already, which is what we want.
            let _ = kill(session, signal);
        }
        wait_while(|| !sessions(dir).is_empty(), patience).await;
    }
    if let [session, ..] = *sessions(dir) {
        bail!("process {session} still uses {} and does not stop", dir.display());
    }
    Ok(())
}

async fn wait_while(condition: impl Fn() -> bool, seconds: u64) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while condition() && Instant::now() < deadline {
        sleep(Duration::from_millis(20)).await;
    }
}

/// Writes our own process id into the pid file. A server trusts a pid file whose process lives, which may be unrelated
/// by now, but not one that names its parent. The file must not be removed: its other lines identify the former
/// server's shared memory, by which the new one detects remaining sessions.
fn disown(dir: &Path) -> Result<()> {
    let path = dir.join("postmaster.pid");
    let file = std::fs::read_to_string(&path).unwrap_or_default();
    let Some((_, rest)) = file.split_once('\n') else { return Ok(()) };
    std::fs::write(&path, format!("{}\n{rest}", std::process::id()))
        .with_context(|| format!("cannot write {}", path.display()))
}

pub(crate) fn pid(dir: &Path) -> Option<Pid> {
    let file = std::fs::read_to_string(dir.join("postmaster.pid")).ok()?;
    let pid: i32 = file.lines().next()?.trim().parse().ok()?;
    (pid > 1).then(|| Pid::from_raw(pid))
}

/// Whether `pid` is a server of `dir`, and not an unrelated process with a reused id.
#[cfg(target_os = "linux")]
pub(crate) fn serves(pid: Pid, dir: &Path) -> bool {
    let works_in = std::fs::read_link(format!("/proc/{pid}/cwd"));
    match (works_in, dir.canonicalize()) {
        (Ok(works_in), Ok(dir)) => works_in == dir,
        _ => false,
    }
}

/// Whether `pid` is a server of `dir`, and not an unrelated process with a reused id.
#[cfg(not(target_os = "linux"))]
pub(crate) fn serves(pid: Pid, dir: &Path) -> bool {
    let listed = std::process::Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid.to_string()]).output();
    listed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(&*dir.to_string_lossy()))
}

/// Lists the processes of a server that has exited.
#[cfg(target_os = "linux")]
fn sessions(dir: &Path) -> Vec<Pid> {
    let is_postgres = |pid| {
        let program = std::fs::read_link(format!("/proc/{pid}/exe"));
        program.is_ok_and(|path| path.file_name().is_some_and(|name| name == "postgres"))
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid::from_raw);
    pids.filter(|pid| serves(*pid, dir) && is_postgres(*pid)).collect()
}

/// Not supported on this platform: the server detects sessions itself, and does not start.
#[cfg(not(target_os = "linux"))]
fn sessions(_: &Path) -> Vec<Pid> {
    Vec::new()
}
