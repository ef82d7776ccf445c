//! Each part of the system as a process of its own: they start in any order, wait for one another, and stop so that
//! nobody notices.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    thread::{self, sleep},
    time::{Duration, Instant},
};

use embedded_postgres::{Installation, Server, ServerOptions};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;
use sqlx::{Connection as _, PgConnection, query, query_scalar};
use subgraph_testing::{blocking::Client, transcript};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    notification_log::nats,
    system::{PASSWORD, Process, SEAL_SECRET, System, at_subgraph, free_port, lyceum, workspace},
};

const TIMEOUT: Duration = Duration::from_mins(1);
const COURSES: &str = "{ courses { totalCount } }";

/// The addresses that all parts of a system know, before any of them runs.
pub struct Plan {
    /// And the port of each.
    parts: Vec<(&'static str, u16)>,
    pub home: TempDir,
}

/// One part, running.
pub struct Part {
    name: &'static str,
    process: Process,
    pub port: u16,
    pub log: PathBuf,
}

impl Plan {
    pub fn new(parts: &[&'static str]) -> Self {
        let parts = parts.iter().map(|name| (*name, free_port())).collect();
        Self { parts, home: TempDir::new().expect("a directory") }
    }

    pub fn port(&self, name: &str) -> u16 {
        self.parts.iter().find(|(known, _)| *known == name).expect("it is a part").1
    }

    fn command(&self, name: &'static str) -> Command {
        let port = self.port(name).to_string();
        let graphs = self.parts.iter().filter(|(name, _)| *name != "router");
        let graphs: Vec<_> = graphs.map(|(name, port)| format!("{name}=http://127.0.0.1:{port}/graphql")).collect();
        let mut command = lyceum();
        match name {
            "router" => command.args(["router", "--router-port", &port]),
            _ => command
                .args(["subgraph", name, "--listen", &format!("127.0.0.1:{port}")])
                .env("LYCEUM_SEAL_SECRET", SEAL_SECRET),
        };
        command
            .env("LYCEUM_SUBGRAPH_URLS", graphs.join(","))
            .env("LYCEUM_JWKS_URL", format!("http://127.0.0.1:{}/.well-known/jwks.json", self.port("identity")))
            .env("LYCEUM_KEYS_DIR", self.home.path().join("keys"))
            .env("LYCEUM_DRAIN_SECONDS", "1")
            .stdin(Stdio::null());
        command
    }

    /// Over a database that may be away.
    pub fn start(&self, name: &'static str, database: &str, settings: &[(&str, &str)]) -> Part {
        let log = transcript::path("log").unwrap_or_else(|| self.home.path().join(format!("{name}.log")));
        let mut command = self.command(name);
        command.env(format!("{}_DATABASE_URL", name.to_uppercase()), database).envs(settings.iter().copied());
        let output = File::create(&log).expect("a log");
        command.stdout(output.try_clone().expect("a log")).stderr(output);
        let process = Process(command.spawn().expect("`lyceum` starts"));
        Part { name, process, port: self.port(name), log }
    }
}

impl Part {
    /// The status and the `Connection` of an answer; none where nobody takes connections.
    pub fn ask(&self, path: &str) -> Option<(u16, bool)> {
        let answer = reqwest::blocking::get(format!("http://127.0.0.1:{}{path}", self.port)).ok()?;
        let closes = answer.headers().get("connection").is_some_and(|value| value == "close");
        Some((answer.status().as_u16(), closes))
    }

    pub fn status(&self, path: &str) -> Option<u16> {
        self.ask(path).map(|(status, _)| status)
    }

    pub fn is_ready(&self) -> bool {
        self.status("/ready") == Some(200)
    }

    pub fn wait_until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !is_so(self) {
            let log = || fs::read_to_string(&self.log).unwrap_or_default();
            assert!(start.elapsed() < TIMEOUT, "{} is not {what} in time:\n{}", self.name, log());
            sleep(Duration::from_millis(20));
        }
    }

