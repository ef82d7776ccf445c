//! Clients that do nothing hold no connection, at whichever port of a system.

use std::{
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
    runtime::Runtime,
};

use crate::system::{System, authority};

const TIMEOUT: Duration = Duration::from_mins(1);
const CLIENTS: usize = 40;
/// Small, so that an answer does not fit into what nobody reads.
const RECEIVE_BUFFER_BYTES: u32 = 4_096;
const LARGE: &str = "{ courses(first: 100) { nodes { id title description teacher { name courses(first: 20) { nodes { id title description } } } } } }";

#[test]
fn half_a_request_holds_no_connection_at_any_port() {
    let system =
        System::start(&["--temporary", "--empty", "--metrics-listen", "127.0.0.1:0", "--read-timeout-seconds", "1"]);
    let addresses = &system.addresses;
    let metrics = addresses.metrics.as_ref().expect("metrics are served");
    let ports = addresses.subgraphs.values().chain([&addresses.router, metrics]).map(|url| authority(url));

    for port in ports {
        for request in [
            "",
            "POST /graphql HTTP/1.1\r\nHost: local",
            "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
            "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ] {
            assert!(ends(&port, request), "{port}: {request:?}");
        }
    }
}

/// Sends this and no more, and waits for the end of the connection.
fn ends(port: &str, request: &str) -> bool {
    use std::io::{Read as _, Write as _};
    let mut stream = TcpStream::connect(port).expect("a connection");
    stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    stream.write_all(request.as_bytes()).expect("it is sent");
    let ended = stream.read_to_end(&mut Vec::new());
    !ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_nobody_reads_holds_no_connection() {
    let body = json!({ "query": LARGE }).to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    holds_no_connection(request.as_bytes(), b"HTTP/1.1 200");
}

#[cfg(target_os = "linux")]
#[test]
fn messages_that_nobody_reads_hold_no_connection() {
    let upgrade = "GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";
    let init = json!({ "type": "connection_init" });
    let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": LARGE } });
    // It comes after the acknowledgement, in whatever order the router takes them.
    let messages: Vec<u8> = [init, subscribe].iter().flat_map(|message| frame(&message.to_string())).collect();
    holds_no_connection(&[upgrade.as_bytes(), &messages].concat(), b"HTTP/1.1 101");
}

/// A text frame, masked with zeros.
fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a short one").to_be_bytes();
    let head = if text.len() < 126 { vec![0x81, 0x80 | length[1]] } else { vec![0x81, 0xfe, length[0], length[1]] };
    [&head, &[0; 4][..], text.as_bytes()].concat()
}

fn holds_no_connection(request: &[u8], first: &[u8]) {
    let system = System::start(&["--temporary", "--write-timeout-seconds", "1"]);
    let router: SocketAddr =
        authority(&system.addresses.router).replace("localhost", "127.0.0.1").parse().expect("an address");
    let runtime = Runtime::new().expect("a runtime");
    let before = system.open_sockets();

    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            runtime.block_on(async {
                let socket = TcpSocket::new_v4().expect("a socket");
                socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES).expect("a small buffer");
                let mut stream = socket.connect(router).await.expect("a connection");
                stream.write_all(request).await.expect("it is sent");
                let mut read = vec![0; first.len()];
                stream.read_exact(&mut read).await.expect("an answer");
                assert_eq!(read, first);
                stream
            })
        })
        .collect();

    let started = Instant::now();
    while system.open_sockets() > before + CLIENTS / 2 {
        assert!(started.elapsed() < TIMEOUT, "{} connections, {before} before", system.open_sockets());
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(clients);
}
