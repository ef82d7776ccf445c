//! Idle clients are disconnected; others are not.

use std::{
    net::SocketAddr,
    num::NonZeroU16,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    response::Response,
    routing::{get, post},
};
use futures::stream;
use service::{ClientTimeouts, http_server::serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// Far more than any timeout under test.
const TIMEOUT: Duration = Duration::from_mins(1);
const SHORT: ClientTimeouts =
    ClientTimeouts { read_seconds: Some(NonZeroU16::MIN), write_seconds: Some(NonZeroU16::MIN) };

/// The number of responses in flight.
#[derive(Clone, Default)]
struct Sending(Arc<AtomicUsize>);

struct Guard(Sending);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Sending {
    fn begin(&self) -> Guard {
        self.0.fetch_add(1, Ordering::SeqCst);
        Guard(self.clone())
    }

    async fn wait_for(&self, count: usize) {
        let reached = async {
            while self.0.load(Ordering::SeqCst) != count {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(TIMEOUT, reached).await.expect("so many answers are being sent");
    }
}

async fn endless(State(sending): State<Sending>) -> Response {
    let pieces = stream::unfold(sending.begin(), |guard| async {
        Some((Ok::<_, std::io::Error>(Bytes::from(vec![b'a'; 65_536])), guard))
    });
    Response::new(Body::from_stream(pieces))
}

async fn echo(body: Bytes) -> Bytes {
    body
}

async fn start(timeouts: ClientTimeouts) -> (SocketAddr, Sending, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (sending, stop) = (Sending::default(), CancellationToken::new());
    let routes = Router::new().route("/endless", get(endless)).route("/echo", post(echo)).with_state(sending.clone());
    tokio::spawn(serve(listener, routes, timeouts, stop.clone()));
    (address, sending, stop)
}

/// Sends this text only, and reads until the connection ends.
async fn send(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(text.as_bytes()).await.expect("it is sent");
    let mut answer = String::new();
    timeout(TIMEOUT, stream.read_to_string(&mut answer)).await.expect("the connection ends").expect("in order");
    answer
}

#[tokio::test]
async fn who_does_not_send_loses_the_connection() {
    let (address, ..) = start(SHORT).await;

    assert_eq!(send(address, "").await, "");
    assert!(!send(address, "POST /echo HTTP/1.1\r\nHost: lo").await.contains(" 200 "));
    let answer = send(address, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let answer = send(address, "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

#[tokio::test]
async fn who_asks_again_keeps_the_connection_until_nothing_is_asked() {
    let (address, ..) = start(SHORT).await;
    let request = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nabcd";

    let answers = send(address, &request.repeat(3)).await;

    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
}

#[tokio::test]
async fn a_body_has_so_much_time_however_it_comes() {
    let (address, ..) = start(SHORT).await;
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream
        .write_all(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n")
        .await
        .expect("it is sent");
    let (mut read, mut write) = stream.split();
    let drip = async {
        while write.write_all(b"a").await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    let mut answer = [0; 12];

    tokio::select! {
        answered = timeout(TIMEOUT, read.read_exact(&mut answer)) => {
            answered.expect("in time").expect("an answer");
        }
        () = drip => panic!("the connection ends without an answer"),
    }

    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_does_not_read_loses_the_connection() {
    let (address, sending, _) = start(SHORT).await;
    let mut clients = Vec::new();
    for _ in 0..12 {
        let mut client = TcpStream::connect(address).await.expect("a connection");
        client.write_all(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("it is sent");
        clients.push(client);
    }
    sending.wait_for(12).await;

    sending.wait_for(0).await;

    drop(clients);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_reads_slowly_keeps_the_connection() {
    let (address, sending, _) = start(SHORT).await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(65_536).expect("a small buffer");
    let mut client = socket.connect(address).await.expect("a connection");
    client.write_all(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("it is sent");
    let mut buffer = vec![0; 65_536];

    for _ in 0..30 {
        sleep(Duration::from_millis(100)).await;
        client.read_exact(&mut buffer).await.expect("there is more");
    }

    sending.wait_for(1).await;
}

#[tokio::test]
async fn what_is_being_answered_at_the_end_is_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let told = stop.clone();
    let slow = move || async move {
        told.cancel();
        tokio::task::yield_now().await;
        "done"
    };
    let served = tokio::spawn(serve(listener, Router::new().route("/", get(slow)), SHORT, stop));

    let answer = send(address, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;

    assert!(answer.ends_with("done"), "{answer}");
    timeout(TIMEOUT, served).await.expect("it ends").expect("no panic");
}
