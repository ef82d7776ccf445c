//! Processes that are started again whenever they end.

use std::{
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use embedded_postgres::{Installation, Server, ServerOptions};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    process::{Child, Command},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::sleep,
};

/// The pause before a process is started again, as a supervisor makes it.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How long a process may take to get to the step at which it is to die.
const STEP_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a process may take to end in order.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_mins(1);

/// Something that can be killed and comes back.
pub struct Victim {
    pub name: String,
    orders: mpsc::Sender<(Order, oneshot::Sender<bool>)>,
    keeper: JoinHandle<()>,
}

/// What is to happen to a process.
#[derive(Clone, Debug)]
pub enum Order {
    /// `kill -9`.
    Kill,
    /// To die by itself at this step, the next time that it gets there.
    DieAt(&'static str),
    /// To end in order, and to be started anew. For programs.
    Restart,
    /// `kill -9`, and not to come back before it is told to. For databases.
    Down,
    /// To be there again.
    Up,
    /// To do nothing, and not to notice. For databases.
    Hang,
    /// To go on.
    GoOn,
    Stop,
}

/// How to start a program.
#[derive(Clone)]
pub struct Program {
    pub path: PathBuf,
    pub arguments: Vec<String>,
    pub variables: Vec<(String, String)>,
    pub directory: PathBuf,
    pub log: PathBuf,
}

impl Victim {
    /// Carries an order out. False if the process has not got to the step in time.
    pub async fn order(&self, order: Order) -> bool {
        let (answer, done) = oneshot::channel();
        if self.orders.send((order, answer)).await.is_err() {
            return false;
        }
        done.await.unwrap_or(false)
    }

    pub async fn stop(self) {
        self.order(Order::Stop).await;
        let _ = self.keeper.await;
    }

    /// A program that is kept running.
    pub fn program(name: impl Into<String>, program: Program, died: Arc<AtomicUsize>) -> Result<Self> {
        let child = start(&program, None)?;
        let (orders, inbox) = mpsc::channel(1);
        let keeper = tokio::spawn(keep(program, child, inbox, died));
        Ok(Self { name: name.into(), orders, keeper })
    }

    /// A database server that is kept running.
    pub async fn database(
        name: &str,
        installation: Arc<Installation>,
        options: ServerOptions,
    ) -> Result<(Self, String)> {
        let server = Server::start(&installation, options.clone()).await?;
        let options = ServerOptions { port: server.port(), ..options };
        let url = server.url();
        let (orders, inbox) = mpsc::channel(1);
        let keeper = tokio::spawn(keep_database(installation, options, server, inbox));
        Ok((Self { name: format!("{name}'s database"), orders, keeper }, url))
    }
}

fn start(program: &Program, die_at: Option<&str>) -> Result<Child> {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(&program.log)?;
    let mut command = Command::new(&program.path);
    command
        .args(&program.arguments)
        .envs(program.variables.iter().cloned())
        .current_dir(&program.directory)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true);
    if let Some(step) = die_at {
        command.env("LYCEUM_FAILPOINT", step);
    }
    command.spawn().with_context(|| format!("cannot run {}", program.path.display()))
}

type Orders = mpsc::Receiver<(Order, oneshot::Sender<bool>)>;

async fn keep(program: Program, mut child: Child, mut orders: Orders, died: Arc<AtomicUsize>) {
    loop {
        tokio::select! {
            _ = child.wait() => {
                died.fetch_add(1, Ordering::Relaxed);
                sleep(POLL_INTERVAL).await;
            }
            order = orders.recv() => match order {
                Some((Order::Kill, done)) => {
                    let _ = child.kill().await;
                    sleep(POLL_INTERVAL).await;
                    let _ = done.send(true);
                }
                Some((Order::DieAt(step), done)) => {
                    let _ = done.send(die_at(&program, &mut child, step).await);
                }
                Some((Order::Restart, done)) => {
                    let _ = done.send(end_in_order(&mut child).await);
                }
                Some((Order::Stop, done)) => {
                    let _ = child.kill().await;
                    let _ = done.send(true);
                    return;
                }
                Some((Order::Down | Order::Up | Order::Hang | Order::GoOn, _)) => unreachable!("it is no database"),
                None => return,
            },
        }
        match start(&program, None) {
            Ok(started) => child = started,
            Err(error) => crate::say(format!("{error:#}")),
        }
    }
}

/// Starts it anew so that it dies at `step`, and waits until it has.
async fn die_at(program: &Program, child: &mut Child, step: &'static str) -> bool {
    let _ = child.kill().await;
    let Ok(started) = start(program, Some(step)) else { return false };
    *child = started;
    let ended = tokio::time::timeout(STEP_TIMEOUT, child.wait()).await;
    let _ = child.kill().await;
    // A process that cannot start, its database being away, ends otherwise.
    matches!(ended, Ok(Ok(status)) if status.signal() == Some(Signal::SIGABRT as i32))
}

/// Whether it ends by itself, and as it should.
async fn end_in_order(child: &mut Child) -> bool {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    let told = pid.is_some_and(|pid| kill(Pid::from_raw(pid), Signal::SIGTERM).is_ok());
    let ended = tokio::time::timeout(SHUTDOWN_TIMEOUT, child.wait()).await;
    let _ = child.kill().await;
    told && matches!(ended, Ok(Ok(status)) if status.success())
}

async fn keep_database(
    installation: Arc<Installation>,
    options: ServerOptions,
    mut server: Server,
    mut orders: Orders,
) {
    while let Some((order, done)) = orders.recv().await {
        match order {
            Order::Hang => signal(&server, Signal::SIGSTOP),
            Order::GoOn => signal(&server, Signal::SIGCONT),
            Order::Down => end(&mut server, Signal::SIGKILL).await,
            Order::Stop => {
                end(&mut server, Signal::SIGINT).await;
                let _ = done.send(true);
                return;
            }
            Order::Up => server = start_database(server, &installation, &options).await,
            Order::Kill | Order::DieAt(_) | Order::Restart => {
                end(&mut server, Signal::SIGKILL).await;
                sleep(POLL_INTERVAL).await;
                server = start_database(server, &installation, &options).await;
            }
        }
        let _ = done.send(true);
    }
}

async fn start_database(before: Server, installation: &Installation, options: &ServerOptions) -> Server {
    drop(before);
    loop {
        match Server::start(installation, options.clone()).await {
            Ok(server) => return server,
            Err(error) => crate::say(format!("{error:#}")),
        }
        sleep(POLL_INTERVAL).await;
    }
}

async fn end(server: &mut Server, how: Signal) {
    if let Some(pid) = server.pid().and_then(|pid| i32::try_from(pid).ok()) {
        let _ = kill(Pid::from_raw(pid), how);
    }
    let _ = server.wait().await;
}

/// Tells the server and all its processes.
fn signal(server: &Server, signal: Signal) {
    let Some(pid) = server.pid() else { return };
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    for pid in i32::try_from(pid).into_iter().chain(children) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}
