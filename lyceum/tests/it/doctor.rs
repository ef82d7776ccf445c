//! `lyceum admin doctor` at real systems, well and not.

use std::{
    process::{Command, Output},
    sync::OnceLock,
};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, raw_sql};
use tokio::runtime::Runtime;

use crate::{
    processes::{Database, Plan},
    system::{SEAL_SECRET, SECRET, System, lyceum},
};

const NAMES: [&str; 5] = ["identity", "course", "enrollment", "payment", "notification"];

/// Changed by one test alone; the others use its keys.
fn system() -> &'static System {
    static SYSTEM: OnceLock<System> = OnceLock::new();
    SYSTEM.get_or_init(|| System::start(&["--temporary", "--seed-scale", "0.001"]))
}

/// What is said of the databases of `lyceum up`.
fn doctor(system: &System) -> Command {
    let mut command = lyceum();
    command.args(["admin", "doctor", "--data-dir"]).arg(&system.addresses.data);
    for variable in ["LYCEUM_KEYS_DIR", "LYCEUM_SIGNING_KEY", "LYCEUM_SUBGRAPH_SECRET", "LYCEUM_DB_PROFILE"] {
        command.env_remove(variable);
    }
    command
}

/// What is said of these databases, and of secrets.
fn doctor_of(urls: &[(&str, String)]) -> Command {
    let mut command = lyceum();
    command.args(["admin", "doctor"]).env_remove("LYCEUM_SEAL_SECRET");
    for (name, url) in urls {
        command.env(format!("{}_DATABASE_URL", name.to_uppercase()), url);
    }
    command
}

struct Said {
    code: Option<i32>,
    findings: Vec<Value>,
}

impl Said {
    fn by(mut command: Command) -> Self {
        let output = command.args(["--format", "json"]).output().expect("`lyceum` runs");
        let findings = serde_json::from_slice(&output.stdout);
        let findings = findings.unwrap_or_else(|error| panic!("{error}: {}", text(&output)));
        Self { code: output.status.code(), findings }
    }

    /// Those of a level, as `subject check: message`.
    fn all(&self, level: &str) -> Vec<String> {
        let of = self.findings.iter().filter(|finding| finding["level"] == level);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        of.map(|finding| {
            format!("{} {}: {}", text(&finding["subject"]), text(&finding["check"]), text(&finding["message"]))
        })
        .collect()
    }

