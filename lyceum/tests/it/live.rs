//! Live updates of the running system, followed with the clients that front ends use.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use subgraph_kit::testing::transcript;
use uuid::Uuid;

use crate::system::{OTHER_STUDENT, STUDENT, System, Visitor, workspace};

const ADDED: &str = "subscription ($after: ID) { notificationAdded(after: $after) { id title user { id name } } }";
const TRANSPORTS: [&str; 2] = ["sse", "ws"];

/// A client in a process of its own.
struct Follower {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Follower {
    fn start(transport: &str, system: &System, token: Option<&str>, after: &Value) -> Self {
        let url = format!("{}/graphql", system.addresses.router);
        let mut process = Command::new("node")
            .arg(workspace().join("lyceum/tests/clients/follow.mjs"))
            .args([transport, &url, ADDED, &json!({ "after": after }).to_string()])
            .env("TOKEN", token.unwrap_or_default())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let lines = BufReader::new(process.stdout.take().expect("its output"));
        Self { process, lines }
    }

    /// The next thing that the client is told.
    fn next(&mut self) -> Value {
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
struct Writer {
    runtime: tokio::runtime::Runtime,
    db: PgConnection,
}

impl Writer {
    fn of(system: &System) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let url = &system.addresses.databases["notification"];
        let db = runtime.block_on(PgConnection::connect(url)).expect("the database");
        Self { runtime, db }
    }

    fn tell(&mut self, user: Uuid, title: &str) -> Uuid {
        use notification::notification::{
            Kind,
            store::{NewNotification, insert},
        };
        let new = NewNotification {
            user_id: subgraph_kit::UserId(user),
            kind: Kind::Payment,
            title: title.to_owned(),
            body: String::new(),
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

fn id(visitor: &Visitor) -> Uuid {
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

        let mut follower = Follower::start(transport, system, Some(student.token()), &json!(start));
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
        let from_there = Follower::start(transport, system, Some(student.token()), &json!(foreign)).next();

        assert!(anonymous.to_string().contains("UNAUTHENTICATED"), "{transport}: {anonymous}");
        assert!(from_there.to_string().contains("BAD_USER_INPUT"), "{transport}: {from_there}");
    }
}

#[test]
fn a_stream_ends_with_its_token_and_the_system_stops_in_time() {
    let mut system = System::start(&["--temporary", "--seed-scale", "0.01", "--access-token-seconds", "8"]);
    let student = system.sign_in(STUDENT);

    for mut follower in TRANSPORTS.map(|of| Follower::start(of, &system, Some(student.token()), &Value::Null)) {
        let end = follower.next();
        let after_it = follower.next();

        assert!(end["next"].to_string().contains("UNAUTHENTICATED"), "{end}");
        assert_eq!(after_it, json!({ "complete": true }));
    }

    let student = system.sign_in(STUDENT);
    let mut open = TRANSPORTS.map(|of| Follower::start(of, &system, Some(student.token()), &Value::Null));
    std::thread::sleep(Duration::from_secs(2));
    let asked = Instant::now();
    assert_eq!(system.stop(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    for follower in &mut open {
        let end = follower.next();
        assert!(end.to_string().contains("SERVICE_UNAVAILABLE") || end["code"] == 1001, "{end}");
    }
}
