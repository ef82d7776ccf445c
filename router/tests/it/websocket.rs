//! Operations over a WebSocket: the same as over HTTP, whatever a client sends.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use subgraph_testing::token;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Error, Message, client::IntoClientRequest as _, http::HeaderValue, protocol::frame::coding::CloseCode,
    },
};

use crate::support::{App, claims};

const TIMEOUT: Duration = Duration::from_secs(20);

pub struct Socket(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

/// The options of a handshake.
#[derive(Default)]
pub struct Ask {
    pub protocol: Option<&'static str>,
    pub origin: Option<String>,
}

pub async fn open(app: &App, ask: Ask) -> Result<Socket, Error> {
    let url = app.url("/graphql").replace("http://", "ws://");
    let mut request = url.into_client_request().expect("a request");
    let protocol = ask.protocol.unwrap_or("graphql-transport-ws");
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(protocol));
    if let Some(origin) = ask.origin {
        request.headers_mut().insert("origin", origin.parse().expect("an origin"));
    }
    connect_async(request).await.map(|(socket, _)| Socket(socket))
}

pub async fn ready(app: &App, payload: Value) -> Socket {
    let mut socket = open(app, Ask::default()).await.expect("a connection");
    socket.say(&json!({ "type": "connection_init", "payload": payload })).await;
    assert_eq!(socket.hear().await, Ok(json!({ "type": "connection_ack" })));
    socket
}

impl Socket {
    pub async fn say(&mut self, message: &Value) {
        self.say_text(message.to_string()).await;
    }

    async fn say_text(&mut self, text: String) {
        self.0.send(Message::text(text)).await.expect("it is sent");
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(&json!({ "type": "subscribe", "id": id, "payload": { "query": query } })).await;
    }

    /// The next message, or the close code.
    pub async fn hear(&mut self) -> Result<Value, u16> {
        loop {
            match timeout(TIMEOUT, self.0.next()).await.expect("something comes") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(0, |frame| CloseCode::into(frame.code))),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(0),
            }
        }
    }
}

pub fn bearing(token: &str) -> Value {
    json!({ "authorization": format!("Bearer {token}") })
}

fn mine() -> Value {
    bearing(&token(&claims()))
}

#[tokio::test]
async fn queries_mutations_and_subscriptions_have_their_answers() {
    let app = App::get();
    for payload in [mine(), json!({ "headers": { "Authorization": mine()["authorization"] } })] {
        let mut socket = ready(app, payload).await;

        socket.subscribe("q", "{ me { id } }").await;
        let query = [socket.hear().await, socket.hear().await];
        socket.subscribe("m", "mutation { rename(title: \"by {client}\") { title } }").await;
        let mutation = [socket.hear().await, socket.hear().await];
        socket.subscribe("s", "subscription { ticks }").await;
        let ticks = [socket.hear().await, socket.hear().await, socket.hear().await, socket.hear().await];

        let next = |id: &str, data: Value| Ok(json!({ "type": "next", "id": id, "payload": { "data": data } }));
        let complete = |id: &str| Ok(json!({ "type": "complete", "id": id }));
        assert_eq!(query, [next("q", json!({ "me": { "id": claims().sub } })), complete("q")]);
        assert_eq!(mutation, [next("m", json!({ "rename": { "title": "by 127.0.0.1" } })), complete("m")]);
        let tick = |number| next("s", json!({ "ticks": number }));
        assert_eq!(ticks, [tick(1), tick(2), tick(3), complete("s")]);
    }
}

#[tokio::test]
async fn what_is_rejected_over_http_is_rejected_here() {
    let mut socket = ready(App::get(), json!({})).await;
    let deep = format!("{{ me {} {{ id }} {} }}", "{ friends ".repeat(20), "}".repeat(20));

    for (query, code) in [
        (deep.as_str(), "MAX_DEPTH_EXCEEDED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ a: __typename } mutation B { rename(title: \"x\") { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { a: __typename } mutation B { rename(title: \"x\") { id } }", "BAD_USER_INPUT"),
    ] {
        socket.subscribe("x", query).await;
        let told = socket.hear().await.expect("the connection stays open");

        assert_eq!(told["type"], "error", "{told}");
        assert_eq!(told["payload"][0]["extensions"]["code"], code, "{told}");
    }
    socket.subscribe("x", "{ __typename }").await;
    assert_eq!(socket.hear().await.expect("it goes on")["type"], "next");
}

#[tokio::test]
async fn an_empty_token_is_none() {
    for payload in [
        json!({ "authorization": "" }),
        json!({ "Authorization": " " }),
        json!({ "authorization": null }),
        json!({ "headers": { "Authorization": "" } }),
    ] {
        let mut socket = ready(App::get(), payload).await;

        socket.subscribe("q", "{ me { id } }").await;
        let next = json!({ "type": "next", "id": "q", "payload": { "data": { "me": null } } });
        assert_eq!(socket.hear().await, Ok(next));
    }
}

#[tokio::test]
async fn a_bad_token_is_rejected_at_once() {
    for token in ["Bearer nonsense", "nonsense", "Bearer a\nb"] {
        let mut socket = open(App::get(), Ask::default()).await.expect("a connection");
        socket.say(&json!({ "type": "connection_init", "payload": { "authorization": token } })).await;

        assert_eq!(socket.hear().await, Err(4403), "{token:?}");
    }
}

