//! How many SQL statements an operation costs: counted by the databases themselves.

use std::{fs, path::PathBuf, thread::sleep, time::Duration};

use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::system::{STUDENT, System, workspace};

const MAX_FOR_STUDENT_HOME: usize = 8;

#[test]
fn student_home_costs_the_same_few_statements_for_any_number_of_rows() {
    let system = System::start(&["--temporary"]);
    let student = system.sign_in(STUDENT);
    let document = fs::read_to_string(workspace().join("operations/StudentHome.graphql")).expect("the operation");
    let logs = log_statements(&system);

    let [one, twenty, hundred] = [1, 20, 100].map(|rows| {
        let before = statements(&logs);
        student.data(&document, json!({ "enrollments": rows, "notifications": rows }));
        statements(&logs).into_iter().filter(|statement| !before.contains(statement)).collect::<Vec<_>>()
    });

    // The newest enrollment alone may have no payment to ask for.
    assert!(!one.is_empty() && one.len() <= twenty.len(), "{one:#?}");
    assert_eq!(twenty.len(), hundred.len(), "{twenty:#?} {hundred:#?}");
    assert!(twenty.len() <= MAX_FOR_STUDENT_HOME, "{twenty:#?}");
}

#[test]
fn what_others_say_of_the_viewer_needs_no_row_of_identity() {
    let system = System::start(&["--temporary"]);
    let student = system.sign_in(STUDENT);
    let logs = log_statements(&system);
    let asked = |document: &str| {
        let before = statements(&logs).len();
        student.data(document, json!({}));
        statements(&logs).len() - before
    };

    assert_eq!(asked("{ me { __typename id notifications { nodes { id title } } } }"), 1);
    assert_eq!(asked("{ me { ...Key } } fragment Key on User { id }"), 0);
    assert_eq!(asked("{ me { ...Name notifications { nodes { id } } } } fragment Name on User { name }"), 2);
}

/// Makes every database log every statement; where the logs are.
pub fn log_statements(system: &System) -> Vec<PathBuf> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let database_logs = system.addresses.databases.iter().map(|(name, url)| {
        runtime.block_on(async {
            let mut db = PgConnection::connect(url).await.expect("the database answers");
            db.execute("alter system set log_statement = 'all'").await.expect("the setting is taken");
            db.execute("select pg_reload_conf()").await.expect("the setting is read");
            db.close().await.expect("the connection closes");
        });
        system.addresses.data.join("databases").join(format!("{name}.log"))
    });
    let logs = database_logs.collect();
    // Every server process reads the new setting in its own time.
    sleep(Duration::from_secs(1));
    logs
}

/// What services look at beside answering, again and again.
pub const BACKGROUND_TABLES: [&str; 9] = [
    "outbox_events",
    "inbox_events",
    "purchase_requests",
    "refund_requests",
    "mails",
    "email_tokens",
    "password_reset_requests",
    "erased_users",
    "data_exports",
];

/// What services run beside answering: readiness probes, and what stands around their reads. What an operation reads is in
/// no transaction.
const BACKGROUND_STATEMENTS: [&str; 6] = [
    ": select 1",
    "statement: show transaction_read_only",
    "statement: BEGIN",
    "statement: COMMIT",
    "statement: ROLLBACK",
    "statement: rollback; show transaction_read_only",
];

/// Those on our tables: on a new connection sqlx also asks the catalog what an enum looks like.
pub fn statements(logs: &[PathBuf]) -> Vec<String> {
    let is_ours = |entry: &String| {
        (entry.contains("LOG:  execute ") || entry.contains("LOG:  statement: "))
            && !entry.contains("pg_type")
            && !BACKGROUND_STATEMENTS.iter().any(|statement| entry.ends_with(statement))
            && !BACKGROUND_TABLES.iter().any(|table| entry.contains(table))
    };
    let read = |log| entries(&fs::read_to_string(log).expect("the database's log"));
    logs.iter().flat_map(|log| read(log).into_iter().filter(is_ours)).collect()
}

/// The entries of a log; a statement's further lines begin with a tab.
fn entries(log: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for line in log.lines() {
        match entries.last_mut() {
            Some(entry) if line.starts_with('\t') => entry.push_str(line),
            _ => entries.push(line.to_owned()),
        }
    }
    entries
}
