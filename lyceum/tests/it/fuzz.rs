//! Requests that are broken in every way that a program thinks of, over POST, GET and WebSocket, beside somebody whose
//! requests carry a marker. Each is told what is wrong with it, or answered; nobody else's marker is in an answer or in
//! the log; and memory does not grow with them.
//!
//! `LYCEUM_FUZZ_REQUESTS` says how many, `LYCEUM_FUZZ_SEED` which.

use std::{
    collections::BTreeMap,
    env,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{SinkExt as _, StreamExt as _, future::join_all};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use reqwest::{
    Client, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Value, json};
use tokio::{net::TcpStream, runtime::Runtime, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Message,
        client::IntoClientRequest as _,
        http::HeaderValue,
        protocol::frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

use crate::system::{STUDENT, System, documents};

const REQUESTS: usize = 6_000;
const SEED: u64 = 12;
/// Of each transport: POST, GET and WebSocket.
const WORKERS: u64 = 6;
const OTHERS: usize = 4;
/// What others send, in documents, variables, tokens and headers.
const MARKER: &str = "mark-of-another-client-5c2e";
/// Longer addresses are not for the graph to refuse.
const MAX_ADDRESS_BYTES: usize = 12_000;
const MAX_BODY_BYTES: usize = 200_000;
const TIMEOUT: Duration = Duration::from_secs(30);
/// What comes of a request that this process has not got the time to send.
const TOO_SLOW: &str = "408";
/// What the caches of the router may take, and what an allocator keeps: far less than 100,000 requests that leave something.
const MAX_GROWTH_BYTES: u64 = 384 * 1024 * 1024;

/// Each kind of token, each kind of definition, and values of each kind.
const DOCUMENT: &str = r#"query Q($f: CourseFilter = { search: "a \"b\" \u00e9", isFree: true }, $s: Boolean! = true, $n: Int = 3, $x: ID) {
  one: courses(filter: $f, first: $n, orderBy: NEWEST) @include(if: $s) { totalCount } # a comment
  two: courses(filter: { search: """a "block" of text""", level: null }, first: 2) @skip(if: false) { nodes { ...Title } }
  ... on Query { me { id name enrollments(first: 1) { nodes { id course { title } } } } }
  id: course(id: "018f4d4e-0000-7000-8000-00000000000a") { id: title teacher { name } enrollmentCount }
}
fragment Title on Course { title price description }
"#;

const VARIABLES: &str =
    r#"{ "f": { "search": "ab\u00e9", "isFree": false, "level": "BEGINNER" }, "s": true, "n": 2, "x": "1" }"#;

/// What is put somewhere: tokens, bytes that are no text, and beginnings that have no end.
const PIECES: [&[u8]; 34] = [
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\xa6\x80",
    b"\xe2\x80\xa8",
    b"\\ud800",
    b"\\udc00\\ud800",
    b"\\u{110000}",
    b"\\u12",
    b"\"",
    b"\"\"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b"$",
    b"@",
    b"...",
    b"! !",
    b":",
    b"#",
    b"|",
    b"-",
    b"1e",
    b"0x1",
    b"999999999999999999999999999999",
    b"1e400",
    b"null",
    b"\r",
];

/// Values of which a variable or the request itself may be.
const VALUES: [&str; 22] = [
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "2147483648",
    "18446744073709551616",
    "1e400",
    "-1e-400",
    "\"\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "[]",
    "[[[[1]]]]",
    "[null, 1, \"a\"]",
    "{}",
    "{\"search\": 1}",
    "{\"search\": [\"a\"], \"unknown\": {}}",
    "{\"f\": {}}",
    "\"NEWEST\"",
    "{\"isFree\": \"true\"}",
    "[{}, []]",
];

/// Whose fault it is: ours.
const SERVERS_CODES: [&str; 2] = ["INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Transport {
    Post,
    Get,
    Socket,
}

/// A request that may be broken.
struct Input {
    document: Vec<u8>,
    /// JSON, or nearly.
    variables: Vec<u8>,
    name: Option<&'static str>,
    /// What becomes of all of it, once it is put together.
    damage: Option<Damage>,
}

/// Something done to bytes, at a place that is so many parts in 65,535 of their length.
#[derive(Clone, Copy)]
enum Damage {
    Cut(u16),
    Change(u16, u8),
    Insert(u16, &'static [u8]),
    Remove(u16, usize),
    Double(u16, usize),
    Nest(u16, &'static str, usize),
}

/// What has come of all requests.
#[derive(Default)]
struct Tally {
    sent: AtomicUsize,
    outcomes: Mutex<BTreeMap<(Transport, String), usize>>,
}

#[test]
fn broken_requests_are_answered_beside_others_and_leave_nothing() {
    let requests = setting("LYCEUM_FUZZ_REQUESTS").unwrap_or(REQUESTS);
    let seed = setting("LYCEUM_FUZZ_SEED").unwrap_or(SEED);
    let system = System::start(&["--temporary", "--access-token-seconds", "86400"]);
    let token = system.sign_in(STUDENT).token().expect("a token").to_owned();
    let runtime = Runtime::new().expect("a runtime");
    let tally = Tally::default();

    let before = system.resident_bytes();
    let warm = runtime.block_on(run(&system, &token, seed, requests / 4, &tally)).max(before);
    let after = runtime.block_on(run(&system, &token, seed + 1_000, requests - requests / 4, &tally));

    let log = system.log();
    assert!(!log.contains(MARKER), "the log has {:?}", log.lines().find(|line| line.contains(MARKER)));
    let loud: Vec<_> = log.lines().filter(|line| line.contains("ERROR") || line.contains("panicked")).take(5).collect();
    assert!(loud.is_empty(), "{loud:#?}");
    tally.report(before, warm, after);
    assert!(tally.of(TOO_SLOW) <= requests / 1_000, "the machine is too busy for this test");
    assert!(after < warm + MAX_GROWTH_BYTES, "memory grew from {warm} to {after} bytes");
}

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    env::var(name).ok().map(|text| text.parse().ok().unwrap_or_else(|| panic!("{name} is no number: {text}")))
}

/// Sends so many, beside the others; the memory that the system has afterwards.
async fn run(system: &System, token: &str, seed: u64, requests: usize, tally: &Tally) -> u64 {
    let is_over = AtomicBool::new(false);
    let others = join_all((0..OTHERS).map(|number| send_the_marker(system, token, number, &is_over)));
    let share = requests / usize::try_from(WORKERS * 3).expect("a few") + 1;
    let workers = (0..WORKERS).flat_map(|worker| {
        [Transport::Post, Transport::Get, Transport::Socket].map(|transport| {
            let random = StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(worker * 3 + transport as u64));
            Worker { system, token, transport, random, tally, client: Client::new(), socket: None }.work(worker, share)
        })
    });
    let broken = async {
        join_all(workers).await;
        is_over.store(true, Ordering::Relaxed);
    };
    let (sent, ()) = tokio::join!(others, broken);
    assert!(sent.iter().sum::<usize>() > requests / 100, "the others send, too: {sent:?}");
    system.resident_bytes()
}

impl Tally {
    fn count(&self, transport: Transport, outcome: &str) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        *self.outcomes.lock().expect("no panic").entry((transport, outcome.to_owned())).or_default() += 1;
    }

    fn of(&self, outcome: &str) -> usize {
        let outcomes = self.outcomes.lock().expect("no panic");
        outcomes.iter().filter(|((_, known), _)| known == outcome).map(|(_, count)| count).sum()
    }

    fn report(&self, before: u64, warm: u64, after: u64) {
        let outcomes = self.outcomes.lock().expect("no panic");
        let of: Vec<_> =
            outcomes.iter().map(|((transport, outcome), count)| format!("{transport:?} {outcome} {count}")).collect();
        let megabytes = [before, warm, after].map(|bytes| bytes / 1024 / 1024);
        eprintln!(
            "fuzz: {} requests; resident MB {megabytes:?}\n  {}",
            self.sent.load(Ordering::Relaxed),
            of.join("\n  ")
        );
    }
}

