//! The connections of a pool of the usual size. A lock on the table blocks each statement, so that it can be counted.

use std::time::Duration;

use db::{connect, database::DatabaseSettings};
use serde_json::json;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool, query_scalar, raw_sql};
use subgraph_testing::{Client, Reply, TestApp};
use tokio::{task::JoinHandle, time::sleep};

use crate::fixtures::*;

pub const PAGE: &str = "{ courses(first: 1) { nodes { id } } }";

/// Patterns of the statements in `pg_stat_activity`.
pub const SEARCHES: &str = "%ilike%";
pub const COUNTS: &str = "select count(*) from courses%";
pub const OF_ONE_PARENT: &str = "select teacher_id as parent_key%where teacher_id = $1%";
pub const OF_PARENTS: &str = "%row_number() over (partition by teacher_id%";
pub const PAGES: &str = "select id, teacher_id%where true and state = 'published' order by%";

/// The subgraph with a pool as in production, without a statement timeout.
pub async fn app_with_five_connections(db: &PgPool) -> TestApp {
    let settings = DatabaseSettings { db_statement_timeout_seconds: 0, ..DatabaseSettings::default() };
    app(connect(db.connect_options().to_url_lossy().as_str(), &settings).await.expect("a pool")).await
}

/// Opens a connection outside the subgraph's pool.
pub async fn connection(db: &PgPool) -> PgConnection {
    PgConnection::connect_with(&db.connect_options()).await.expect("a connection")
}

/// Blocks all reads of courses until the connection is closed.
pub async fn hold_the_table(db: &PgPool) -> PgConnection {
    let mut holder = connection(db).await;
    let lock = "begin; lock table courses in access exclusive mode";
    raw_sql(lock).execute(&mut holder).await.expect("the table");
    holder
}

pub async fn active(db: &PgPool, kind: &str) -> i64 {
    let statement = "select count(*) from pg_stat_activity
        where datname = current_database() and state = 'active' and pid <> pg_backend_pid() and query like $1";
    query_scalar(statement).bind(kind).fetch_one(db).await.expect("a number")
}

/// The server's process of the active statement.
pub async fn pid_of(db: &PgPool, kind: &str) -> i32 {
    let statement = "select pid from pg_stat_activity
        where datname = current_database() and state = 'active' and pid <> pg_backend_pid() and query like $1";
    query_scalar(statement).bind(kind).fetch_one(db).await.expect("one statement")
}

pub async fn wait_for(db: &PgPool, kind: &str, wanted: i64) {
    for _ in 0..400 {
        if active(db, kind).await == wanted {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("{} of {kind} are active, not {wanted}", active(db, kind).await);
}

pub fn ask(client: Client, document: String) -> JoinHandle<Reply> {
    tokio::spawn(async move { client.send(&document, json!({})).await })
}
