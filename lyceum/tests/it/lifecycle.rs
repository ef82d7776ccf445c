//! Start, stop, crash, start again: what `lyceum up` does with its data, its ports and its children.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::system::{System, command, lyceum, workspace};

const CREATE: &str =
    "mutation ($input: RegisterInput!) { register(input: $input) { user { id } userErrors { code } } }";
const COUNTS: &str = "{ courses { totalCount } }";

#[test]
fn data_outlives_a_stop_and_a_crash() {
    let home = open_directory();
    let arguments = ["--data-dir", home.path().to_str().expect("a path")];
    let postgres = programs();
    let arguments: Vec<&str> = arguments.into_iter().chain(postgres.iter().map(String::as_str)).collect();

    let mut first = System::start(&arguments);
    let seeded = first.anonymous().data(COUNTS, json!({}));
    assert!(seeded["courses"]["totalCount"].as_i64() >= Some(1_000));
    register(&first, "before@crash.example");
    first.kill();

    let mut second = System::start(&arguments);
    assert_eq!(second.anonymous().data(COUNTS, json!({})), seeded);
    second.sign_in("student1@lyceum.example");
    assert_eq!(register_code(&second, "before@crash.example"), "EMAIL_TAKEN");
    assert_eq!(second.stop(), Some(0));
    assert_eq!(children_of(&home), 0, "a PostgreSQL server was left behind");

    let third = System::start(&arguments);
    assert_eq!(register_code(&third, "before@crash.example"), "EMAIL_TAKEN");
}

/// As in docs/operations.md: no program of PostgreSQL is needed for it.
#[test]
fn a_copy_of_a_stopped_systems_directory_is_a_backup() {
    let (home, place) = (open_directory(), open_directory());
    let copy = place.path().join("copy");
    let postgres = programs();
    let start = |data: &Path| {
        let arguments = ["--data-dir", data.to_str().expect("a path"), "--empty"];
        System::start(&arguments.into_iter().chain(postgres.iter().map(String::as_str)).collect::<Vec<_>>())
    };
    let mut system = start(home.path());
    register(&system, "before@backup.example");
    assert_eq!(system.stop(), Some(0));

    let copied = Command::new("cp").arg("-a").arg(home.path()).arg(&copy).status().expect("`cp` runs");
    assert!(copied.success());
    let system = start(home.path());
    register(&system, "after@backup.example");

    let restored = start(&copy);
    assert_eq!(register_code(&restored, "before@backup.example"), "EMAIL_TAKEN");
    register(&restored, "after@backup.example");
    let doctor = lyceum().args(["admin", "doctor", "--data-dir"]).arg(&copy).output().expect("it runs");
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
}

#[test]
fn what_a_killed_system_left_behind_gives_its_ports_back() {
    let home = open_directory();
    let data = home.path().to_str().expect("a path").to_owned();
    let postgres = programs();
    let arguments: Vec<&str> =
        ["--data-dir", &data, "--empty"].into_iter().chain(postgres.iter().map(String::as_str)).collect();
    let mut first = System::start(&arguments);
    let ports = first.addresses.databases.clone();
    first.kill();

    // The servers outlive their owner for now, each on its port.
    let options = |name: &str, url: &str| embedded_postgres::ServerOptions {
        data_dir: home.path().join("databases").join(name),
        port: port_of(url),
        database: name.to_owned(),
        ephemeral: false,
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let programs = std::env::var_os("LYCEUM_POSTGRES_BIN").map(Into::into);
        let place = workspace().join(".lyceum");
        let installation = embedded_postgres::Installation::find_or_fetch(&place, programs, &|_| {}).await;
        let installation = installation.expect("PostgreSQL is at hand");
        for (name, url) in &ports {
            let server = embedded_postgres::Server::start(&installation, options(name, url)).await;
            server.expect("the port is free again").stop().await.expect("the server stops");
        }
    });
}

#[test]
fn nobody_becomes_an_admin_by_registering_a_sample_address() {
    let home = open_directory();
    let data = home.path().to_str().expect("a path").to_owned();
    let postgres = programs();
    let arguments: Vec<&str> =
        ["--data-dir", &data, "--empty"].into_iter().chain(postgres.iter().map(String::as_str)).collect();
    let mut first = System::start(&arguments);
    register(&first, "student1@lyceum.example");
    first.stop();

    let second = System::start(&arguments);
    let playground = reqwest::blocking::get(format!("{}/playground.json", second.addresses.router));
    let samples: Value = playground.expect("the router answers").json().expect("JSON");

    assert_eq!(samples["samples"], json!([]));
    assert_eq!(register_code(&second, "admin@lyceum.example"), "none", "there is such an account");
}

#[test]
fn a_closed_terminal_stops_the_system() {
    let mut system = System::start(&["--temporary", "--empty"]);

    assert_eq!(system.signal(nix::sys::signal::Signal::SIGHUP), Some(0));
}

#[test]
fn an_empty_system_stays_empty_if_it_is_told_to() {
    let system = System::start(&["--temporary", "--empty"]);

    assert_eq!(system.anonymous().data(COUNTS, json!({}))["courses"]["totalCount"], 0);
}