// ---------------------------------------------------------------- what is sent

/// Documents that are right, and what each is broken into first.
fn documents_and_variables() -> Vec<(String, String)> {
    let all = documents().into_iter().filter_map(|file| {
        let document = std::fs::read_to_string(&file).expect("a document");
        // Nothing is changed in the system: it would not be the same for all seeds.
        let is_query = document.lines().any(|line| line.starts_with("query "));
        let variables = std::fs::read_to_string(file.with_extension("variables.json")).unwrap_or("{}".to_owned());
        is_query.then_some((document, variables))
    });
    [(DOCUMENT.to_owned(), VARIABLES.to_owned())].into_iter().chain(all).collect()
}

impl Damage {
    fn random(random: &mut StdRng) -> Self {
        let place = random.random();
        match random.random_range(0..9) {
            0 => Self::Cut(place),
            1..=3 => Self::Change(place, random.random()),
            4 | 5 => Self::Insert(place, PIECES[random.random_range(0..PIECES.len())]),
            6 => Self::Remove(place, random.random_range(1..12)),
            7 => Self::Double(place, random.random_range(1..60)),
            _ => {
                let nests = ["{", "[", "{a", "{\"a\":", "...{", "(a:[", "{a:", "[{", "\"\"\"", "query Q{a"];
                let most = [10, 100, 1_000, 30_000][random.random_range(0..4)];
                Self::Nest(place, nests[random.random_range(0..nests.len())], random.random_range(1..most))
            }
        }
    }

