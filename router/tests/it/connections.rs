//! Limits of one client's plain connections and requests in progress, which leave other clients theirs.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use futures::future::join_all;
use reqwest::StatusCode;
use router::{ClientAddressSettings, LiveSettings};
use serde_json::json;
use subgraph_testing::token;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::{sleep, timeout},
};

use crate::{
    support::{App, Options, Own, Transport, claims, hanging, reply},
    websocket::ready,
};

const TIMEOUT: Duration = Duration::from_mins(1);
const ADDRESS: &str = "x-test-address";
const REQUEST: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn limited(connections: u32, client_address: ClientAddressSettings) -> Own {
    let connections_per_client = NonZeroU32::new(connections).expect("more than none");
    let live = LiveSettings { connections_per_client, ..LiveSettings::default() };
    App::own(Transport::InProcess, Options { client_address, live, ..Options::default() })
}

/// Whether a request on it is answered, rather than the connection closed.
async fn is_answered(stream: &mut TcpStream) -> bool {
    let mut first = [0; 12];
    let asked = async {
        stream.write_all(REQUEST).await?;
        stream.read_exact(&mut first).await
    };
    timeout(TIMEOUT, asked).await.expect("in time").is_ok() && &first == b"HTTP/1.1 200"
}

async fn connect(app: &App, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(from.parse().expect("an address")).expect("all of 127.0.0.0/8 is this machine's");
    socket.connect(app.address()).await.expect("a connection")
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_too_many_is_closed_and_others_go_on() {
    let Own { app, stop, runtime: _runtime, .. } = limited(3, ClientAddressSettings::default());
    let mut open = join_all((0..3).map(|_| connect(&app, "127.0.0.1:0"))).await;
    for stream in &mut open {
        assert!(is_answered(stream).await);
    }

    let one_too_many = async || {
        let mut refused = connect(&app, "127.0.0.1:0").await;
        let mut nothing = [0];
        let end = timeout(TIMEOUT, refused.read(&mut nothing)).await.expect("in time");
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    };
    join_all((0..20).map(|_| one_too_many())).await;
    assert!(is_answered(&mut connect(&app, "127.0.0.2:0").await).await, "another client");

    open.pop();
    let again = async {
        while !is_answered(&mut connect(&app, "127.0.0.1:0").await).await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(TIMEOUT, again).await.expect("the place is free again");
    stop.cancel();
}

#[tokio::test]
async fn what_is_live_does_not_count() {
    let Own { app, stop, runtime: _runtime, .. } = limited(2, ClientAddressSettings::default());
    let token = token(&claims());

    let mut streams = Vec::new();
    for _ in 0..6 {
        let request = app.post().header("accept", "text/event-stream").bearer_auth(&token);
        let mut stream =
            request.json(&json!({ "query": "subscription { ticks(count: -1) }" })).send().await.expect("a stream");
        assert!(stream.chunk().await.expect("it goes on").is_some());
        streams.push(stream);
    }
    let mut sockets = Vec::new();
    for number in 0..6 {
        let mut socket = ready(&app, json!({})).await;
        socket.subscribe(&number.to_string(), "{ courses { id } }").await;
        assert_eq!(socket.hear().await.expect("an answer")["type"], "next");
        sockets.push(socket);
    }

    assert_eq!(app.query("{ courses { id } }").await.error(), None);
    stop.cancel();
}

#[tokio::test]
async fn behind_a_proxy_it_is_the_proxys_to_limit() {
    let header = Some("x-forwarded-for".to_owned());
    let Own { app, stop, runtime: _runtime, .. } =
        limited(1, ClientAddressSettings { header, ..ClientAddressSettings::default() });

    let mut open = join_all((0..10).map(|_| connect(&app, "127.0.0.1:0"))).await;

    for stream in &mut open {
        assert!(is_answered(stream).await);
    }
    stop.cancel();
}

// ---------------------------------------------------------------- requests in progress

/// A second, minus the tolerance of two threads' clocks.
const A_WAIT: Duration = Duration::from_millis(900);

fn one_request_at_a_time() -> Own {
    let live = LiveSettings { requests_per_client: NonZeroU32::MIN, ..LiveSettings::default() };
    let client_address = ClientAddressSettings { header: Some(ADDRESS.to_owned()), ..ClientAddressSettings::default() };
    App::own(Transport::InProcess, Options { client_address, live, ..Options::default() })
}

async fn until_hanging(name: &str) {
    while hanging(name) == 0 {
        sleep(Duration::from_millis(10)).await;
    }
}

/// The response time of another client at this address.
async fn time_to_answer(app: &App, address: &str) -> Duration {
    let started = Instant::now();
    let asked = app.post().header(ADDRESS, address).json(&json!({ "query": "{ me { id } }" }));
    assert_eq!(reply(asked).await.status, StatusCode::OK);
    started.elapsed()
}

#[tokio::test]
async fn a_network_waits_for_its_own_requests_and_others_do_not() {
    let Own { app, stop, runtime: _runtime, .. } = one_request_at_a_time();
    // An unknown document is queued separately.
    time_to_answer(&app, "192.0.2.9").await;
    let query = "query ($name: String!) { echo(value: { text: $name }) }";
    let hangs = |name: &str| json!({ "query": query, "variables": { "name": format!("hang {name}") } });
    for (address, name) in [("192.0.2.8", "unknown yet"), ("192.0.2.1", "known")] {
        let asked = app.post().header(ADDRESS, address).json(&hangs(name));
        tokio::spawn(asked.send());
        timeout(TIMEOUT, until_hanging(name)).await.expect("it hangs");
    }

    let (own, others) = tokio::join!(time_to_answer(&app, "192.0.2.1"), time_to_answer(&app, "192.0.2.2"));

    assert!(own >= A_WAIT, "{own:?}");
    assert!(others < own, "{others:?}, not {own:?}");
    stop.cancel();
}

#[tokio::test]
async fn a_request_that_is_answered_does_not_count_any_more() {
    let Own { app, stop, runtime: _runtime, .. } = one_request_at_a_time();
    let all = async {
        for query in ["{ me { id } }", "{ no }", "mutation { rename(title: \"a\") { title } }", "{"].repeat(25) {
            let asked = app.post().header(ADDRESS, "192.0.2.1").json(&json!({ "query": query }));
            reply(asked).await;
        }
    };

    // If one in four kept its permit, the others would wait for a second each.
    timeout(TIMEOUT, all).await.expect("none waits");
    stop.cancel();
}
