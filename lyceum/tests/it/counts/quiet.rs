//! Keeps services from what they do beside answering.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::runtime::Runtime;

use crate::statements::BESIDE;

/// As long as it lives, whoever looks at these tables waits. The process does nothing while it waits for a database.
pub struct Quiet {
    runtime: Runtime,
    locks: Vec<PgConnection>,
}

impl Quiet {
    pub fn keep(databases: &BTreeMap<String, String>) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let locks = databases.values().map(|url| runtime.block_on(lock(url))).collect();
        Self { runtime, locks }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        for lock in self.locks.drain(..) {
            self.runtime.block_on(lock.close()).expect("the connection closes");
        }
    }
}

/// A transaction that holds those of the tables which the database has.
async fn lock(url: &str) -> PgConnection {
    let mut db = PgConnection::connect(url).await.expect("the database answers");
    db.execute("begin").await.expect("a transaction");
    for table in BESIDE {
        let find = sqlx::query_scalar::<_, bool>("select to_regclass($1) is not null").bind(table);
        if find.fetch_one(&mut db).await.expect("the database answers") {
            let lock = format!("lock table {table} in access exclusive mode");
            db.execute(AssertSqlSafe(lock)).await.expect("a lock");
        }
    }
    db
}