    fn apply(self, bytes: &mut Vec<u8>) {
        let at = |place: u16, bytes: &Vec<u8>| bytes.len() * usize::from(place) / usize::from(u16::MAX);
        match self {
            Self::Cut(place) => bytes.truncate(at(place, bytes)),
            Self::Change(place, byte) => {
                let at = at(place, bytes);
                bytes.splice(at..(at + 1).min(bytes.len()), [byte]);
            }
            Self::Insert(place, piece) => drop(bytes.splice(at(place, bytes)..at(place, bytes), piece.iter().copied())),
            Self::Remove(place, length) => {
                let at = at(place, bytes);
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Self::Double(place, length) => {
                let at = at(place, bytes);
                let again = bytes[at..(at + length).min(bytes.len())].to_vec();
                bytes.splice(at..at, again);
            }
            Self::Nest(place, text, times) => {
                let at = at(place, bytes);
                bytes.splice(at..at, text.repeat(times).into_bytes());
            }
        }
    }
}

impl Input {
    /// The first ones cut and change the document at each byte; the rest is random.
    fn new(number: usize, right: &[(String, String)], random: &mut StdRng) -> Self {
        let mut input = Self { document: DOCUMENT.into(), variables: VARIABLES.into(), name: None, damage: None };
        if number < DOCUMENT.len() {
            input.document.truncate(number);
            return input;
        }
        if number < 2 * DOCUMENT.len() {
            input.document[number - DOCUMENT.len()] = random.random();
            return input;
        }
        let (document, variables) = &right[random.random_range(0..right.len())];
        (input.document, input.variables) = (document.clone().into(), variables.clone().into());
        for _ in 0..random.random_range(0..4) {
            Damage::random(random).apply(&mut input.document);
        }
        match random.random_range(0..6) {
            0 => Damage::random(random).apply(&mut input.variables),
            1 => input.variables = VALUES[random.random_range(0..VALUES.len())].into(),
            2 => input.spoil_a_variable(random),
            _ => {}
        }
        input.name = [None, Some("Q"), Some(""), Some("\u{0}"), Some("Nobody")][random.random_range(0..5)];
        input.damage = (random.random_range(0..4) == 0).then(|| Damage::random(random));
        input.document.truncate(MAX_BODY_BYTES);
        input
    }

