//! Shutdown by Ctrl-C, SIGTERM, or a closed terminal.

use std::{io, time::Duration};

use service::Shutdown;
use tokio::{
    io::{AsyncReadExt as _, stdin},
    runtime::Runtime,
    select,
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// A token that is cancelled on a shutdown signal. Must be called within a runtime.
pub fn cancel_on_signal() -> io::Result<CancellationToken> {
    let mut signals = Signals::listen()?;
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        signals.next().await;
        stopping.cancel();
    });
    Ok(stop)
}

/// The shutdown of a serving process. SIGTERM begins with a drain period, since the sender replaces the process; Ctrl-C
/// has none. Must be called within a runtime.
pub fn shutdown_on_signal(drain_period: Duration) -> io::Result<Shutdown> {
    let mut signals = Signals::listen()?;
    let shutdown = Shutdown::default();
    let pending = shutdown.clone();
    tokio::spawn(async move {
        let kind = signals.next().await;
        pending.draining.cancel();
        if kind == SignalKind::terminate() {
            info!(seconds = drain_period.as_secs(), "draining connections before shutdown");
            select! {
                () = sleep(drain_period) => {}
                _ = signals.next() => {}
            }
        }
        pending.stop.cancel();
    });
    Ok(shutdown)
}

/// Also cancels when standard input ends, as it does when the parent process has exited.
pub fn cancel_on_stdin_end(stop: &CancellationToken) {
    let stop = stop.clone();
    tokio::spawn(async move {
        let mut ignored = [0; 64];
        while stdin().read(&mut ignored).await.is_ok_and(|length| length > 0) {}
        stop.cancel();
    });
}

/// Calls [`shutdown_on_signal`] within this runtime.
pub fn shutdown_on_signal_in(runtime: &Runtime, drain_period: Duration) -> io::Result<Shutdown> {
    let _guard = runtime.enter();
    shutdown_on_signal(drain_period)
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> SignalKind {
        select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hang_up.recv() => SignalKind::hangup(),
        }
    }
}