    /// It lives, cannot serve, and says so as soon as it runs.
    pub fn waits(&self) {
        self.wait_until("alive", |part| part.status("/health") == Some(200));
        assert_eq!(self.status("/ready"), Some(503), "{}", self.name);
    }

    pub fn lines_with(&self, text: &str) -> usize {
        let log = fs::read_to_string(&self.log).expect("a log");
        log.lines().filter(|line| line.contains(text)).count()
    }

    pub fn tell(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.0.id().try_into().expect("a process id"));
        kill(pid, signal).expect("it runs");
    }

    /// How it ended.
    pub fn ended(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.process.0.try_wait().expect("it can be asked") {
                return status.code();
            }
            let log = || fs::read_to_string(&self.log).unwrap_or_default();
            assert!(start.elapsed() < TIMEOUT, "{} does not end:\n{}", self.name, log());
            sleep(Duration::from_millis(20));
        }
    }
}

/// A database server that comes and goes, always with the same address.
pub struct Database {
    pub runtime: Arc<Runtime>,
    installation: Arc<Installation>,
    pub options: ServerOptions,
    pub url: String,
    pub running: Option<Server>,
}

impl Database {
    pub fn new(plan: &Plan, names: &[&str]) -> Vec<Self> {
        let runtime = Arc::new(Runtime::new().expect("a runtime"));
        let programs = std::env::var_os("LYCEUM_POSTGRES_BIN").map(Into::into);
        let place = workspace().join(".lyceum");
        let found = runtime.block_on(Installation::find_or_fetch(&place, programs, &|_| {}));
        let installation = Arc::new(found.expect("PostgreSQL is at hand"));
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(plan.home.path(), open).expect("the directory opens");
        let database = |name: &&str| {
            let options = ServerOptions {
                data_dir: plan.home.path().join("databases").join(name),
                port: free_port(),
                database: (*name).to_owned(),
                ephemeral: false,
            };
            let (runtime, installation) = (Arc::clone(&runtime), Arc::clone(&installation));
            let mut database = Self { runtime, installation, options, url: String::new(), running: None };
            database.start();
            database.url = database.running.as_ref().expect("it runs").url();
            database.stop();
            database
        };
        names.iter().map(database).collect()
    }

    pub fn start(&mut self) {
        let started = self.runtime.block_on(Server::start(&self.installation, self.options.clone()));
        self.running = Some(started.expect("it starts"));
    }

    pub fn stop(&mut self) {
        let server = self.running.take().expect("it runs");
        self.runtime.block_on(server.stop()).expect("it stops");
    }
}

#[test]
fn processes_start_in_any_order_and_wait_with_one_line_of_log() {
    let plan = Plan::new(&["router", "course", "identity"]);
    let mut databases = Database::new(&plan, &["course", "identity"]);
    let [course_database, identity_database] = &mut databases[..] else { unreachable!("there are two") };

    let mut router = plan.start("router", "", &[]);
    let mut course = plan.start("course", &course_database.url, &[]);
    router.waits();
    course.waits();
    course_database.start();
    course.wait_until("without keys", |part| part.lines_with("identity's public keys") == 1);
    course.waits();

    // Its keys need no database.
    let mut identity = plan.start("identity", &identity_database.url, &[]);
    router.wait_until("ready", Part::is_ready);
    course.wait_until("ready", Part::is_ready);
    identity.waits();
    let visitor = Client::new(&format!("http://127.0.0.1:{}", router.port));
    assert_eq!(visitor.data(COURSES, json!({}))["courses"]["totalCount"], 0);

    identity_database.start();
    identity.wait_until("ready", Part::is_ready);
    let register = "mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }";
    let input = json!({ "email": "ada@processes.example", "password": PASSWORD, "name": "Ada" });
    assert!(visitor.data(register, json!({ "input": input }))["register"]["user"]["id"].is_string());

    assert_eq!(router.lines_with("waiting for identity's public keys"), 1);
    for part in [&course, &identity] {
        assert_eq!(part.lines_with("waiting for the database"), 1, "{}", part.name);
    }
    for part in [&mut router, &mut course, &mut identity] {
        part.tell(Signal::SIGTERM);
        assert_eq!(part.ended(), Some(0), "{}", part.name);
    }
}

