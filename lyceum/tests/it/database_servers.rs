//! Databases as others run them: with TLS, with a standby, read-only for a while.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, query_scalar, raw_sql};
use subgraph_testing::blocking::Client;

use crate::{
    certificates::{Authority, Certificate},
    processes::{Database, Part, Plan},
    system::{PASSWORD, Process, at_subgraph, free_port, lyceum},
};

const TIMEOUT: Duration = Duration::from_mins(1);

fn execute(database: &Database, url: &str, statement: &str) {
    database.runtime.block_on(async {
        let mut db = PgConnection::connect(url).await.expect("the database");
        raw_sql(AssertSqlSafe(statement)).execute(&mut db).await.expect("it is executed");
        db.close().await.expect("it closes");
    });
}

/// What a new session says.
fn ask(database: &Database, url: &str, statement: &str) -> String {
    database.runtime.block_on(async {
        let mut db = PgConnection::connect(url).await.expect("the database");
        query_scalar(AssertSqlSafe(statement)).fetch_one(&mut db).await.expect("a row")
    })
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < TIMEOUT, "{what}");
        sleep(Duration::from_millis(20));
    }
}

/// Changes a setting of the server, and waits until new sessions have it.
fn set(database: &Database, name: &str, value: &str) {
    let url = &database.url;
    execute(database, url, &format!("alter system set {name} = '{value}'"));
    execute(database, url, "select pg_reload_conf()");
    wait_until(name, || ask(database, url, &format!("show {name}")) == value);
}

/// Writes a file that the server may read, and nobody else.
fn give(database: &Database, name: &str, content: &str) -> PathBuf {
    let directory = &database.options.data_dir;
    let (path, owner) = (directory.join(name), fs::metadata(directory).expect("a directory"));
    fs::write(&path, content).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its owner's");
    chown(&path, Some(owner.uid()), Some(owner.gid())).expect("the server's");
    path
}

/// Has the server present a certificate.
fn present(database: &Database, name: &str, certificate: &Certificate) {
    let chain = give(database, &format!("{name}.crt"), &certificate.chain);
    let key = give(database, &format!("{name}.key"), &certificate.key);
    execute(database, &database.url, &format!("alter system set ssl_key_file = '{}'", key.display()));
    execute(database, &database.url, &format!("alter system set ssl_cert_file = '{}'", chain.display()));
    set(database, "ssl", "on");
    let is_presented = || ask(database, &database.url, "show ssl_cert_file") == chain.display().to_string();
    wait_until("the certificate is presented", is_presented);
}

fn migrate(url: &str, settings: &[(&str, &str)]) -> Output {
    let settings = settings.iter().copied();
    lyceum().args(["migrate", "identity"]).env("IDENTITY_DATABASE_URL", url).envs(settings).output().expect("it runs")
}

fn expect_refusal(url: &str, settings: &[(&str, &str)], reason: &str) {
    let output = migrate(url, settings);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(reason), "{url}: {reason}: {said}");
}

fn expect_success(url: &str, settings: &[(&str, &str)]) {
    let output = migrate(url, settings);
    assert!(output.status.success(), "{url}: {}", String::from_utf8_lossy(&output.stderr));
}

fn database(plan: &Plan) -> Database {
    let mut database = Database::new(plan, &["identity"]).remove(0);
    database.start();
    database.url += "?sslmode=disable";
    database
}

/// The address without its settings, with another host.
fn at(database: &Database, host: &str) -> String {
    let (url, _) = database.url.split_once('?').expect("a setting");
    url.replace("127.0.0.1", host)
}

fn authority_file(plan: &Plan, authority: &Authority) -> String {
    let path = plan.home.path().join("authority.pem");
    fs::write(&path, &authority.certificate).expect("a file");
    path.display().to_string()
}