    fn spoil_a_variable(&mut self, random: &mut StdRng) {
        let Ok(Value::Object(variables)) = serde_json::from_slice(&self.variables) else { return };
        let chosen = random.random_range(0..variables.len().max(1));
        let spoiled = variables.iter().enumerate().map(|(index, (name, value))| {
            let value = if index == chosen {
                VALUES[random.random_range(0..VALUES.len())].to_owned()
            } else {
                value.to_string()
            };
            format!("{}:{value}", json!(name))
        });
        self.variables = format!("{{{}}}", spoiled.collect::<Vec<_>>().join(",")).into_bytes();
    }

    /// As JSON would be: what is no text stays so.
    fn payload(&self) -> Vec<u8> {
        let mut payload = b"{\"query\":\"".to_vec();
        for byte in &self.document {
            match byte {
                b'"' | b'\\' => payload.extend([b'\\', *byte]),
                0..0x20 => payload.extend(format!("\\u{byte:04x}").into_bytes()),
                _ => payload.push(*byte),
            }
        }
        payload.extend(b"\",\"variables\":");
        payload.extend(&self.variables);
        if let Some(name) = self.name {
            payload.extend(format!(",\"operationName\":{}", json!(name)).into_bytes());
        }
        payload.push(b'}');
        payload
    }

    fn body(&self) -> Vec<u8> {
        let mut body = self.payload();
        self.damage.into_iter().for_each(|damage| damage.apply(&mut body));
        body
    }

    fn address(&self) -> Option<String> {
        let name = self.name.map(|name| ("operationName", name.as_bytes()));
        let parameters = [("query", self.document.as_slice()), ("variables", self.variables.as_slice())];
        let escape = |byte: &u8| format!("%{byte:02x}").into_bytes();
        let escaped = parameters.into_iter().chain(name).map(|(name, value)| {
            let value: Vec<_> = value.iter().flat_map(escape).collect();
            [name.as_bytes(), b"=", &value].concat()
        });
        let mut address = escaped.collect::<Vec<_>>().join(&b'&');
        self.damage.into_iter().for_each(|damage| damage.apply(&mut address));
        // A client's library sends no other letters.
        address.retain(|byte| byte.is_ascii_alphanumeric() || b"%=&-._~+".contains(byte));
        (address.len() < MAX_ADDRESS_BYTES).then(|| String::from_utf8(address).expect("it is ASCII"))
    }

    fn message(&self, id: usize) -> Vec<u8> {
        let mut message = format!("{{\"type\":\"subscribe\",\"id\":\"{id}\",\"payload\":").into_bytes();
        message.extend(self.payload());
        message.push(b'}');
        self.damage.into_iter().for_each(|damage| damage.apply(&mut message));
        message
    }
}

// ---------------------------------------------------------------- who sends it

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Worker<'a> {
    system: &'a System,
    token: &'a str,
    transport: Transport,
    random: StdRng,
    tally: &'a Tally,
    client: Client,
    socket: Option<Socket>,
}