#[test]
fn a_health_check_says_what_is_missing() {
    let plan = Plan::new(&["identity"]);
    let mut database = Database::new(&plan, &["identity"]).remove(0);
    database.start();
    let identity = plan.start("identity", &database.url, &[]);
    identity.wait_until("ready", Part::is_ready);
    let check = || {
        let url = format!("http://127.0.0.1:{}/ready", identity.port);
        lyceum().args(["health", "--url", &url]).output().expect("`lyceum health` runs")
    };
    assert!(check().status.success());

    database.stop();

    let output = check();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("the database does not answer"), "{said}");
}

#[test]
fn a_process_that_waits_can_be_told_to_end() {
    let plan = Plan::new(&["router", "course", "identity"]);

    for mut part in [plan.start("router", "", &[]), plan.start("course", "postgres://lyceum@127.0.0.1:1/course", &[])] {
        part.waits();
        part.tell(Signal::SIGINT);
        assert_eq!(part.ended(), Some(0), "{}", part.name);
    }
}

#[test]
fn what_is_wrong_with_the_settings_ends_a_process_at_once() {
    let url = System::shared().addresses.databases["course"].clone();
    let (server, name) = url.rsplit_once('/').expect("a path");
    let edited = Runtime::new().expect("a runtime").block_on(edited_database(&url));
    let user = url.find('@').expect("a user").min(url.rfind(':').expect("a password"));
    let wrong_password = format!("{}:wrong{}", &url[..url[..user].rfind(':').expect("a password")], &url[user..]);
    let cases = [
        ("nowhere", vec![], "cannot connect to the database of course"),
        (&*wrong_password, vec![], "password authentication failed"),
        (&*format!("{server}/no_such_{name}"), vec![], "does not exist"),
        (&*edited, vec![], "has been modified"),
        (&*url, vec![("LYCEUM_JWKS_URL", "identity:8001")], "is not a valid URL of identity's public keys"),
        (&*url, vec![("LYCEUM_SUBGRAPH_URLS", "identity=nowhere")], "is not a valid URL of identity"),
    ];

    for (database, settings, said) in cases {
        let plan = Plan::new(&["course", "identity"]);
        let mut course = plan.start("course", database, &settings);

        assert_eq!(course.ended(), Some(1), "{said}");
        assert!(course.lines_with(said) > 0, "{}", fs::read_to_string(&course.log).expect("a log"));
    }
}

/// A database with a migration that was applied and is another one by now.
async fn edited_database(url: &str) -> String {
    let mut db = PgConnection::connect(url).await.expect("the server");
    query("create database edited").execute(&mut db).await.expect("a database");
    let url = format!("{}/edited", url.rsplit_once('/').expect("a path").0);
    let pool = sqlx::PgPool::connect(&url).await.expect("the database");
    (course::DEFINITION.migrations)().run(&pool, db::database::Profile::Baseline).await.expect("it is migrated");
    query("update _sqlx_migrations set checksum = '' where version = 1").execute(&pool).await.expect("it is edited");
    pool.close().await;
    url
}

