//! Requests that are malformed in every layer, at every port of a system. None of them is an error of ours: whoever
//! watches the log for those must not be woken by a client.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use serde_json::json;

use crate::system::{System, authority};

const TIMEOUT: Duration = Duration::from_secs(30);

const DOCUMENTS: [&str; 16] = [
    "{ __typename { a } }",
    "{",
    "",
    "#",
    "{ nope }",
    "{ me }",
    "{ courses(first: 1) { nodes { id { a } } } }",
    "{ courses(first: \"x\") { nodes { id } } }",
    "{ courses(first: 1e9) { nodes { id } } }",
    "query A { me { id } } query B { me { id } }",
    "query ($a: Int!) { courses(first: $a) { nodes { id } } }",
    "fragment F on Query { ...F } { ...F }",
    "{ ... @defer { me { id } } }",
    "{ _entities(representations: [{}]) { __typename } }",
    "subscription { a: notificationAdded { id } b: notificationAdded { id } }",
    "type Query { a: Int }",
];

const BODIES: [&[u8]; 12] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe",
    br#"{"query":1}"#,
    br#"{"query":"{ me { id } }","variables":[]}"#,
    br#"{"query":"{ me { id } }","operationName":3}"#,
    br#"{"query":"{ me { id } }","extensions":3}"#,
    br#"[{"query":"{ me { id } }"}]"#,
    br#"{"query":"query ($f: CourseFilter) { courses(filter: $f) { totalCount } }","variables":{"f":{"search":3}}}"#,
    br#"{"documentId":"nope"}"#,
];

const MEDIA_TYPES: [&str; 5] =
    ["application/json", "text/plain", "application/json; charset=utf-7", "multipart/form-data", ""];

const HEADERS: [&[u8]; 10] = [
    b"Accept: text/event-stream",
    b"Accept: multipart/mixed",
    b"Content-Encoding: gzip",
    b"Content-Encoding: nonsense",
    b"Authorization: Bearer nonsense",
    b"Authorization: Basic \xff",
    b"Traceparent: nonsense",
    b"X-Lyceum-Signature: nonsense",
    b"Upgrade: websocket",
    b"Hive-Expose-Query-Plan: nonsense",
];

const NO_HTTP: [&[u8]; 8] = [
    b"\0\0\0\0\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: loc",
    b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
];

/// The first bytes of frames, masked with zeros.
const FRAMES: [&[u8]; 10] = [
    b"\xff\xff\xff",
    b"\x82\x81\0\0\0\0x",
    b"\x81\x02{}",
    b"\xf1\x82\0\0\0\0{}",
    b"\x83\x80\0\0\0\0",
    b"\x80\x81\0\0\0\0x",
    b"\x01\x81\0\0\0\0{\x81\x81\0\0\0\0}",
    b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
    b"\x88\x81\0\0\0\0\x03",
    b"\x81\x82\0\0\0\0\xff\xfe",
];

#[test]
fn a_malformed_request_is_no_error_of_ours_at_any_port() {
    let mut system = System::start(&["--temporary", "--empty", "--metrics-listen", "127.0.0.1:0"]);
    let addresses = system.addresses.clone();
    let metrics = addresses.metrics.expect("metrics are served");
    let ports: Vec<_> =
        addresses.subgraphs.values().chain([&addresses.router, &metrics]).map(|url| authority(url)).collect();

    for port in &ports {
        for request in requests() {
            send(port, &request);
        }
    }
    for frame in FRAMES {
        send(&authority(&addresses.router), &[UPGRADE, frame].concat());
    }
    for name in addresses.subgraphs.keys() {
        let router = system.subgraph(name);
        for document in DOCUMENTS {
            router.send(document, json!({ "a": [], "f": 3 }));
        }
        for body in BODIES {
            router.post(body);
        }
    }

    system.stop();
    let log = system.log();
    assert!(log.contains("request signature rejected"), "it says what it makes of them: {log}");
    let errors: Vec<_> = log.lines().filter(|line| line.contains(" ERROR ") || line.contains("panicked")).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

const UPGRADE: &[u8] = b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";

fn requests() -> impl Iterator<Item = Vec<u8>> {
    let documents = DOCUMENTS
        .map(|document| post("application/json", b"X: x", json!({ "query": document }).to_string().as_bytes()));
    let bodies = BODIES.into_iter().flat_map(|body| MEDIA_TYPES.map(|media_type| post(media_type, b"X: x", body)));
    let headers = HEADERS.map(|header| post("application/json", header, br#"{"query":"{ me { id } }"}"#));
    let nested = ["{\"a\":", "[", "{\"query\":\"{"]
        .map(|piece| post("application/json", b"X: x", piece.repeat(30_000).as_bytes()));
    let targets =
        ["/events", "/metrics", "/nope", "/%ff%00", "/graphql?query=%7B", "*"].into_iter().flat_map(|target| {
            ["GET", "POST", "PUT", "OPTIONS", "BREW"].map(|method| {
                format!(
                    "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\n{{"
                )
                .into_bytes()
            })
        });
    documents.into_iter().chain(bodies).chain(headers).chain(nested).chain(targets).chain(NO_HTTP.map(<[u8]>::to_vec))
}

fn post(media_type: &str, header: &[u8], body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n",
        body.len()
    );
    [head.as_bytes(), header, b"\r\n\r\n", body].concat()
}

/// Sends it, and nothing more, and waits for the end of the connection.
fn send(port: &str, request: &[u8]) {
    let mut stream = TcpStream::connect(port).expect("a connection");
    stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    // It may be closed before all is sent.
    let _ = stream.write_all(request);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer);
    let is_late = ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(!is_late, "{port} does not end {:?}", String::from_utf8_lossy(&request[..request.len().min(200)]));
}
