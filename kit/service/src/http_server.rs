//! An HTTP/1 server that times out clients which neither send nor read.

use std::{
    io,
    num::NonZeroU16,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, BodyDataStream, Bytes, HttpBody as _},
    extract::{Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use clap::Args;
use futures::{Stream, StreamExt as _, stream};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;

/// How long a connection may wait for its client.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct ClientTimeouts {
    /// The number of seconds that a client has to send the headers of a request, and then its body. A connection that
    /// is idle for as long is closed, too. Default: 20; for clients of a router, the values of its configuration
    /// (`header_read_timeout`, `body_read_timeout`, `keep_alive`).
    #[arg(long = "read-timeout-seconds", env = "LYCEUM_READ_TIMEOUT_SECONDS", value_name = "SECONDS")]
    pub read_seconds: Option<NonZeroU16>,

    /// The number of seconds after which the connection of a client that does not read its response is closed, live
    /// connections included. Default: 30. On Linux only.
    #[arg(long = "write-timeout-seconds", env = "LYCEUM_WRITE_TIMEOUT_SECONDS", value_name = "SECONDS")]
    pub write_seconds: Option<NonZeroU16>,
}

/// Twice the interval at which routers and subgraphs fetch identity's keys: their connections are not closed between
/// two fetches.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Without a free file descriptor, an immediate retry would fail as well.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(200);

impl ClientTimeouts {
    /// The timeout for the head of a request, and for its body.
    #[must_use]
    pub fn read(self) -> Duration {
        seconds(self.read_seconds).unwrap_or(READ_TIMEOUT)
    }

    /// The timeout for a client that does not read.
    #[must_use]
    pub fn write(self) -> Duration {
        seconds(self.write_seconds).unwrap_or(WRITE_TIMEOUT)
    }
}

fn seconds(setting: Option<NonZeroU16>) -> Option<Duration> {
    setting.map(|seconds| Duration::from_secs(seconds.get().into()))
}

/// Has the kernel close a connection whose client acknowledges nothing for `timeout`, or keeps its receive window
/// closed. Accepted connections inherit it from their listener.
///
/// # Errors
/// If the kernel rejects the socket option.
#[cfg(target_os = "linux")]
pub fn set_write_timeout(socket: &impl std::os::fd::AsFd, timeout: Duration) -> io::Result<()> {
    socket2::SockRef::from(socket).set_tcp_user_timeout(Some(timeout))
}

/// Does nothing: other systems have no such timeout.
#[cfg(not(target_os = "linux"))]
pub fn set_write_timeout(_: &impl std::os::fd::AsFd, _: Duration) -> io::Result<()> {
    Ok(())
}

/// Serves until `stop` is cancelled, then lets the requests in flight finish.
pub async fn serve(listener: TcpListener, routes: Router, timeouts: ClientTimeouts, stop: CancellationToken) {
    let routes = routes.layer(from_fn_with_state(timeouts.read(), limit_body_time));
    let connections = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => drop(connections.spawn(converse(stream, routes.clone(), timeouts, stop.clone()))),
            Err(error) => {
                warn!(%error, "connection not accepted");
                sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn converse(stream: TcpStream, routes: Router, timeouts: ClientTimeouts, stop: CancellationToken) {
    // Not on the listener: connections from before it is set would lack it.
    if set_write_timeout(&stream, timeouts.write()).is_err() {
        return;
    }
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(timeouts.read());
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut connection = pin!(connection);
    select! {
        // Errors on a connection are its client's fault.
        _ = &mut connection => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Limits the total time that a request's body takes.
async fn limit_body_time(State(timeout): State<Duration>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let deadline = Instant::now() + timeout;
    let is_late = Arc::new(AtomicBool::new(false));
    let mark = Arc::clone(&is_late);
    let request = request.map(|body| Body::from_stream(until(deadline, body.into_data_stream(), mark)));
    let response = next.run(request).await;
    if is_late.load(Ordering::Relaxed) { StatusCode::REQUEST_TIMEOUT.into_response() } else { response }
}

fn until(
    deadline: Instant,
    body: BodyDataStream,
    is_late: Arc<AtomicBool>,
) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send + 'static {
    stream::unfold(Some((body, is_late)), move |open| async move {
        let (mut body, is_late) = open?;
        match timeout_at(deadline, body.next()).await {
            Ok(chunk) => chunk.map(|chunk| (chunk, Some((body, is_late)))),
            Err(late) => {
                is_late.store(true, Ordering::Relaxed);
                Some((Err(axum::Error::new(late)), None))
            }
        }
    })
}