#[test]
fn nats_may_come_later() {
    let plan = Plan::new(&["notification", "identity"]);
    let port = free_port();
    let bus = format!("nats://127.0.0.1:{port}");
    let databases = Database::new(&plan, &["notification", "identity"]);
    let parts: Vec<_> = databases
        .into_iter()
        .zip(["notification", "identity"])
        .map(|(mut database, name)| {
            database.start();
            let started = plan.start(name, &database.url, &[("LYCEUM_EVENT_BUS", &bus)]);
            (database, started)
        })
        .collect();
    for (_, part) in &parts {
        part.wait_until("ready", Part::is_ready);
        part.wait_until("without NATS", |part| part.lines_with("NATS is unavailable") == 1);
    }
    let identity = at_subgraph("identity", &format!("http://127.0.0.1:{}", plan.port("identity")));
    let register = "mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }";
    let input = json!({ "email": "ada@nats.example", "password": PASSWORD, "name": "Ada" });
    identity.data(register, json!({ "input": input }));

    let _nats = nats(port, &plan.home.path().join("nats"));

    parts[0].1.wait_until("telling", |part| part.lines_with("Registration") == 1);
}

/// Holds a table, so that whoever reads it waits.
struct Lock {
    runtime: Runtime,
    db: PgConnection,
}

impl Lock {
    fn on_courses(url: &str) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let db = runtime.block_on(async {
            let mut db = PgConnection::connect(url).await.expect("the database");
            query("begin").execute(&mut db).await.expect("a transaction");
            query("lock table courses in access exclusive mode").execute(&mut db).await.expect("a lock");
            db
        });
        Self { runtime, db }
    }

    /// Waits until so many wait.
    fn wait_for_waiters(&mut self, wanted: i64) {
        let start = Instant::now();
        let count = "select count(*) from pg_locks where not granted and relation = 'courses'::regclass";
        let mut waiting =
            || self.runtime.block_on(query_scalar::<_, i64>(count).fetch_one(&mut self.db)).expect("a count");
        while waiting() < wanted {
            assert!(start.elapsed() < TIMEOUT, "too few wait");
            sleep(Duration::from_millis(10));
        }
    }

    fn release(mut self) {
        self.runtime.block_on(query("commit").execute(&mut self.db)).expect("it is released");
    }
}

/// A system of its own for its databases and its other subgraphs, and before it a course subgraph and a router that can
/// be told to end.
fn course_and_router(settings: &[(&str, &str)]) -> (System, Plan, Part, Part) {
    let system = System::start(&["--temporary", "--seed-scale", "0.01"]);
    let plan = Plan::new(&["router", "course", "identity"]);
    let mut known = vec![("LYCEUM_JWKS_URL", system.addresses.jwks.as_str())];
    known.extend_from_slice(settings);
    let course = plan.start("course", &system.addresses.databases["course"], &known);
    let urls = system.addresses.subgraphs.iter().map(|(name, url)| match name.as_str() {
        "course" => format!("course=http://127.0.0.1:{}/graphql", course.port),
        _ => format!("{name}={url}"),
    });
    let urls = urls.collect::<Vec<_>>().join(",");
    known.push(("LYCEUM_SUBGRAPH_URLS", &urls));
    let router = plan.start("router", "", &known);
    for part in [&course, &router] {
        part.wait_until("ready", Part::is_ready);
    }
    (system, plan, course, router)
}

#[test]
fn a_process_that_is_to_end_says_so_answers_on_and_finishes_what_it_has_begun() {
    let (system, _plan, course, router) = course_and_router(&[]);
    let visitors = [
        Client::new(&format!("http://127.0.0.1:{}", router.port)),
        at_subgraph("course", &format!("http://127.0.0.1:{}", course.port)),
    ];
    for (mut part, visitor) in [router, course].into_iter().zip(visitors) {
        let mut lock = Lock::on_courses(&system.addresses.databases["course"]);
        let asking = thread::spawn({
            let visitor = visitor.clone();
            move || visitor.send(COURSES, json!({}))
        });
        lock.wait_for_waiters(1);

        part.tell(Signal::SIGTERM);
        part.wait_until("leaving", |part| part.ask("/ready") == Some((503, true)));
        assert_eq!(part.ask("/health"), Some((200, true)), "{}", part.name);
        assert_eq!(visitor.data("{ __typename }", json!({})), json!({ "__typename": "Query" }), "{}", part.name);
        part.wait_until("closed", |part| {
            TcpStream::connect(("127.0.0.1", part.port)).is_err() || part.name == "router"
        });
        assert_eq!(part.process.0.try_wait().expect("it can be asked"), None, "{} has something to finish", part.name);
        lock.release();

        let answer = asking.join().expect("an answer");
        assert!(answer["data"]["courses"]["totalCount"].as_i64() > Some(0), "{}: {answer}", part.name);
        assert_eq!(part.ended(), Some(0), "{}", part.name);
    }
}

