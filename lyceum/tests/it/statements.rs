//! How many SQL statements an operation costs: counted by the databases themselves.

use std::{fs, path::PathBuf, thread::sleep, time::Duration};

use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::system::{STUDENT, System, workspace};

const MOST_FOR_STUDENT_HOME: usize = 8;

#[test]
fn student_home_costs_the_same_few_statements_for_any_number_of_rows() {
    let system = System::start(&["--temporary"]);
    let student = system.sign_in(STUDENT);
    let document = fs::read_to_string(workspace().join("operations/StudentHome.graphql")).expect("the operation");
    let logs = log_statements(&system);

    let counts = [1, 20, 100].map(|rows| {
        let variables = json!({ "enrollments": rows, "notifications": rows });
        student.data(&document, variables.clone());
        let before = count(&logs);
        student.data(&document, variables);
        count(&logs) - before
    });

    assert!(counts[0] > 0, "the databases log nothing");
    assert!(counts.iter().all(|&count| count == counts[0] && count <= MOST_FOR_STUDENT_HOME), "{counts:?}");
}

/// Makes every database log every statement; where the logs are.
fn log_statements(system: &System) -> Vec<PathBuf> {
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

fn count(logs: &[PathBuf]) -> usize {
    let lines = |log: &PathBuf| {
        let text = fs::read_to_string(log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        text.lines().filter(|line| line.contains("LOG:  execute ") || line.contains("LOG:  statement: ")).count()
    };
    logs.iter().map(lines).sum()
}