#[tokio::test]
async fn who_breaks_the_protocol_is_told_how() {
    let init = json!({ "type": "connection_init" }).to_string();
    let ticks = json!({ "type": "subscribe", "id": "1", "payload": { "query": "{ slow }" } }).to_string();
    let brackets = "[".repeat(50_000);
    let nested = format!(r#"{{"type":"subscribe","id":"1","payload":{{"query":"{{a}}","variables":{brackets}"#);
    let cases: [(&[&str], u16); 9] = [
        (&["no JSON"], 4400),
        (&[r#"{"type":"surprise"}"#], 4400),
        (&[r#"["connection_init"]"#], 4400),
        (&[&init, r#"{"type":"subscribe","id":"1"}"#], 4400),
        (&[&brackets], 4400),
        (&[&init, &nested], 4400),
        (&[&ticks], 4401),
        (&[&init, &init], 4429),
        (&[&init, "wait", &ticks, &ticks], 4409),
    ];

    for (messages, code) in cases {
        let mut socket = open(App::get(), Ask::default()).await.expect("a connection");
        for message in messages {
            match *message {
                "wait" => assert!(socket.hear().await.is_ok()),
                text => socket.say_text(text.to_owned()).await,
            }
        }
        let closed = loop {
            if let Err(code) = socket.hear().await {
                break code;
            }
        };

        assert_eq!(closed, code, "{:.80}", messages.join(" "));
    }
    let after_it = App::get().query("{ __typename }").await;
    assert_eq!(after_it.json["data"]["__typename"], "Query", "{after_it:?}");
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_its_connection_alone() {
    let mut socket = ready(App::get(), json!({})).await;

    let _ = socket.0.send(Message::text("x".repeat(5_000_000))).await;

    assert!(socket.hear().await.is_err());
    let after_it = App::get().query("{ __typename }").await;
    assert_eq!(after_it.json["data"]["__typename"], "Query", "{after_it:?}");
}

#[tokio::test]
async fn another_protocol_is_not_spoken() {
    match open(App::get(), Ask { protocol: Some("graphql-ws"), ..Ask::default() }).await {
        Ok(mut socket) => assert_eq!(socket.hear().await, Err(4406)),
        // This client requires a confirmed subprotocol.
        Err(error) => {
            assert!(error.to_string().contains("protocol") || error.to_string().contains("Protocol"), "{error}");
        }
    }
}

/// Some clients look for names of headers letter by letter.
#[tokio::test]
async fn a_handshake_is_answered_as_all_clients_expect() {
    let handshake = "GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                     Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";
    for before in ["", "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
        let mut connection = TcpStream::connect(App::get().address()).await.expect("a connection");
        connection.write_all(format!("{before}{handshake}").as_bytes()).await.expect("it is sent");
        let mut received = String::new();
        let read = async {
            while !received.split_once("HTTP/1.1 101 ").is_some_and(|(_, response)| response.ends_with("\r\n\r\n")) {
                received.push(connection.read_u8().await.expect("the connection stays open").into());
            }
        };
        timeout(TIMEOUT, read).await.expect("it is answered");

        let (earlier, response) = received.split_once("HTTP/1.1 101 Switching Protocols\r\n").expect("a response");
        assert_eq!(earlier.is_empty(), before.is_empty(), "{received}");
        let mut headers: Vec<_> = response.lines().filter(|line| !line.starts_with("Date: ")).collect();
        headers.sort_unstable();
        assert_eq!(
            headers,
            [
                "",
                "Connection: upgrade",
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                "Sec-WebSocket-Protocol: graphql-transport-ws",
                "Upgrade: websocket",
            ]
        );
    }
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_connect() {
    let app = App::get();
    let own = Ask { origin: Some(app.url("")), ..Ask::default() };
    let foreign = Ask { origin: Some("https://elsewhere.example".to_owned()), ..Ask::default() };

    assert!(open(app, own).await.is_ok());
    assert!(matches!(open(app, foreign).await, Err(Error::Http(answer)) if answer.status() == 403));
}

#[tokio::test]
async fn a_connection_has_so_many_operations_at_a_time_and_can_end_them() {
    let mut socket = ready(App::get(), json!({})).await;
    for number in 0..101 {
        socket.subscribe(&number.to_string(), "{ slow }").await;
    }

    let told = socket.hear().await.expect("it stays open");
    for number in 0..100 {
        socket.say(&json!({ "type": "complete", "id": number.to_string() })).await;
    }
    socket.subscribe("0", "{ __typename }").await;

    assert_eq!(told["id"], "100");
    assert_eq!(told["payload"][0]["extensions"]["code"], "RATE_LIMITED");
    assert_eq!(socket.hear().await.expect("it goes on")["type"], "next");
}

#[tokio::test]
async fn a_ping_is_answered() {
    let mut socket = ready(App::get(), json!({})).await;

    socket.say(&json!({ "type": "ping" })).await;

    assert_eq!(socket.hear().await, Ok(json!({ "type": "pong" })));
}

#[tokio::test]
async fn a_slow_client_loses_nothing() {
    let mut socket = ready(App::get(), mine()).await;
    socket.subscribe("s", "subscription { courseAdded(count: 3000) { id title teacher { name } } }").await;

    tokio::time::sleep(Duration::from_secs(1)).await;

    for number in 1..=3000 {
        let told = socket.hear().await.expect("an event");
        assert_eq!(told["payload"]["data"]["courseAdded"]["id"], number.to_string());
    }
    assert_eq!(socket.hear().await, Ok(json!({ "type": "complete", "id": "s" })));
}
