//! From the press of the button to the notification: what a purchase takes, and each step after it.
//! Starts the real system and prints figures; CONTRIBUTING.md says how to run it.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/system.rs"]
mod system;

use std::{
    collections::HashMap,
    env,
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread::{sleep, spawn},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use subgraph_testing::blocking::Client;
use tempfile::TempDir;

use crate::system::System;

const PURCHASES: usize = 200;
const WARM_UP: usize = 20;
const REQUEST_INTERVAL: Duration = Duration::from_millis(20);

const COURSES: &str = "query ($after: String) { courses(first: 100, after: $after, filter: { isFree: false }) {
    nodes { id } pageInfo { endCursor hasNextPage } } }";
const REGISTER: &str = "mutation ($input: RegisterInput!) { register(input: $input) {
    session { accessToken } userErrors { message } } }";
const PURCHASE: &str = "mutation ($input: PurchaseCourseInput!) { purchaseCourse(input: $input) {
    payment { status } userErrors { code } } }";
const ADDED: &str = "subscription { notificationAdded { type } }";

fn main() {
    println!("{PURCHASES} purchases, one after the other; milliseconds since the request was sent: p50, p99, most");
    let wanted = |name: &str| env::args().skip(1).all(|argument| argument.starts_with('-') || argument == name);
    if wanted("local") {
        measure("local", &System::start(&["--temporary", "--seed-scale", "0.02"]));
    }
    if wanted("nats") {
        let nats = Nats::start();
        measure("nats", &System::start(&["--temporary", "--seed-scale", "0.02", "--event-bus", &nats.address]));
    }
}

fn measure(bus: &str, system: &System) {
    let buyer = register(&system.anonymous());
    let courses = paid_courses(&buyer);
    let arrivals = listen(&system.addresses.router, buyer.token().expect("a token"));

    let mut figures: HashMap<&str, Vec<Duration>> = HashMap::new();
    for (number, course) in courses.iter().take(WARM_UP + PURCHASES).enumerate() {
        let sent = Instant::now();
        purchase(&buyer, course);
        let mut taken = vec![("answer", sent.elapsed())];
        for _ in 0..2 {
            let (kind, at) = arrivals.recv_timeout(Duration::from_secs(20)).expect("a notification");
            taken.push((if kind == "PAYMENT" { "live: paid" } else { "live: enrolled" }, at - sent));
        }
        if number >= WARM_UP {
            for (step, time) in taken {
                figures.entry(step).or_default().push(time);
            }
        }
        sleep(REQUEST_INTERVAL);
    }
    for step in ["answer", "live: paid", "live: enrolled"] {
        let times = figures.get_mut(step).expect("figures");
        times.sort_unstable();
        let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
        println!("{bus:>6}  {step:<15} {:8.1} {:8.1} {:8.1}", at(50), at(99), at(100));
    }
}

fn register(visitor: &Client) -> Client {
    let input = json!({ "email": "buyer@lyceum.example", "password": system::PASSWORD, "name": "A buyer" });
    let data = visitor.data(REGISTER, json!({ "input": input }));
    visitor.with_token(data["register"]["session"]["accessToken"].as_str().expect("a session"))
}

fn paid_courses(visitor: &Client) -> Vec<String> {
    let mut courses = Vec::new();
    let mut after = Value::Null;
    while courses.len() < WARM_UP + PURCHASES {
        let page = visitor.data(COURSES, json!({ "after": after }))["courses"].take();
        let nodes = page["nodes"].as_array().expect("courses");
        courses.extend(nodes.iter().map(|course| course["id"].as_str().expect("an id").to_owned()));
        after = page["pageInfo"]["endCursor"].clone();
        assert!(page["pageInfo"]["hasNextPage"] == true || courses.len() >= WARM_UP + PURCHASES, "too few courses");
    }
    courses
}

fn purchase(buyer: &Client, course: &str) {
    let input = json!({ "courseId": course, "idempotencyKey": course });
    let data = buyer.data(PURCHASE, json!({ "input": input }));
    assert_eq!(data["purchaseCourse"]["payment"]["status"], "COMPLETED", "{data}");
}

/// The buyer's notifications of purchases, each with the moment at which it arrived.
fn listen(router: &str, token: &str) -> Receiver<(String, Instant)> {
    let http = reqwest::blocking::Client::builder().timeout(None).build().expect("a client");
    let request = http.post(format!("{router}/graphql")).bearer_auth(token).header("accept", "text/event-stream");
    let response = request.json(&json!({ "query": ADDED })).send().expect("a stream");
    assert!(response.status().is_success(), "{}", response.status());
    let (send, arrivals) = channel();
    spawn(move || {
        for line in BufReader::new(response).lines().map_while(Result::ok) {
            let Some(data) = line.strip_prefix("data:") else { continue };
            let Ok(event) = serde_json::from_str::<Value>(data) else { continue };
            let kind = event["data"]["notificationAdded"]["type"].as_str().unwrap_or_default().to_owned();
            if matches!(&*kind, "PAYMENT" | "ENROLLMENT") && send.send((kind, Instant::now())).is_err() {
                return;
            }
        }
    });
    // Until the subscription has reached the table.
    sleep(Duration::from_secs(2));
    arrivals
}

struct Nats {
    process: Child,
    address: String,
    _directory: TempDir,
}

impl Nats {
    fn start() -> Self {
        let directory = TempDir::new().expect("a directory");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr()).expect("a port").port();
        let program = env::var("NATS_SERVER").unwrap_or_else(|_| "nats-server".to_owned());
        let process = Command::new(program)
            .args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"])
            .arg(directory.path())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server starts");
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            sleep(Duration::from_millis(20));
        }
        Self { process, address: format!("nats://127.0.0.1:{port}"), _directory: directory }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
