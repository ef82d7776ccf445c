//! Allowed hosts, on a real connection: requests of a browser, a proxy or an attacker.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::support::{App, Options, Own, Transport};

const TIMEOUT: Duration = Duration::from_secs(20);
const BODY: &str = r#"{"query":"{ __typename }"}"#;

/// Sends a raw request, and returns the response.
async fn send(app: &App, request: &str) -> String {
    let mut connection = TcpStream::connect(app.address()).await.expect("a connection");
    connection.write_all(request.as_bytes()).await.expect("it is sent");
    let mut answer = Vec::new();
    timeout(TIMEOUT, connection.read_to_end(&mut answer)).await.expect("the router closes").expect("it can be read");
    String::from_utf8(answer).expect("it is text")
}

fn post(target: &str, version: &str, hosts: &[&str]) -> String {
    let hosts = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect::<Vec<_>>().concat();
    let length = BODY.len();
    format!(
        "POST {target} HTTP/{version}\r\n{hosts}Content-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{BODY}"
    )
}

fn get(path: &str, host: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n")
}

fn status(answer: &str) -> u16 {
    answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer}"))
}

#[tokio::test]
async fn a_page_whose_name_was_bound_to_this_machine_gets_nothing() {
    let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                   Sec-WebSocket-Protocol: graphql-transport-ws\r\nOrigin: http://evil.example:4000\r\n";
    let host = "evil.example:4000";
    let requests = [
        post("/graphql", "1.1", &[host]),
        get("/graphql?query=%7B__typename%7D", host, "x-lyceum-csrf: 1\r\n"),
        get("/graphql", host, &upgrade.replace("Upgrade", "Connection: Upgrade\r\nUpgrade")),
        get("/", host, "Accept: text/html\r\n"),
        get("/playground.json", host, ""),
        get("/assets/index-abc123.js", host, ""),
        get("/nothing", host, ""),
    ];

    for request in requests {
        let answer = send(App::get(), &request).await;

        assert_eq!(status(&answer), 421, "{request}\n{answer}");
        for inside in ["__typename", "Query", "samples", "Page", "console"] {
            assert!(!answer.contains(inside), "{request}\n{answer}");
        }
    }
}

#[tokio::test]
async fn the_routers_own_names_are_answered() {
    for host in ["localhost", "LOCALHOST:4000", "localhost.", "127.0.0.1:1", "[::1]:4000", "[0:0::1]"] {
        assert_eq!(status(&send(App::get(), &post("/graphql", "1.1", &[host])).await), 200, "{host}");
    }
    assert_eq!(status(&send(App::get(), &post("/graphql", "1.0", &["localhost"])).await), 200);
    assert_eq!(status(&send(App::get(), &post("http://localhost/graphql", "1.1", &["localhost"])).await), 200);
}

#[tokio::test]
async fn a_request_that_names_no_one_host_is_malformed() {
    let requests = [
        post("/graphql", "1.0", &[]),
        post("/graphql", "1.1", &[]),
        post("/graphql", "1.1", &["localhost", "localhost"]),
        post("/graphql", "1.1", &["localhost", "evil.example"]),
        post("/graphql", "1.1", &["user@localhost"]),
        post("/graphql", "1.1", &["localhost:4000/x"]),
        post("/graphql", "1.1", &["localhost, evil.example"]),
        post("/graphql", "1.1", &[""]),
    ];

    for request in requests {
        assert_eq!(status(&send(App::get(), &request).await), 400, "{request}");
    }
}

#[tokio::test]
async fn a_target_with_another_host_is_misdirected() {
    for (target, host) in [("http://evil.example/graphql", "localhost"), ("http://localhost/graphql", "evil.example")] {
        assert_eq!(status(&send(App::get(), &post(target, "1.1", &[host])).await), 421, "{target} {host}");
    }
    let connect = "CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_ne!(status(&send(App::get(), connect).await), 200);
}

#[tokio::test]
async fn probes_ask_by_address() {
    for path in ["/health", "/readiness", "/ready"] {
        let answer = send(App::get(), &get(path, "10.1.2.3:4000", "")).await;

        assert_eq!(status(&answer), 200, "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_router_behind_a_public_name_answers_for_it() {
    let allowed_hosts = vec!["lyceum.example".parse().expect("a name"), "router".parse().expect("a name")];
    let Own { app, stop, runtime: _runtime, .. } =
        App::own(Transport::InProcess, Options { allowed_hosts, ..Options::default() });

    for host in ["lyceum.example", "Lyceum.Example:443", "router:4000", "localhost"] {
        assert_eq!(status(&send(&app, &post("/graphql", "1.1", &[host])).await), 200, "{host}");
    }
    assert_eq!(status(&send(&app, &post("/graphql", "1.1", &["www.lyceum.example"])).await), 421);
    stop.cancel();
}

#[tokio::test]
async fn a_rejected_host_is_told_how_to_be_allowed() {
    let answer = send(App::get(), &get("/graphql", "lyceum.example", "")).await;

    assert!(answer.contains("LYCEUM_ALLOWED_HOSTS"), "{answer}");
}
