//! Live updates of the running system, followed with the clients that front ends use.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use notification::notification::subject::Subject;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use subgraph_testing::{blocking::Client, transcript};
use uuid::Uuid;

use crate::system::{OTHER_STUDENT, Process, SEAL_SECRET, STUDENT, System, THIRD_STUDENT, free_port, workspace};

const ADDED: &str = "subscription ($after: ID) { notificationAdded(after: $after) { id title user { id name } } }";
pub const TRANSPORTS: [&str; 2] = ["sse", "ws"];

/// A client in a process of its own.
pub struct Follower {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Follower {
    pub fn start(transport: &str, system: &System, token: Option<&str>, after: &Value) -> Self {
        Self::at(&system.addresses.router, transport, token, after)
    }

    fn at(router: &str, transport: &str, token: Option<&str>, after: &Value) -> Self {
        Self::send(router, transport, token, &json!({ "query": ADDED, "variables": { "after": after } }))
    }

    /// Sends any request at all.
    pub fn send(router: &str, transport: &str, token: Option<&str>, request: &Value) -> Self {
        let url = format!("{router}/graphql");
        let mut process = Command::new("node")
            .arg(workspace().join("clients/protocols/follow.mjs"))
            .args([transport, &url, &request.to_string()])
            .env("TOKEN", token.unwrap_or_default())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let lines = BufReader::new(process.stdout.take().expect("its output"));
        Self { process, lines }
    }

    /// The next thing that the client is told.
    pub fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        let told = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line:?}"));
        transcript::answer(&told);
        told
    }

    fn titles(&mut self, count: usize) -> Vec<String> {
        let title = |told: Value| {
            let title = told["next"]["data"]["notificationAdded"]["title"].as_str();
            title.unwrap_or_else(|| panic!("no notification: {told}")).to_owned()
        };
        (0..count).map(|_| title(self.next())).collect()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A database, as the service that writes notifications has it.
pub struct Writer {
    runtime: tokio::runtime::Runtime,
    db: PgConnection,
}

impl Writer {
    pub fn of(system: &System) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let url = &system.addresses.databases["notification"];
        let db = runtime.block_on(PgConnection::connect(url)).expect("the database");
        Self { runtime, db }
    }

    pub fn tell(&mut self, user: Uuid, title: &str) -> Uuid {
        self.tell_of(user, title, None)
    }

    pub fn tell_of(&mut self, user: Uuid, title: &str, subject: Option<Subject>) -> Uuid {
        use notification::notification::{
            Kind,
            store::{NewNotification, insert},
        };
        let new = NewNotification {
            user_id: contracts::UserId(user),
            kind: Kind::Payment,
            title: title.to_owned(),
            body: String::new(),
            subject,
        };
        let told = async {
            let mut tx = self.db.begin().await?;
            let id = insert(&mut tx, new).await.expect("it is inserted");
            tx.commit().await?;
            Ok::<_, sqlx::Error>(id.0)
        };
        self.runtime.block_on(told).expect("it is committed")
    }
}

