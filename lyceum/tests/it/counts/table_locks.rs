//! Keeps services from what they do beside answering.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::runtime::Runtime;

use crate::statements::BACKGROUND_TABLES;

/// As long as it lives, whoever looks at these tables waits. The process does nothing while it waits for a database.
pub struct TableLocks {
    runtime: Runtime,
    locks: Vec<PgConnection>,
}

impl TableLocks {
    pub fn acquire(databases: &BTreeMap<String, String>) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let locks = databases.values().map(|url| runtime.block_on(lock(url))).collect();
        Self { runtime, locks }
    }
}

impl Drop for TableLocks {
    fn drop(&mut self) {
        for lock in self.locks.drain(..) {
            self.runtime.block_on(lock.close()).expect("the connection closes");
        }
    }
}

/// Whether something is still to be delivered or handled.
pub fn has_pending_events(databases: &BTreeMap<String, String>) -> bool {
    let runtime = Runtime::new().expect("a runtime");
    databases.values().any(|url| runtime.block_on(has_pending(url)))
}

async fn has_pending(url: &str) -> bool {
    let mut db = PgConnection::connect(url).await.expect("the database answers");
    for (table, done) in [("outbox_events", "delivered_at"), ("inbox_events", "processed_at")] {
        if has_table(&mut db, table).await {
            let pending =
                format!("select exists (select from {table} where {done} is null and dead_lettered_at is null)");
            let pending = sqlx::query_scalar::<_, bool>(AssertSqlSafe(pending)).fetch_one(&mut db).await;
            if pending.expect("the database answers") {
                return true;
            }
        }
    }
    false
}

async fn has_table(db: &mut PgConnection, name: &str) -> bool {
    // The name stands in the statement's text, which says that it is none of an operation's.
    let find = AssertSqlSafe(format!("select to_regclass('{name}') is not null"));
    sqlx::query_scalar::<_, bool>(find).fetch_one(db).await.expect("the database answers")
}

/// A transaction that holds those of the tables which the database has.
async fn lock(url: &str) -> PgConnection {
    let mut db = PgConnection::connect(url).await.expect("the database answers");
    db.execute("begin").await.expect("a transaction");
    for table in BACKGROUND_TABLES {
        if has_table(&mut db, table).await {
            let lock = format!("lock table {table} in access exclusive mode");
            db.execute(AssertSqlSafe(lock)).await.expect("a lock");
        }
    }
    db
}
