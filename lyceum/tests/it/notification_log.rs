//! The line that each notification gets on standard output, and who is told although nobody was there to tell it.

use std::{
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use contracts::{
    UserId,
    events::{Event, EventPayload, Registration},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, query, query_scalar};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::system::{
    PASSWORD, Process, SEAL_SECRET, SECRET, System, at_subgraph, free_port, wait_until_ready, workspace,
};

#[test]
fn a_notification_is_one_line_on_standard_output_that_says_nothing_private() {
    let system = System::start(&["--temporary", "--empty"]);
    let user = Uuid::now_v7();
    let event =
        Event::new(EventPayload::UserRegistered(Registration { user_id: UserId(user), name: "Zebedee".to_owned() }));

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let notification: Uuid = runtime.block_on(async {
        let mut db = PgConnection::connect(&system.addresses.databases["notification"]).await.expect("the database");
        query(
            "insert into inbox_events (event_id, type, subject, event) values ($1, 'lyceum.user.registered', $2, $3::jsonb)",
        )
        .bind(event.id)
        .bind(user)
        .bind(serde_json::to_string(&event).expect("JSON"))
        .execute(&mut db)
        .await
        .expect("an event");
        let start = Instant::now();
        loop {
            let found = query_scalar("select id from notifications where user_id = $1").bind(user);
            if let Some(id) = found.fetch_optional(&mut db).await.expect("the database answers") {
                return id;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "no notification");
            sleep(Duration::from_millis(50));
        }
    });

    let output = system.output();
    let lines: Vec<_> = output.lines().filter(|line| line.contains(&user.to_string())).collect();
    let [line] = lines[..] else { panic!("{output}") };
    assert!(line.contains(&notification.to_string()), "{line}");
    assert!(line.contains("Registration"), "{line}");
    assert!(!output.contains("Zebedee"), "{output}");
}

/// identity and notification as processes of their own, which need not run at the same time.
struct Apart {
    bus: String,
    ports: [u16; 2],
    urls: [String; 2],
    keys: TempDir,
    runtime: Runtime,
}

const APART: [&str; 2] = ["identity", "notification"];

impl Apart {
    /// With databases of their own, on the servers of another system.
    fn new(name: &str, bus: String) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let urls = APART.map(|service| {
            let url = &System::shared().addresses.databases[service];
            runtime.block_on(async {
                let mut db = PgConnection::connect(url).await.expect("the server");
                let create = format!("create database {name}");
                query(AssertSqlSafe(create)).execute(&mut db).await.expect("a database");
            });
            format!("{}/{name}", url.rsplit_once('/').expect("a path").0)
        });
        Self { bus, ports: APART.map(|_| free_port()), urls, keys: TempDir::new().expect("a directory"), runtime }
    }

    fn start(&self, index: usize) -> Process {
        let (name, address) = (APART[index], format!("127.0.0.1:{}", self.ports[index]));
        let graphs: Vec<_> = APART
            .iter()
            .zip(self.ports)
            .map(|(name, port)| format!("{name}=http://127.0.0.1:{port}/graphql"))
            .collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lyceum"));
        command
            .args(["subgraph", name, "--listen", &address])
            .current_dir(workspace())
            .env("LYCEUM_SUBGRAPH_SECRET", SECRET)
            .env("LYCEUM_SEAL_SECRET", SEAL_SECRET)
            .env("LYCEUM_SUBGRAPH_URLS", graphs.join(","))
            .env("LYCEUM_JWKS_URL", format!("http://127.0.0.1:{}/.well-known/jwks.json", self.ports[0]))
            .env("LYCEUM_KEYS_DIR", self.keys.path())
            .env("LYCEUM_EVENT_BUS", &self.bus)
            .env(format!("{}_DATABASE_URL", name.to_uppercase()), &self.urls[index])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Process(command.spawn().expect("`lyceum` starts"))
    }

    fn wait_for(&self, index: usize) {
        wait_until_ready(&format!("127.0.0.1:{}", self.ports[index]));
    }

    fn register(&self, name: &str) -> Uuid {
        let identity = at_subgraph("identity", &format!("http://127.0.0.1:{}", self.ports[0]));
        let document = "mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }";
        let input = json!({ "email": format!("{name}@early.example"), "password": PASSWORD, "name": name });
        let user: Value = identity.data(document, json!({ "input": input }))["register"]["user"]["id"].clone();
        user.as_str().expect("an id").parse().expect("a UUID")
    }

    fn count(&self, index: usize, rows: &str) -> i64 {
        self.runtime.block_on(async {
            let mut db = PgConnection::connect(&self.urls[index]).await.expect("the database");
            let statement = format!("select count(*) from {rows}");
            query_scalar(AssertSqlSafe(statement)).fetch_one(&mut db).await.expect("a count")
        })
    }
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_mins(1), "not in time: {what}");
        sleep(Duration::from_millis(50));
    }
}

pub fn nats(port: u16, data: &Path) -> Process {
    let program = std::env::var("NATS_SERVER").unwrap_or_else(|_| "/usr/sbin/nats-server".to_owned());
    let mut command = Command::new(program);
    command.args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"]).arg(data).stderr(Stdio::null());
    Process(command.spawn().expect("`nats-server` starts: Debian has it as a package"))
}

/// Nobody has ever seen the notification service when these people register.
fn welcome_the_early(apart: &Apart) {
    let identity = apart.start(0);
    apart.wait_for(0);
    let people = ["ada", "bea", "cleo"].map(|name| apart.register(name));
    until("the events wait", || apart.count(0, "outbox_events where delivered_at is null") == 3);
    drop(identity);

    let _notification = apart.start(1);
    let _identity = apart.start(0);
    apart.wait_for(1);
    until("all are welcomed", || apart.count(1, "notifications") >= 3);
    until("no event is left", || apart.count(0, "outbox_events where delivered_at is null") == 0);

    for person in people {
        let own = format!("notifications where user_id = '{person}' and type = 'registration'");
        assert_eq!(apart.count(1, &own), 1);
    }
    assert_eq!(apart.count(1, "notifications"), 3);
}

#[test]
fn people_who_register_while_nobody_can_tell_them_are_welcomed_later() {
    welcome_the_early(&Apart::new("apart_local", "local".to_owned()));
}

#[test]
fn people_who_register_while_nobody_can_tell_them_are_welcomed_later_by_nats() {
    let (port, data) = (free_port(), TempDir::new().expect("a directory"));
    let _nats = nats(port, data.path());

    welcome_the_early(&Apart::new("apart_nats", format!("nats://127.0.0.1:{port}")));
}