#[test]
fn the_databases_certificate_is_verified() {
    let plan = Plan::new(&["identity"]);
    let database = database(&plan);
    let authority = Authority::new();
    let file = authority_file(&plan, &authority);
    let verified = format!("{}?sslmode=verify-full&sslrootcert={file}", at(&database, "localhost"));
    let of_the_system = format!("{}?sslmode=verify-full", at(&database, "localhost"));

    expect_refusal(&format!("{}?sslmode=require", at(&database, "localhost")), &[], "server does not support TLS");
    expect_refusal(&verified, &[], "server does not support TLS");

    present(&database, "good", &authority.issue("localhost"));
    expect_success(&verified, &[]);
    expect_success(&verified, &[("LYCEUM_DB_REQUIRE_TLS", "true")]);
    expect_success(&of_the_system, &[("SSL_CERT_FILE", &file)]);
    expect_refusal(&of_the_system, &[], "UnknownIssuer");
    // As libpq does: a named authority is asked.
    let other = plan.home.path().join("other.pem");
    fs::write(&other, Authority::new().certificate).expect("a file");
    let required = format!("{}?sslmode=require&sslrootcert={}", at(&database, "localhost"), other.display());
    expect_refusal(&required, &[], "invalid peer certificate");

    present(&database, "expired", &authority.issue_expired("localhost"));
    expect_refusal(&verified, &[], "expired");
    present(&database, "elsewhere", &authority.issue("db.example"));
    expect_refusal(&verified, &[], "not valid for name");
    present(&database, "stranger", &Authority::new().issue("localhost"));
    expect_refusal(&verified, &[], "invalid peer certificate");

    // An address that is not this machine's as far as its name tells.
    let remote = at(&database, "0.0.0.0");
    let require = [("LYCEUM_DB_REQUIRE_TLS", "true")];
    expect_refusal(&format!("{remote}?sslmode=require"), &require, "LYCEUM_DB_REQUIRE_TLS is set");
    expect_refusal(&remote, &require, "invalid peer certificate");
    expect_success(&at(&database, "127.0.0.1"), &require);
}

