//! Ctrl-C, SIGTERM, and the terminal that is closed.

use tokio::{
    io::{AsyncReadExt as _, stdin},
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

/// Is cancelled when the process is told to stop. To be called within a runtime.
pub fn token() -> std::io::Result<CancellationToken> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut hang_up = signal(SignalKind::hangup())?;
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
        stopping.cancel();
    });
    Ok(stop)
}

/// Also cancels when standard input ends, as it does when the program that started this one is gone.
pub fn with_stdin(stop: &CancellationToken) {
    let stop = stop.clone();
    tokio::spawn(async move {
        let mut ignored = [0; 64];
        while stdin().read(&mut ignored).await.is_ok_and(|length| length > 0) {}
        stop.cancel();
    });
}

/// The same as `token`, for those who are on no runtime.
pub fn on_signal(runtime: &Runtime) -> std::io::Result<CancellationToken> {
    let _guard = runtime.enter();
    token()
}