    /// Its only problem.
    fn problem(&self) -> String {
        assert_eq!(self.code, Some(1), "{:#?}", self.findings);
        let problems = self.all("problem");
        assert_eq!(problems.len(), 1, "{problems:#?}");
        let all_have_advice =
            self.findings.iter().all(|finding| (finding["level"] == "ok") == finding["advice"].is_null());
        assert!(all_have_advice, "{:#?}", self.findings);
        problems[0].clone()
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

fn execute(url: &str, statement: &str) {
    Runtime::new().expect("a runtime").block_on(async {
        let mut db = PgConnection::connect(url).await.expect("the database");
        raw_sql(AssertSqlSafe(statement)).execute(&mut db).await.expect("it is executed");
    });
}

/// What is found once the first statement has been executed in a database, and gone after the second.
const CHANGES: [(&str, &str, &str, &str); 7] = [
    (
        "payment",
        "alter index payments_by_student rename to payments_by_nobody",
        "alter index payments_by_nobody rename to payments_by_student",
        "payment indexes: payments_by_student is missing",
    ),
    (
        "payment",
        "update pg_index set indisvalid = false where indexrelid = 'payments_by_student'::regclass",
        "update pg_index set indisvalid = true where indexrelid = 'payments_by_student'::regclass",
        "payment indexes: payments_by_student is invalid",
    ),
    (
        "enrollment",
        "insert into outbox_events (event_id, destination, type, subject, event, written_at, reason)
             values ('00000000-0000-7000-8000-00000000000d', 'nobody', 'test', gen_random_uuid(), '{}',
                     now() - interval '2 min', 'nobody is there')",
        "delete from outbox_events where destination = 'nobody'",
        "enrollment events: 1 pending in the outbox",
    ),
    (
        "notification",
        "insert into inbox_events (event_id, type, subject, event, dead_lettered_at)
             values ('00000000-0000-7000-8000-00000000000e', 'test', gen_random_uuid(), '{}', now())",
        "delete from inbox_events where type = 'test'",
        "notification events: 1 dead-lettered in the inbox",
    ),
    (
        "course",
        "create table imported as select 'infinity'::timestamptz as imported_at",
        "drop table imported",
        "course rows: 1 of imported have no finite imported_at",
    ),
    (
        "identity",
        "create table kept as select * from _sqlx_migrations where version = 61;
             delete from _sqlx_migrations where version = 61",
        "insert into _sqlx_migrations select * from kept; drop table kept",
        "identity migrations: 061 is pending",
    ),
    (
        "identity",
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
             values (900, 'newer', true, '', 0)",
        "delete from _sqlx_migrations where version = 900",
        "identity migrations: migration 900 was applied by a newer version",
    ),
];

/// Makes a database read-only, which has a dead-lettered event; and undoes both.
const TWO_FAULTS: [&str; 2] = [
    "insert into inbox_events (event_id, type, subject, event, dead_lettered_at)
         values ('00000000-0000-7000-8000-00000000000f', 'test', gen_random_uuid(), '{}', now());
         alter role current_user set default_transaction_read_only = on",
    "begin read write;
         alter role current_user reset default_transaction_read_only;
         delete from inbox_events where type = 'test';
         commit",
];

#[test]
fn a_system_is_well_until_something_is_not() {
    let system = system();
    let urls = &system.addresses.databases;

    let well = Said::by(doctor(system));
    assert_eq!((well.code, well.all("problem"), well.all("warning")), (Some(0), vec![], vec![]));
    for name in NAMES {
        for check in [
            "connection",
            "tls",
            "version",
            "writable",
            "connections",
            "clock",
            "migrations",
            "indexes",
            "events",
            "rows",
        ] {
            let is_checked = |finding: &&Value| finding["subject"] == name && finding["check"] == check;
            assert_eq!(well.findings.iter().filter(is_checked).count(), 1, "{name}: {check}");
        }
    }
    let output = doctor(system).output().expect("`lyceum` runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.lines().count() == well.findings.len(), "{said}");
    assert!(said.lines().all(|line| line.starts_with("ok ")), "{said}");

    let tuned = Said::by({
        let mut command = doctor(system);
        command.env("LYCEUM_DB_PROFILE", "tuned");
        command
    });
    assert_eq!(tuned.all("problem").len(), 3, "{:?}", tuned.all("problem"));
    assert!(tuned.all("problem").iter().all(|problem| problem.contains("migrations: 001 is pending")));

    for (database, change, back, found) in CHANGES {
        execute(&urls[database], change);
        let said = Said::by(doctor(system));
        execute(&urls[database], back);
        assert!(said.problem().starts_with(found), "{}", said.problem());
    }
    execute(&urls["notification"], TWO_FAULTS[0]);
    let problems = Said::by(doctor(system)).all("problem");
    execute(&urls["notification"], TWO_FAULTS[1]);
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems[0].starts_with("notification writable: the server is read-only"), "{problems:#?}");
    assert!(problems[1].starts_with("notification events: 1 dead-lettered in the inbox"), "{problems:#?}");
    let well_again = Said::by(doctor(system));
    assert_eq!((well_again.code, well_again.all("problem")), (Some(0), vec![]));

    let priceless = "update courses set is_free = false, price = null
        where id = (select id from courses where state = 'published' and is_free limit 1)";
    execute(&urls["course"], priceless);
    let warnings = Said::by(doctor(system)).all("warning");
    assert_eq!(warnings, ["course rows: 1 published courses cost something and have no price"]);
}

#[test]
fn a_database_that_is_unavailable_or_not_migrated_or_not_tls_is_found() {
    let plan = Plan::new(&[]);
    let mut databases = Database::new(&plan, &NAMES);
    databases.iter_mut().for_each(Database::start);
    let urls: Vec<_> = NAMES.into_iter().zip(databases.iter().map(|database| database.url.clone())).collect();
    let migrate = |profile: &str| {
        let mut command = lyceum();
        command.arg("migrate").env("LYCEUM_DB_PROFILE", profile);
        for (name, url) in &urls {
            command.env(format!("{}_DATABASE_URL", name.to_uppercase()), url);
        }
        let output = command.output().expect("`lyceum` runs");
        assert!(output.status.success(), "{}", text(&output));
    };
    let tuned = || {
        let mut command = doctor_of(&urls);
        command.env("LYCEUM_DB_PROFILE", "tuned").env("LYCEUM_SEAL_SECRET", SEAL_SECRET);
        command
    };

    let new = Said::by(tuned());
    assert_eq!(new.all("problem").len(), NAMES.len(), "{:?}", new.all("problem"));
    assert!(new.all("problem").iter().all(|problem| problem.contains("migrations: 001 is pending")));

    migrate("tuned");
    let well = Said::by(tuned());
    assert_eq!((well.code, well.all("problem")), (Some(0), vec![]), "{:?}", well.all("warning"));
    execute(&urls[1].1, "drop index courses_by_title");
    assert_eq!(Said::by(tuned()).problem(), "course indexes: courses_by_title is missing");
    execute(&urls[1].1, "create index courses_by_title on courses (id)");

    // Not encrypted, to a host that is not this one as far as its name tells.
    let remote = urls[0].1.replace("127.0.0.1", "0.0.0.0");
    let mut command = tuned();
    command.env("IDENTITY_DATABASE_URL", &remote);
    let said = Said::by(command);
    assert!(said.all("warning").iter().any(|warning| warning.starts_with("identity tls: not encrypted")));
    let mut command = tuned();
    command.env("IDENTITY_DATABASE_URL", &remote).env("LYCEUM_DB_REQUIRE_TLS", "true");
    assert!(Said::by(command).problem().starts_with("identity connection: cannot connect"));

    // Secrets.
    let secrets = |settings: &[(&str, &str)]| {
        let mut command = tuned();
        command.envs(settings.iter().copied());
        Said::by(command)
    };
    let short = secrets(&[("LYCEUM_SEAL_SECRET", "short")]).problem();
    assert!(short.starts_with("system secrets: LYCEUM_SEAL_SECRET: a secret needs at least"), "{short}");
    let same = secrets(&[("LYCEUM_SEAL_SECRET", SECRET)]).problem();
    assert!(same.ends_with("LYCEUM_SUBGRAPH_SECRET and LYCEUM_SEAL_SECRET are the same"), "{same}");
    let second = secrets(&[("LYCEUM_SUBGRAPH_SECRET_PREVIOUS", SEAL_SECRET)]).all("ok");
    assert!(second.iter().any(|found| found.contains("LYCEUM_SUBGRAPH_SECRET is set, and has a second value")));

    // Keys that are nowhere, and others than those of the directory.
    let keys = secrets(&[("LYCEUM_KEYS_DIR", "/nowhere/keys")]).problem();
    assert!(keys.starts_with("system signing-keys: "), "{keys}");
    let system = system();
    let directory = system.addresses.data.join("keys");
    let published =
        [("LYCEUM_JWKS_URL", &*system.addresses.jwks), ("LYCEUM_KEYS_DIR", directory.to_str().expect("a path"))];
    let ok = secrets(&published).all("ok");
    assert!(ok.contains(&"system published-keys: 1 available".to_owned()), "{ok:?}");
    let unavailable = secrets(&[("LYCEUM_JWKS_URL", "http://ada:s3cret@127.0.0.1:1/keys")]).problem();
    assert!(
        unavailable.starts_with("system published-keys: not available") && !unavailable.contains("s3cret"),
        "{unavailable}"
    );

    databases[3].stop();
    let unavailable = Said::by(tuned()).problem();
    assert!(unavailable.starts_with("payment connection: cannot connect"), "{unavailable}");
}