impl Worker<'_> {
    async fn work(mut self, worker: u64, requests: usize) {
        let right = documents_and_variables();
        // What is cut at each byte is shared out among the workers.
        let first = usize::try_from(worker).expect("a few") * requests;
        for number in first..first + requests {
            let input = Input::new(number, &right, &mut self.random);
            let outcome = match self.transport {
                Transport::Post => self.post(&input).await,
                Transport::Get => self.get(&input).await,
                Transport::Socket => self.say(&input, number).await,
            };
            self.tally.count(self.transport, &outcome);
        }
    }

    fn endpoint(&self) -> String {
        format!("{}/graphql", self.system.addresses.router)
    }

    async fn post(&mut self, input: &Input) -> String {
        let body = input.body();
        let accept = ["application/json", "application/graphql-response+json"][self.random.random_range(0..2)];
        let mut request =
            self.client.post(self.endpoint()).header(CONTENT_TYPE, "application/json").header(ACCEPT, accept);
        if self.random.random() {
            request = request.bearer_auth(self.token);
        }
        http(request.body(body.clone()), &body).await
    }

    async fn get(&mut self, input: &Input) -> String {
        let Some(address) = input.address() else { return "too long to be sent".to_owned() };
        let request = self.client.get(format!("{}?{address}", self.endpoint())).header("x-lyceum-csrf", "1");
        http(request.header(ACCEPT, "application/json"), address.as_bytes()).await
    }

    async fn say(&mut self, input: &Input, id: usize) -> String {
        let message = input.message(id);
        let is_intact = input.damage.is_none() && serde_json::from_slice::<Value>(&message).is_ok();
        if self.socket.is_none() {
            self.socket = Some(connect(&self.endpoint()).await);
        }
        let socket = self.socket.as_mut().expect("it is connected");
        let frame = Frame::message(message.clone(), OpCode::Data(Data::Text), true);
        let ping = Message::text(json!({ "type": "ping" }).to_string());
        let sent = async { socket.send(Message::Frame(frame)).await.is_ok() && socket.send(ping).await.is_ok() };
        let outcome = if sent.await { hear(socket, &message, is_intact.then_some(id)).await } else { None };
        // What is still under way on a connection would be taken for the answer to what comes next.
        if outcome.is_none() || !is_intact {
            self.socket = None;
        }
        outcome.unwrap_or_else(|| "closed".to_owned())
    }
}

async fn http(request: reqwest::RequestBuilder, sent: &[u8]) -> String {
    let response = timeout(TIMEOUT, request.send()).await.expect("in time").expect("the router answers");
    let status = response.status();
    let headers = format!("{:?}", response.headers());
    let body = timeout(TIMEOUT, response.bytes()).await.expect("in time").expect("the answer is whole");
    if status == StatusCode::REQUEST_TIMEOUT {
        // It took this process 10 seconds to send it.
        return TOO_SLOW.to_owned();
    }
    let sent = String::from_utf8_lossy(sent);
    let text = str::from_utf8(&body).unwrap_or_else(|_| panic!("the answer to {sent:?} is no text: {body:?}"));
    assert!(!text.contains(MARKER) && !headers.contains(MARKER), "{sent:?}: {headers} {text}");
    assert!(!status.is_server_error(), "{sent:?}: {status} {text}");
    let answer: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("{sent:?}: {status} {text:?}"));
    let code = check(&answer, &sent);
    assert!(status == StatusCode::OK || !code.is_empty(), "{sent:?}: {status} {text}");
    format!("{} {code}", status.as_u16())
}

/// The code of the first error, all of which are a client's.
fn check(answer: &Value, sent: &str) -> String {
    let errors = answer["errors"].as_array().map_or(&[][..], Vec::as_slice);
    assert!(!errors.is_empty() || answer["data"].is_object(), "{sent:?}: {answer}");
    for error in errors {
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        assert!(!code.is_empty() && !SERVERS_CODES.contains(&code), "{sent:?}: {answer}");
        assert!(error["message"].is_string(), "{sent:?}: {answer}");
    }
    errors.first().map_or_else(String::new, |error| error["extensions"]["code"].as_str().unwrap_or_default().to_owned())
}

async fn connect(endpoint: &str) -> Socket {
    let mut request = endpoint.replace("http://", "ws://").into_client_request().expect("a request");
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
    let (mut socket, _) = connect_async(request).await.expect("a connection");
    socket.send(Message::text(json!({ "type": "connection_init" }).to_string())).await.expect("it is sent");
    let first = timeout(TIMEOUT, socket.next()).await.expect("in time").expect("a message").expect("a message");
    assert!(first.to_text().expect("text").contains("connection_ack"), "{first:?}");
    socket
}

