//! One client takes so many plain connections, and leaves all others theirs.

use std::{num::NonZeroU32, time::Duration};

use futures::future::join_all;
use router::{ClientAddressSettings, LiveSettings};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::{sleep, timeout},
};

use crate::{
    support::{App, Options, Own, Transport, claims, sign},
    websocket::ready,
};

const PATIENCE: Duration = Duration::from_mins(1);
const REQUEST: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn limited(connections: u32, client_address: ClientAddressSettings) -> Own {
    let connections_per_client = NonZeroU32::new(connections).expect("more than none");
    let live = LiveSettings { connections_per_client, ..LiveSettings::default() };
    App::own(Transport::InProcess, Options { client_address, live, ..Options::default() })
}

/// Whether something is answered on it, rather than that it is closed.
async fn is_answered(stream: &mut TcpStream) -> bool {
    let mut first = [0; 12];
    let asked = async {
        stream.write_all(REQUEST).await?;
        stream.read_exact(&mut first).await
    };
    timeout(PATIENCE, asked).await.expect("in time").is_ok() && &first == b"HTTP/1.1 200"
}

async fn connect(app: &App, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(from.parse().expect("an address")).expect("all of 127.0.0.0/8 is this machine's");
    socket.connect(app.address()).await.expect("a connection")
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_too_many_is_closed_at_once_and_others_go_on() {
    let Own { app, stop, runtime: _runtime, .. } = limited(3, ClientAddressSettings::default());
    let mut open = join_all((0..3).map(|_| connect(&app, "127.0.0.1:0"))).await;
    for stream in &mut open {
        assert!(is_answered(stream).await);
    }

    for _ in 0..20 {
        let mut refused = connect(&app, "127.0.0.1:0").await;
        let mut nothing = [0];
        let end = timeout(PATIENCE, refused.read(&mut nothing)).await.expect("in time");
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    }
    assert!(is_answered(&mut connect(&app, "127.0.0.2:0").await).await, "another client");

    open.pop();
    let again = async {
        while !is_answered(&mut connect(&app, "127.0.0.1:0").await).await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, again).await.expect("the place is free again");
    stop.cancel();
}

#[tokio::test]
async fn what_is_live_does_not_count() {
    let Own { app, stop, runtime: _runtime, .. } = limited(2, ClientAddressSettings::default());
    let token = sign(&claims());

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

    assert_eq!(app.query("{ courses { id } }").await.code(), "");
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