#[test]
fn what_does_not_finish_is_cut_off_after_a_set_time() {
    let (system, _plan, mut course, _router) = course_and_router(&[("LYCEUM_SHUTDOWN_TIMEOUT_SECONDS", "1")]);
    let visitor = at_subgraph("course", &format!("http://127.0.0.1:{}", course.port));
    let mut lock = Lock::on_courses(&system.addresses.databases["course"]);
    let asking = thread::spawn(move || visitor.send(COURSES, json!({})));
    lock.wait_for_waiters(1);

    course.tell(Signal::SIGTERM);

    assert_eq!(course.ended(), Some(0));
    assert!(asking.join().is_err(), "there was no answer to give");
    assert_eq!(course.lines_with("shutdown timeout reached, work in progress is cut off"), 1);
}

#[test]
fn a_connection_that_stays_silent_during_the_notice_is_not_missed() {
    let (_system, _plan, mut course, _router) = course_and_router(&[]);
    let mut silent = TcpStream::connect(("127.0.0.1", course.port)).expect("a connection");
    silent.write_all(b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n").expect("it is sent");
    let mut head = BufReader::new(silent.try_clone().expect("a connection")).lines();
    assert_eq!(head.next().expect("a line").expect("a line"), "HTTP/1.1 200 OK");

    course.tell(Signal::SIGTERM);
    course.wait_until("leaving", |part| part.status("/ready") == Some(503));
    silent.write_all(b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n").expect("it is still open");
    let mut rest = String::new();
    silent.read_to_string(&mut rest).expect("the last answer, and the end");

    assert!(rest.contains("HTTP/1.1 200 OK") && rest.contains("connection: close"), "{rest}");
    assert_eq!(course.ended(), Some(0));
}

#[test]
fn an_exhausted_pool_says_so_in_time_and_recovers() {
    let (system, _plan, course, _router) = course_and_router(&[("LYCEUM_DB_ACQUIRE_TIMEOUT_SECONDS", "1")]);
    let visitor = at_subgraph("course", &format!("http://127.0.0.1:{}", course.port));
    let mut lock = Lock::on_courses(&system.addresses.databases["course"]);
    let ask = || {
        let visitor = visitor.clone();
        thread::spawn(move || (visitor.send(COURSES, json!({})), Instant::now()))
    };
    // All five connections wait for the table.
    let first: Vec<_> = (0..5).map(|_| ask()).collect();
    lock.wait_for_waiters(5);

    let second: Vec<_> = (0..20).map(|_| ask()).collect();
    let second: Vec<_> = second.into_iter().map(|asking| asking.join().expect("an answer")).collect();
    let first: Vec<_> = first.into_iter().map(|asking| asking.join().expect("an answer")).collect();

    // The server itself ends the statements of the first ones.
    for (answer, _) in first.iter().chain(&second) {
        assert_eq!(answer.error(), Some("SERVICE_UNAVAILABLE"), "{answer}");
    }
    let latest_of_those_without = second.iter().map(|(_, at)| at).max();
    assert!(latest_of_those_without < first.iter().map(|(_, at)| at).min(), "who gets no connection waits no longer");
    assert!(course.is_ready(), "it is busy, and not away");
    lock.release();
    let answers: Vec<_> = (0..20).map(|_| ask()).map(|asking| asking.join().expect("an answer").0).collect();
    assert!(answers.iter().all(|answer| answer["errors"].is_null()), "{answers:?}");
}