#[test]
fn subgraphs_can_be_called_over_http() {
    let system = System::start(&["--temporary", "--transport", "http"]);

    let student = system.sign_in("student1@lyceum.example");
    let data = student.data("{ me { email courses { totalCount } enrollments { totalCount } } }", json!({}));
    assert!(data["me"]["enrollments"]["totalCount"].as_i64() > Some(0));
}

#[test]
fn databases_elsewhere_are_used_and_left_running() {
    let lender = System::start(&["--temporary"]);
    let urls: Vec<String> =
        lender.addresses.databases.iter().map(|(name, url)| format!("--{name}-database-url={url}")).collect();
    let before = lender.anonymous().data(COUNTS, json!({}));

    let home = open_directory();
    let mut arguments = vec!["--data-dir", home.path().to_str().expect("a path")];
    arguments.extend(urls.iter().map(String::as_str));
    let mut borrower = System::start(&arguments);

    assert_eq!(borrower.anonymous().data(COUNTS, json!({})), before);
    assert!(!home.path().join("databases").exists());
    assert_eq!(borrower.stop(), Some(0));
    assert_eq!(lender.anonymous().data(COUNTS, json!({})), before);
}

#[test]
fn a_taken_port_is_said_clearly() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_lyceum"))
        .args(["router", "--insecure-dev", "--router-port", &port])
        .stdin(Stdio::null())
        .output()
        .expect("`lyceum` runs");

    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&port) && said.contains("--router-port"), "{said}");
}

#[test]
fn a_second_system_on_the_same_data_is_refused() {
    let home = open_directory();
    let data = home.path().to_str().expect("a path").to_owned();
    let postgres = programs();
    let arguments: Vec<&str> =
        ["--data-dir", &data, "--empty"].into_iter().chain(postgres.iter().map(String::as_str)).collect();
    let first = System::start(&arguments);

    let second = finish(&arguments);

    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains("in use by process"), "{said}");
    assert_eq!(first.anonymous().data(COUNTS, json!({}))["courses"]["totalCount"], 0);
}

#[test]
fn a_system_stops_with_the_script_that_started_it() {
    let mut process = command(&["--temporary", "--empty"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("`lyceum` starts");
    drop(process.stdin.take());

    let started = Instant::now();
    while process.try_wait().expect("the process can be asked").is_none() {
        assert!(started.elapsed() < Duration::from_mins(1), "still running");
        sleep(Duration::from_millis(50));
    }
}

fn port_of(url: &str) -> u16 {
    let port = url.rsplit_once(':').and_then(|(_, rest)| rest.split_once('/')).map(|(port, _)| port.parse());
    port.expect("a port").expect("a number")
}

fn finish(arguments: &[&str]) -> Output {
    let mut command = command(arguments);
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("`lyceum` starts");
    // Held open: its end would stop the process before it has said anything.
    let _stdin = process.stdin.take();
    process.wait_with_output().expect("`lyceum` runs")
}

fn register(system: &System, email: &str) -> Value {
    let input = json!({ "input": { "email": email, "password": "correct horse", "name": "Ada" } });
    system.anonymous().data(CREATE, input)["register"].clone()
}

fn register_code(system: &System, email: &str) -> String {
    register(system, email)["userErrors"][0]["code"].as_str().unwrap_or("none").to_owned()
}

/// A directory that PostgreSQL's own user reaches, too, when the tests run as root.
fn open_directory() -> TempDir {
    let directory = tempfile::Builder::new().prefix("lyceum-test-").tempdir().expect("a temporary directory");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(directory.path(), open).expect("the directory opens");
    directory
}

/// PostgreSQL's programs, as the workspace has them: a data directory of a test's own has none.
fn programs() -> Vec<String> {
    let given = std::env::var("LYCEUM_POSTGRES_BIN").ok();
    given.map(|directory| vec!["--postgres-bin".to_owned(), directory]).unwrap_or_default()
}

fn children_of(home: &TempDir) -> usize {
    let output = Command::new("ps").args(["-eo", "args"]).output().expect("ps runs");
    let data = home.path().to_string_lossy().into_owned();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| line.contains("postgres") && line.contains(&data))
        .count()
}

#[test]
fn a_start_without_room_says_why_and_leaves_nothing_half_made() {
    let home = open_directory();
    let postgres = programs();
    let arguments = ["--data-dir", home.path().to_str().expect("a path")];
    let up = command(&arguments.into_iter().chain(postgres.iter().map(String::as_str)).collect::<Vec<_>>());
    // No file may have more than 4 MB, which is too little for PostgreSQL.
    let mut limited = Command::new("bash");
    limited.args(["-c", r#"ulimit -f 4096; exec "$0" "$@""#]).arg(up.get_program()).args(up.get_args());
    for (name, value) in up.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let mut process = limited.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    // It would stop when this ends.
    let input = process.stdin.take();
    let output = process.wait_with_output().expect("it ends");
    drop(input);

    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("does not start"), "{said}");
    assert!(said.contains("File size limit") || said.contains("File too large"), "{said}");
    assert!(!said.contains("--free-ports"), "{said}");
    let left: Vec<_> = fs::read_dir(home.path().join("databases")).map_or_else(
        |_| Vec::new(),
        |files| files.map(|file| file.expect("a file").file_name().into_string().expect("a name")).collect(),
    );
    assert!(left.iter().all(|name| !name.contains("partial")), "{left:?}");
}
