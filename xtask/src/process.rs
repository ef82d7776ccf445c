//! Runs programs, and stops them with all that they started.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until};

use crate::{failures, terminal};

/// How long a program's last words may take after its end.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// A program in a process group of its own; dropping it stops the group.
pub struct Running {
    child: Child,
    group: Pid,
}

impl Running {
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = command.as_std().get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot run {name}: is it installed?"))?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).context("the program exited immediately")?;
        Ok(Self { child, group: Pid::from_raw(id) })
    }

    /// The number of the program's process.
    pub fn id(&self) -> i32 {
        self.group.as_raw()
    }

    /// Asks the program itself to end, which stops what it started, and waits for that so long.
    pub async fn stop(mut self, patience: Duration) -> Result<()> {
        kill(self.group, Signal::SIGTERM)?;
        let ended = tokio::time::timeout(patience, self.child.wait()).await;
        let status = ended.with_context(|| format!("it does not exit within {} s", patience.as_secs()))??;
        ensure!(status.success(), "it failed ({status})");
        Ok(())
    }

    /// Ends the program and what it started as a crash does.
    pub async fn kill(mut self) {
        // A group that has ended in this moment is what we want.
        let _ = killpg(self.group, Signal::SIGKILL);
        let _ = self.child.wait().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.id().is_none() {
            return;
        }
        // A group that has ended in this moment is what we want.
        let _ = killpg(self.group, Signal::SIGTERM);
        for _ in 0..1000 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = killpg(self.group, Signal::SIGKILL);
    }
}

/// Announces `command`, runs it and fails if it fails.
pub async fn run(command: &mut Command) -> Result<()> {
    let shown = describe(command);
    terminal::step(&shown);
    run_quietly(command, &shown).await
}

/// Runs `command`, which people know as `name`, and fails if it fails.
pub async fn run_quietly(command: &mut Command, name: &str) -> Result<()> {
    let status = status(command).await?;
    ensure!(status.success(), "{name} failed ({status})");
    Ok(())
}

/// As `run`, for a command that tests. Where nobody looks on, its failure repeats what failed: a log of thousands of
/// lines is read from its end.
pub async fn run_tests(command: &mut Command) -> Result<()> {
    let shown = describe(command);
    terminal::step(&shown);
    run_tests_quietly(command, &shown).await
}

/// As `run_tests`, of what people know as `name`.
pub async fn run_tests_quietly(command: &mut Command, name: &str) -> Result<()> {
    if console::user_attended_stderr() {
        return run_quietly(command, name).await;
    }
    let mut running = Running::start(command.stdout(Stdio::piped()))?;
    let (status, lines) = pass_on(&mut running.child).await?;
    if status.success() {
        return Ok(());
    }
    bail!("{name} failed ({status})\n{}", failures::extract(&lines))
}

/// Prints each line as it comes, until the program has ended: what it leaves running may keep its output open, and write to it.
async fn pass_on(child: &mut Child) -> Result<(ExitStatus, Vec<String>)> {
    let mut output = BufReader::new(child.stdout.take().context("its output is not ours")?);
    let mut stdout = tokio::io::stdout();
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    let (mut status, mut deadline) = (None, Instant::now());
    loop {
        tokio::select! {
            read = output.read_until(b'\n', &mut line) => {
                if read? == 0 {
                    break;
                }
                stdout.write_all(&line).await?;
                lines.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                line.clear();
            }
            ended = child.wait(), if status.is_none() => {
                (status, deadline) = (Some(ended?), Instant::now() + OUTPUT_TIMEOUT);
            }
            () = sleep_until(deadline), if status.is_some() => break,
        }
    }
    stdout.flush().await?;
    let status = match status {
        Some(status) => status,
        None => child.wait().await?,
    };
    Ok((status, lines))
}

/// Runs `command` and says how it ended.
pub async fn status(command: &mut Command) -> Result<ExitStatus> {
    let mut running = Running::start(command)?;
    Ok(running.child.wait().await?)
}

/// A command as a person would write it, with the directory that it runs in.
pub fn describe(command: &Command) -> String {
    let command = command.as_std();
    let program = std::path::Path::new(command.get_program()).file_name().unwrap_or_default();
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    let place = command
        .get_current_dir()
        .and_then(|directory| directory.strip_prefix(crate::workspace::root()).ok())
        .filter(|directory| !directory.as_os_str().is_empty())
        .map_or_else(String::new, |directory| format!(" (in {})", directory.display()));
    format!("{}{place}", words.join(" "))
}

/// Waits for `program`, but not beyond a request to end.
pub async fn until_terminated(program: impl Future<Output = std::io::Result<ExitStatus>>) -> Result<ExitStatus> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        status = program => Ok(status?),
        _ = terminated.recv() => anyhow::bail!("terminated"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_program_leaves_running_is_not_waited_for() -> Result<()> {
        let mut command = Command::new("sh");
        let script = "(while :; do echo x; sleep 0.1; done) & echo the last words; exit 3";
        command.args(["-c", script]).stdout(Stdio::piped());
        let mut running = Running::start(&mut command)?;
        let passed_on = pass_on(&mut running.child).await;
        killpg(running.group, Signal::SIGKILL)?;
        let (status, lines) = passed_on?;
        assert_eq!(status.code(), Some(3));
        assert!(lines.iter().any(|line| line == "the last words"), "{lines:?}");
        Ok(())
    }
}