/// What comes of a message: until that operation is over, if it has become one, and otherwise until the connection is seen
/// to live on. Nothing if it has been closed.
async fn hear(socket: &mut Socket, sent: &[u8], operation: Option<usize>) -> Option<String> {
    let sent = String::from_utf8_lossy(sent);
    let mut outcome = None;
    loop {
        let message = match timeout(TIMEOUT, socket.next()).await.unwrap_or_else(|_| panic!("{sent:?}: no answer")) {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(_)) => continue,
        };
        assert!(!message.contains(MARKER), "{sent:?}: {message}");
        let message: Value = serde_json::from_str(&message).unwrap_or_else(|_| panic!("{sent:?}: {message}"));
        match message["type"].as_str() {
            Some("next") => outcome = Some(format!("next {}", check(&message["payload"], &sent))),
            Some("error") => {
                let code = check(&json!({ "errors": message["payload"] }), &sent);
                assert!(!code.is_empty(), "{sent:?}: {message}");
                outcome = Some(format!("error {code}"));
                if operation.is_some() {
                    return outcome;
                }
            }
            Some("complete") if operation.is_some_and(|id| message["id"] == json!(id.to_string())) => return outcome,
            Some("pong") if operation.is_none() => return outcome.or(Some("no operation".to_owned())),
            _ => {}
        }
    }
}

// ---------------------------------------------------------------- somebody else

/// Another client, whose requests are right and wrong, and say the marker wherever one can.
async fn send_the_marker(system: &System, token: &str, number: usize, is_over: &AtomicBool) -> usize {
    let client = Client::new();
    let endpoint = format!("{}/graphql", system.addresses.router);
    let mut socket = connect(&endpoint).await;
    let mut sent = 0;
    while !is_over.load(Ordering::Relaxed) {
        let text = format!("{MARKER}-{number}-{sent}").repeat(1 + sent % 40);
        let body = match sent % 6 {
            0 => json!({ "query": format!("{{ courses(filter: {{ search: {text:?} }}) {{ totalCount }} }}") }),
            1 => {
                json!({ "query": format!("{{ courses(filter: {{ search: {text:?} }} {{ totalCount }} }}"), "variables": { "x": text } })
            }
            2 => {
                json!({ "query": "query($s: String) { courses(filter: { search: $s }) { totalCount } }", "variables": { "s": text } })
            }
            3 => json!({ "query": "query($s: ID!) { course(id: $s) { id } }", "variables": { "s": text } }),
            4 => json!({ "query": format!("{{ {} }}", text.replace('-', "_")), "operationName": text }),
            _ => {
                json!({ "query": "query($s: Int) { courses(first: $s) { totalCount } }", "variables": { "s": [text] } })
            }
        };
        let good = format!("Bearer {token}");
        let wrong = format!("Bearer {MARKER}");
        let authorization = if sent % 3 == 0 { wrong } else { good };
        let request = client.post(&endpoint).header(AUTHORIZATION, authorization).header("x-marker", MARKER);
        let answer = request.json(&body).send().await.expect("the router answers");
        answer.bytes().await.expect("the answer is whole");
        let message = json!({ "type": "subscribe", "id": format!("{MARKER}-{sent}"), "payload": body });
        socket.send(Message::text(message.to_string())).await.expect("it is sent");
        while !is_answered(&mut socket).await {}
        sent += 1;
    }
    sent
}

async fn is_answered(socket: &mut Socket) -> bool {
    let message = timeout(TIMEOUT, socket.next()).await.expect("in time").expect("a message").expect("a message");
    message.to_text().is_ok_and(|text| text.contains(r#""type":"complete""#) || text.contains(r#""type":"error""#))
}
