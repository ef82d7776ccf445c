//! A test that is killed cannot stop the servers that it started. On Linux we inherit them.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::terminal;

/// Makes us the parent of processes whose own parent dies.
pub fn become_subreaper() {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_child_subreaper(true) {
        terminal::note(&format!("cannot adopt orphaned processes: {error}"));
    }
}

/// Stops what is left when all our own programs have ended.
pub async fn stop_children() {
    for (signal, seconds) in [(Signal::SIGINT, 10), (Signal::SIGKILL, 2)] {
        let left = living();
        if left.is_empty() {
            return;
        }
        for (pid, name) in left {
            terminal::note(&format!("stopping {name}, which a program left behind (process {pid})"));
            let _ = kill(pid, signal);
        }
        for _ in 0..seconds * 50 {
            if living().is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn living() -> Vec<(Pid, String)> {
    children()
        .into_iter()
        .filter(|pid| waitpid(*pid, Some(WaitPidFlag::WNOHANG)).is_ok_and(|status| status.pid().is_none()))
        .map(|pid| (pid, std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()))
        .collect()
}

fn children() -> Vec<Pid> {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>())
        .map(Pid::from_raw)
        .collect()
}
