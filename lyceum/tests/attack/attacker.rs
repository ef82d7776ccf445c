//! An attacker: a process of its own, which does one thing until its standard input ends, and then says what came of it.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use futures::{SinkExt as _, StreamExt as _};
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::sleep,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::attacks::{Attack, How, Request};

/// Requests in flight.
const AT_A_TIME: usize = 16;
/// Bodies that come byte by byte.
const DRIPS: usize = 200;
const REQUEST_INTERVAL: Duration = Duration::from_millis(20);

/// How often each outcome was: a status and a code, or what happened to a connection.
pub type Tally = BTreeMap<String, u64>;

/// Where it is, and whom it attacks.
#[derive(Clone)]
pub struct Attacker {
    pub from: IpAddr,
    pub router: SocketAddr,
    numbers: Arc<AtomicU64>,
    tally: Arc<Mutex<Tally>>,
}

impl Attacker {
    pub fn new(from: IpAddr, router: SocketAddr) -> Self {
        Self { from, router, numbers: Arc::default(), tally: Arc::default() }
    }

    /// Goes on until standard input ends.
    pub async fn attack(&self, attack: &Attack) -> Result<Tally> {
        let mut tasks = JoinSet::new();
        let number = match attack.how {
            How::Silence { connections, .. } => connections,
            How::Drip => DRIPS,
            _ => AT_A_TIME,
        };
        let client = reqwest::Client::builder().local_address(self.from).timeout(Duration::from_mins(1)).build()?;
        for _ in 0..number {
            let (attacker, client) = (self.clone(), client.clone());
            match attack.how {
                How::Requests(make) => tasks.spawn(async move { attacker.ask(&client, make).await }),
                How::SocketOperations(make) => tasks.spawn(async move { attacker.operate(make).await }),
                How::Silence { bytes, .. } => tasks.spawn(async move { attacker.be_silent(bytes).await }),
                How::Sockets => tasks.spawn(async move { attacker.open_sockets().await }),
                How::Drip => tasks.spawn(async move { attacker.drip().await }),
            };
        }
        tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
        // Where much else runs, the first answer may come late.
        let started = Instant::now();
        while self.tally().is_empty() && started.elapsed() < Duration::from_mins(1) {
            sleep(REQUEST_INTERVAL).await;
        }
        tasks.shutdown().await;
        let tally = self.tally().clone();
        Ok(tally)
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number(&self) -> u64 {
        let IpAddr::V4(from) = self.from else { return 0 };
        u64::from(from.octets()[3]) * 1_000_000 + self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    fn note(&self, outcome: impl Into<String>) {
        *self.tally().entry(outcome.into()).or_default() += 1;
    }

    async fn ask(&self, client: &reqwest::Client, make: fn(u64) -> Request) {
        loop {
            match self.request(client, make(self.number())).await {
                Ok(outcome) => self.note(outcome),
                Err(error) => {
                    self.note(if error.is_timeout() { "no answer" } else { "closed" });
                    sleep(REQUEST_INTERVAL).await;
                }
            }
        }
    }

    async fn request(&self, client: &reqwest::Client, request: Request) -> reqwest::Result<String> {
        let url = format!("http://{}/graphql", self.router);
        if let Some(document) = request.document {
            let get = client.get(url).header("apollo-require-preflight", "1").query(&[("query", document)]);
            return outcome(get.send().await?).await;
        }
        let mut post = client.post(url).header(CONTENT_TYPE, "application/json");
        if request.is_gzip {
            post = post.header(CONTENT_ENCODING, "gzip");
        }
        if let Some(token) = request.token {
            post = post.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        outcome(post.body(request.body).send().await?).await
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(self.from, 0))?;
        socket.connect(self.router).await
    }

    async fn be_silent(&self, bytes: fn() -> Vec<u8>) {
        loop {
            match self.connect().await {
                Ok(mut connection) => {
                    self.note("opened");
                    // Nobody reads, so this may wait for long.
                    let _ = connection.write_all(&bytes()).await;
                    while connection.ready(tokio::io::Interest::READABLE).await.is_ok() && is_open(&connection) {
                        sleep(10 * REQUEST_INTERVAL).await;
                    }
                    self.note("closed");
                }
                Err(_) => self.note("refused"),
            }
            sleep(REQUEST_INTERVAL).await;
        }
    }

    async fn drip(&self) {
        let head = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n{";
        loop {
            if let Ok(mut connection) = self.connect().await {
                self.note("opened");
                let mut sent = connection.write_all(head.as_bytes()).await;
                while sent.is_ok() {
                    sleep(10 * REQUEST_INTERVAL).await;
                    sent = connection.write_all(b" ").await;
                }
                self.note("closed");
            }
            sleep(REQUEST_INTERVAL).await;
        }
    }

    async fn socket(&self) -> Result<WebSocketStream<TcpStream>> {
        let connection = self.connect().await?;
        let mut request = format!("ws://{}/graphql", self.router).into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse()?);
        let (mut socket, _) = client_async(request, connection).await?;
        socket.send(Message::text(json!({ "type": "connection_init" }).to_string())).await?;
        socket.next().await.context("an acknowledgement")??;
        Ok(socket)
    }

    async fn open_sockets(&self) {
        loop {
            if self.socket().await.is_ok() {
                self.note("opened");
            } else {
                self.note("refused");
                sleep(REQUEST_INTERVAL).await;
            }
        }
    }

    async fn operate(&self, make: fn(u64) -> String) {
        loop {
            if self.operate_once(make).await.is_err() {
                self.note("closed");
                sleep(REQUEST_INTERVAL).await;
            }
        }
    }

    /// Until the socket is closed.
    async fn operate_once(&self, make: fn(u64) -> String) -> Result<()> {
        let mut socket = self.socket().await?;
        loop {
            let subscribe = json!({ "id": self.number().to_string(), "type": "subscribe", "payload": { "query": make(self.number()) } });
            socket.send(Message::text(subscribe.to_string())).await?;
            loop {
                let message = socket.next().await.context("an answer")??;
                let Ok(message) = serde_json::from_slice::<Value>(&message.into_data()) else { continue };
                match message["type"].as_str() {
                    Some("ping") => socket.send(Message::text(json!({ "type": "pong" }).to_string())).await?,
                    Some("next") => self.note(format!("socket {}", code(message.to_string().as_bytes()))),
                    Some("error") => {
                        self.note(format!("socket {}", code(message.to_string().as_bytes())));
                        break;
                    }
                    _ => break,
                }
            }
        }
    }
}

/// Without taking what there is to read.
fn is_open(connection: &TcpStream) -> bool {
    let mut buffer = [0; 1];
    let peeked = futures::FutureExt::now_or_never(connection.peek(&mut buffer));
    !matches!(peeked, Some(Ok(0) | Err(_)))
}

/// The status of an answer, and the code of its error.
async fn outcome(answer: reqwest::Response) -> reqwest::Result<String> {
    let status = answer.status().as_u16();
    let bytes = answer.bytes().await?;
    Ok(format!("{status} {}", code(&bytes)).trim_end().to_owned())
}

/// The code of the first error of an answer.
fn code(answer: &[u8]) -> &str {
    let start = &answer[..answer.len().min(4_096)];
    let text = str::from_utf8(start).unwrap_or_default();
    let rest = text.split_once("\"code\":\"").map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default()
}