/// Also the commands of administrators, whichever way they connect.
#[test]
fn tls_is_required_of_every_command() {
    let plan = Plan::new(&["identity"]);
    let database = database(&plan);
    expect_success(&at(&database, "127.0.0.1"), &[]);
    let remote = format!("{}?sslmode=disable", at(&database, "0.0.0.0"));
    let run = |arguments: &[&str], require: &str| {
        let mut command = lyceum();
        for name in ["IDENTITY", "COURSE", "ENROLLMENT", "PAYMENT", "NOTIFICATION"] {
            command.env(format!("{name}_DATABASE_URL"), &remote);
        }
        command.args(arguments).env("LYCEUM_DB_REQUIRE_TLS", require).env("RUST_LOG", "warn");
        let output = command.output().expect("it runs");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let commands: [&[&str]; 9] = [
        &["admin", "users"],
        &["admin", "grant", "nobody@databases.example"],
        &["admin", "events"],
        &["admin", "events", "resend", "00000000-0000-0000-0000-000000000000"],
        &["admin", "export", "nobody@databases.example"],
        &["admin", "erase", "nobody@databases.example"],
        &["admin", "mail"],
        &["migrate", "identity"],
        &["seed"],
    ];
    for arguments in commands {
        let said = run(arguments, "true");
        assert!(said.contains("LYCEUM_DB_REQUIRE_TLS is set"), "{arguments:?}: {said}");
    }
    assert_eq!(run(&["admin", "users"], "false"), "");
}

#[test]
fn a_subgraph_speaks_tls_and_says_when_it_does_not() {
    let plan = Plan::new(&["identity"]);
    let database = database(&plan);
    let authority = Authority::new();
    let file = authority_file(&plan, &authority);
    let (open, unverified) = ("database connection not encrypted", "database certificate not verified");
    let start = |url: &str| {
        let part = plan.start("identity", url, &[]);
        part.wait_until("ready", Part::is_ready);
        part
    };

    let part = start(&at(&database, "0.0.0.0"));
    assert_eq!((part.lines_with(open), part.lines_with(unverified)), (1, 0));
    drop(part);
    let part = start(&format!("{}?sslmode=disable", at(&database, "0.0.0.0")));
    assert_eq!((part.lines_with(open), part.lines_with(unverified)), (0, 0), "it was asked for");
    drop(part);

    present(&database, "good", &authority.issue("localhost"));
    let part = start(&at(&database, "0.0.0.0"));
    assert_eq!((part.lines_with(open), part.lines_with(unverified)), (0, 1));
    drop(part);
    let part = start(&format!("{}?sslmode=verify-full&sslrootcert={file}", at(&database, "localhost")));
    let sessions = "select count(*) filter (where ssl) || ' of ' || count(*)
        from pg_stat_ssl join pg_stat_activity using (pid)
        where datname = 'identity' and backend_type = 'client backend' and pid <> pg_backend_pid()";
    let of = ask(&database, &database.url, sessions);
    assert!(of.split_once(" of ").is_some_and(|(encrypted, all)| encrypted == all && all != "0"), "{of}");
    register(&plan, "tls@databases.example");
    drop(part);
}

fn identity(plan: &Plan) -> Client {
    at_subgraph("identity", &format!("http://127.0.0.1:{}", plan.port("identity")))
}

const REGISTER: &str = "mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }";

fn input(email: &str) -> serde_json::Value {
    json!({ "input": { "email": email, "password": PASSWORD, "name": "Ada" } })
}

fn register(plan: &Plan, email: &str) {
    assert!(identity(plan).data(REGISTER, input(email))["register"]["user"]["id"].is_string(), "{email}");
}

#[test]
fn a_read_only_database_is_an_outage() {
    let plan = Plan::new(&["identity"]);
    let database = database(&plan);
    let part = plan.start("identity", &database.url, &[]);
    part.wait_until("ready", Part::is_ready);
    register(&plan, "before@databases.example");

    set(&database, "default_transaction_read_only", "on");

    part.wait_until("read-only", |part| part.status("/ready") == Some(503));
    let reply = identity(&plan).send(REGISTER, input("meanwhile@databases.example"));
    assert_eq!(reply.errors(), ["SERVICE_UNAVAILABLE"]);

    set(&database, "default_transaction_read_only", "off");
    part.wait_until("ready", Part::is_ready);
    register(&plan, "meanwhile@databases.example");
    assert_eq!(part.lines_with("internal error"), 0);
}

/// A copy of a stopped server that follows it.
fn standby_of(primary: &Database, plan: &Plan) -> Database {
    let mut standby = Database::new(plan, &["standby"]).remove(0);
    let (from, to) = (&primary.options.data_dir, &standby.options.data_dir);
    fs::remove_dir_all(to).expect("it is replaced");
    copy_directory(from, to);
    let (url, _) = primary.url.split_once('?').expect("a setting");
    give(&standby, "standby.signal", "");
    give(&standby, "postgresql.auto.conf", &format!("primary_conninfo = '{url}'\n"));
    standby.url.clone_from(&primary.url);
    standby.options.database.clone_from(&primary.options.database);
    standby
}

fn copy_directory(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("`cp` runs");
    assert!(copied.success());
}

#[test]
fn the_writable_one_of_several_servers_is_used() {
    let plan = Plan::new(&["identity"]);
    let mut primary = database(&plan);
    primary.stop();
    let mut standby = standby_of(&primary, &plan);
    primary.start();
    standby.start();
    let ports = (primary.options.port, standby.options.port);
    standby.url = primary.url.replace(&ports.0.to_string(), &ports.1.to_string());
    let both = at(&primary, &format!("127.0.0.1:{},127.0.0.1", ports.1));
    assert!(both.contains(&format!("127.0.0.1:{},127.0.0.1:{}/", ports.1, ports.0)), "the standby comes first");

    let part = plan.start("identity", &both, &[]);
    part.wait_until("ready", Part::is_ready);
    register(&plan, "first@databases.example");
    let count = "select count(*)::text from users where email = 'first@databases.example'";
    wait_until("it is replicated", || ask(&standby, &standby.url, count) == "1");

    // Switched over while both run: what has been opened to the former primary is given up.
    set(&primary, "default_transaction_read_only", "on");
    execute(&standby, &standby.url, "select pg_promote()");
    part.wait_until("at the new primary", |part| {
        part.is_ready() && identity(&plan).send(REGISTER, input("second@databases.example")).errors().is_empty()
    });
    let count = "select count(*)::text from users where email = 'second@databases.example'";
    assert_eq!(ask(&standby, &standby.url, count), "1");
    assert_eq!(ask(&primary, &primary.url, count), "0");

    primary.stop();
    register(&plan, "third@databases.example");
    assert!(part.is_ready());
    assert_eq!(part.lines_with("internal error"), 0);
}

/// A real pooler before a database.
struct PgBouncer {
    _process: Process,
    url: String,
    keeps_prepared_statements: bool,
}

impl PgBouncer {
    fn start(plan: &Plan, database: &Database) -> Self {
        let program = std::env::var("PGBOUNCER").unwrap_or_else(|_| "/usr/sbin/pgbouncer".to_owned());
        let version = Command::new(&program).arg("--version").output().expect("PgBouncer: Debian has it as a package");
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        let mut numbers = version.split([' ', '.', '\n']).filter_map(|part| part.parse::<u32>().ok());
        let keeps_prepared_statements = (numbers.next(), numbers.next()) >= (Some(1), Some(21));
        let directory = plan.home.path().join("pgbouncer");
        fs::create_dir(&directory).expect("a directory");
        let (port, server) = (free_port(), database.options.port);
        let (user, password) = at(database, "")
            .split_once("://")
            .expect("a URL")
            .1
            .split_once('@')
            .expect("a user")
            .0
            .split_once(':')
            .map(|(user, password)| (user.to_owned(), password.to_owned()))
            .expect("a password");
        fs::write(directory.join("users"), format!("\"{user}\" \"{password}\"\n")).expect("a file");
        let prepared = if keeps_prepared_statements { "max_prepared_statements = 100" } else { "" };
        let place = directory.display();
        let settings = format!(
            "[databases]\nidentity = host=127.0.0.1 port={server} dbname=identity\n
            [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\npool_mode = transaction\n\
            default_pool_size = 2\nauth_type = scram-sha-256\nauth_file = {place}/users\nlogfile = {place}/log\n{prepared}\n"
        );
        let settings = settings.lines().map(str::trim).collect::<Vec<_>>().join("\n");
        fs::write(directory.join("settings"), settings).expect("a file");
        let owner = fs::metadata(&database.options.data_dir).expect("a directory");
        for path in [directory.clone(), directory.join("users"), directory.join("settings")] {
            chown(&path, Some(owner.uid()), Some(owner.gid())).expect("the server's");
        }
        // It does not run as root.
        let mut command = Command::new(program);
        command.arg(directory.join("settings")).uid(owner.uid()).gid(owner.gid()).stderr(Stdio::null());
        let process = Process(command.spawn().expect("it starts"));
        wait_until("PgBouncer is there", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        let url = at(database, "127.0.0.1").replace(&format!(":{server}/"), &format!(":{port}/"));
        Self { _process: process, url, keeps_prepared_statements }
    }
}

#[test]
fn a_pooler_is_used_or_rejected_in_words() {
    let plan = Plan::new(&["identity"]);
    let database = database(&plan);
    let pooler = PgBouncer::start(&plan, &database);

    let mut part = plan.start("identity", &pooler.url, &[]);
    assert_eq!(part.ended(), Some(1));
    assert_eq!(part.lines_with("give the direct URL of the database, too"), 1);

    let direct = at(&database, "127.0.0.1");
    let settings = [("IDENTITY_DATABASE_DIRECT_URL", &*direct), ("LYCEUM_DB_STATEMENT_TIMEOUT_SECONDS", "4")];
    let mut part = plan.start("identity", &pooler.url, &settings);
    if !pooler.keeps_prepared_statements {
        assert_eq!(part.ended(), Some(1));
        assert_eq!(part.lines_with("mixes up prepared statements"), 1);
        return;
    }
    part.wait_until("ready", Part::is_ready);
    for number in 0..20 {
        register(&plan, &format!("{number}@pooler.example"));
    }
    let timeout = ask(&database, &format!("{direct}?sslmode=disable"), "show statement_timeout");
    assert_eq!(timeout, "4s");
    assert_eq!(part.lines_with("internal error") + part.lines_with("interrupted"), 0);
}