fn id(visitor: &Client) -> Uuid {
    visitor.data("{ me { id } }", json!({}))["me"]["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_millis()
}

#[test]
fn real_clients_follow_resume_and_see_their_own_alone() {
    let system = System::shared();
    let (student, other) = (system.sign_in(STUDENT), system.sign_in(OTHER_STUDENT));
    let (me, stranger) = (id(&student), id(&other));
    let mut writer = Writer::of(system);

    for transport in TRANSPORTS {
        let start = writer.tell(me, "start");
        let expected: Vec<_> = (0..150).map(|number| format!("{transport} {number}")).collect();
        for title in &expected {
            writer.tell(me, title);
            writer.tell(stranger, "somebody else's");
        }

        let mut follower = Follower::start(transport, system, student.token(), &json!(start));
        assert_eq!(follower.titles(150), expected, "{transport}");

        let mut late = Vec::new();
        for number in 0..20 {
            writer.tell(stranger, "somebody else's");
            writer.tell(me, &format!("live {number}"));
            let written = now();
            let told = follower.next();
            assert_eq!(told["next"]["data"]["notificationAdded"]["title"], format!("live {number}"), "{told}");
            assert_eq!(told["next"]["data"]["notificationAdded"]["user"]["id"], me.to_string());
            late.push(u128::from(told["at"].as_u64().expect("a time")).saturating_sub(written));
        }
        late.sort_unstable();
        eprintln!("live: {transport}: commit to client, in ms: median {}, most {}", late[10], late[19]);
    }
}

#[test]
fn nobody_follows_without_signing_in_and_nobody_from_a_strangers_notification() {
    let system = System::shared();
    let (student, other) = (system.sign_in(STUDENT), system.sign_in(OTHER_STUDENT));
    let foreign = Writer::of(system).tell(id(&other), "somebody else's");

    for transport in TRANSPORTS {
        let anonymous = Follower::start(transport, system, None, &Value::Null).next();
        let from_there = Follower::start(transport, system, student.token(), &json!(foreign)).next();

        assert!(anonymous.to_string().contains("UNAUTHENTICATED"), "{transport}: {anonymous}");
        assert!(from_there.to_string().contains("BAD_USER_INPUT"), "{transport}: {from_there}");
    }
}

#[test]
fn a_user_who_follows_too_much_is_told_so_until_a_stream_has_ended() {
    let system = System::start(&["--temporary", "--seed-scale", "0.01", "--max-subscriptions-per-user", "2"]);
    let student = system.sign_in(STUDENT);
    let me = id(&student);
    let mut writer = Writer::of(&system);
    let (start, _) = (writer.tell(me, "start"), writer.tell(me, "first"));
    let follow = |transport: &str| Follower::start(transport, &system, student.token(), &json!(start));

    let mut open = TRANSPORTS.map(follow);
    for follower in &mut open {
        assert_eq!(follower.titles(1), ["first"]);
    }
    for transport in TRANSPORTS {
        let told = follow(transport).next();
        assert!(told.to_string().contains("RATE_LIMITED"), "{transport}: {told}");
    }
    let other = system.sign_in(OTHER_STUDENT);
    let (theirs, _) = (writer.tell(id(&other), "start"), writer.tell(id(&other), "first"));
    let mut follower = Follower::start("sse", &system, other.token(), &json!(theirs));
    assert_eq!(follower.titles(1), ["first"], "others are not concerned");
    assert_eq!(id(&student), me, "everything else goes on");

    // The client is gone without a word.
    drop(open);
    for transport in TRANSPORTS {
        let begun = Instant::now();
        while follow(transport).next().to_string().contains("RATE_LIMITED") {
            assert!(begun.elapsed() < Duration::from_mins(1), "{transport}: no place was given back");
        }
    }
}

/// A part of the system as a process of its own, which answers at the port that it was given.
fn part(arguments: &[&str], database: Option<&str>, ready: &str) -> Process {
    let mut command = crate::system::lyceum();
    command.args(arguments).env("LYCEUM_DRAIN_SECONDS", "1").stdout(Stdio::null());
    command.stderr(transcript::path("log").map_or_else(Stdio::null, |log| File::create(log).expect("a log").into()));
    if let Some(url) = database {
        command.env("NOTIFICATION_DATABASE_URL", url).env("LYCEUM_SEAL_SECRET", SEAL_SECRET);
    }
    let mut process = Process(command.spawn().expect("`lyceum` starts"));
    let begun = Instant::now();
    while !reqwest::blocking::get(ready).is_ok_and(|answer| answer.status().is_success()) {
        assert!(process.0.try_wait().expect("it can be asked").is_none(), "{arguments:?} has ended");
        assert!(begun.elapsed() < Duration::from_mins(1), "{arguments:?} is not ready");
        std::thread::sleep(Duration::from_millis(50));
    }
    process
}

#[test]
fn processes_apart_pass_live_updates_on_signed() {
    let system = System::shared();
    // Other tests write to the others.
    let student = system.sign_in(THIRD_STUDENT);
    let me = id(&student);
    let [subgraph, router] = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
    let notification = format!("http://{subgraph}/graphql");
    let urls = system.addresses.subgraphs.iter().map(|(name, url)| match name.as_str() {
        "notification" => format!("{name}={notification}"),
        _ => format!("{name}={url}"),
    });
    let urls = urls.collect::<Vec<_>>().join(",");
    let jwks = system.addresses.jwks.as_str();

    let database = system.addresses.databases["notification"].as_str();
    let mut subgraph_process = part(
        &["subgraph", "notification", "--listen", &subgraph, "--jwks-url", jwks],
        Some(database),
        &format!("http://{subgraph}/ready"),
    );
    let port = router.rsplit(':').next().expect("a port");
    let _router = part(
        &["router", "--router-port", port, "--subgraph-urls", &urls, "--jwks-url", jwks],
        None,
        &format!("http://{router}/ready"),
    );

    let mut writer = Writer::of(system);
    let start = writer.tell(me, "start");
    for transport in TRANSPORTS {
        writer.tell(me, &format!("before {transport}"));
        let mut follower = Follower::at(&format!("http://{router}"), transport, student.token(), &json!(start));
        let before = if transport == "sse" { 1 } else { 3 };
        follower.titles(before);
        writer.tell(me, &format!("live {transport}"));
        assert_eq!(follower.titles(1), [format!("live {transport}")]);
    }

    let mut open = TRANSPORTS.map(|of| Follower::at(&format!("http://{router}"), of, student.token(), &json!(start)));
    for follower in &mut open {
        follower.titles(4);
    }
    let pid = subgraph_process.0.id().try_into().expect("a process id");
    kill(Pid::from_raw(pid), Signal::SIGTERM).expect("it runs");
    for follower in &mut open {
        let end = follower.next();
        assert_eq!(end["next"]["errors"][0]["extensions"]["code"], "SERVICE_UNAVAILABLE", "{end}");
    }
    assert_eq!(subgraph_process.0.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_stream_ends_with_its_token_and_the_system_stops_in_time() {
    let mut system = System::start(&["--temporary", "--seed-scale", "0.01", "--access-token-seconds", "8"]);
    let student = system.sign_in(STUDENT);

    for mut follower in TRANSPORTS.map(|of| Follower::start(of, &system, student.token(), &Value::Null)) {
        let end = follower.next();
        let after_it = follower.next();

        assert!(end["next"].to_string().contains("UNAUTHENTICATED"), "{end}");
        assert_eq!(after_it, json!({ "complete": true }));
    }

    let student = system.sign_in(STUDENT);
    let (me, mut writer) = (id(&student), Writer::of(&system));
    let (start, _) = (writer.tell(me, "start"), writer.tell(me, "first"));
    let mut open = TRANSPORTS.map(|of| Follower::start(of, &system, student.token(), &json!(start)));
    for follower in &mut open {
        assert_eq!(follower.titles(1), ["first"]);
    }
    let asked = Instant::now();
    assert_eq!(system.stop(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    for follower in &mut open {
        let end = follower.next();
        assert!(end.to_string().contains("SERVICE_UNAVAILABLE") || end["code"] == 1001, "{end}");
    }
}
