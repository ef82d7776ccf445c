//! `EXPLAIN` of the statements that a development server's traces have shown, and of nothing else: a client sends an id,
//! never SQL.

use std::{
    fmt::{self, Debug, Formatter},
    sync::Arc,
};

use futures::future::BoxFuture;
use hive_router::http::StatusCode;
use moka::{policy::EvictionPolicy, sync::Cache};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use telemetry::trace::{Statement, is_explainable};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

/// The memory for statements, in bytes: a few thousand.
const MAX_BYTES: u64 = 2 * 1024 * 1024;
/// Longer than any of ours.
const MAX_STATEMENT_BYTES: usize = 16 * 1024;
/// What an entry takes beside its text.
const ENTRY_BYTES: usize = 128;
/// 128 bits: no two statements have the same id.
const ID_BYTES: usize = 16;

/// Explains a subgraph's statement, as the subgraph's role, without executing it.
#[derive(Clone)]
pub struct Explain(Arc<dyn Fn(Explained) -> BoxFuture<'static, Result<Value, ExplainError>> + Send + Sync>);

/// A statement to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The subgraph that has executed it.
    pub subgraph: String,
    /// Its text, with placeholders for values.
    pub sql: String,
}

/// The reason why a statement is not explained, for a developer.
#[derive(Debug)]
pub enum ExplainError {
    /// It has no plan.
    Rejected(String),
    /// The database is unavailable.
    Unavailable(String),
}

impl Explain {
    /// Explains by this function, on the runtime of the settings.
    pub fn new(
        explain: impl Fn(Explained) -> BoxFuture<'static, Result<Value, ExplainError>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(explain))
    }
}

impl Debug for Explain {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("Explain")
    }
}

/// The statements that traces have shown, the most recent ones, by id.
pub struct ShownStatements {
    explain: Explain,
    runtime: Handle,
    recent: Cache<String, Arc<Explained>>,
}

/// An outcome for the client.
pub struct ExplainResponse {
    pub status: StatusCode,
    pub body: Value,
}

impl ShownStatements {
    pub fn new(explain: Explain, runtime: Handle) -> Self {
        let bytes = |id: &String, statement: &Arc<Explained>| {
            let bytes = ENTRY_BYTES + id.len() + statement.subgraph.len() + statement.sql.len();
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let recent = Cache::builder().weigher(bytes).max_capacity(MAX_BYTES).eviction_policy(EvictionPolicy::lru());
        Self { explain, runtime, recent: recent.build() }
    }

    /// Remembers a statement, if it can be explained, and returns its id.
    pub fn remember(&self, subgraph: &str, statement: &Statement) -> Option<String> {
        let Statement { sql, catalog, .. } = statement;
        if *catalog || sql.len() > MAX_STATEMENT_BYTES || !is_explainable(sql) {
            return None;
        }
        let id = id(subgraph, sql);
        let statement = Explained { subgraph: subgraph.to_owned(), sql: sql.clone() };
        self.recent.insert(id.clone(), Arc::new(statement));
        Some(id)
    }

    /// Explains a remembered statement.
    pub async fn explain(&self, id: &str) -> ExplainResponse {
        let Some(statement) = self.recent.get(id) else {
            return ExplainResponse::error(
                StatusCode::NOT_FOUND,
                "This statement is not remembered: run its operation again, with a trace.",
            );
        };
        // On the runtime of its database connections.
        let explaining = self.runtime.spawn((self.explain.0)(Explained::clone(&statement)));
        match AbortOnDropHandle::new(explaining).await {
            Ok(Ok(plan)) => {
                let body = json!({ "subgraph": statement.subgraph, "sql": statement.sql, "plan": plan });
                ExplainResponse { status: StatusCode::OK, body }
            }
            Ok(Err(ExplainError::Rejected(reason))) => {
                ExplainResponse::error(StatusCode::UNPROCESSABLE_ENTITY, &reason)
            }
            Ok(Err(ExplainError::Unavailable(reason))) => {
                ExplainResponse::error(StatusCode::SERVICE_UNAVAILABLE, &reason)
            }
            Err(_panic) => {
                ExplainResponse::error(StatusCode::INTERNAL_SERVER_ERROR, "The statement could not be explained.")
            }
        }
    }
}

impl ExplainResponse {
    fn error(status: StatusCode, error: &str) -> Self {
        Self { status, body: json!({ "error": error }) }
    }
}

fn id(subgraph: &str, sql: &str) -> String {
    let digest = Sha256::new().chain_update(subgraph).chain_update([0_u8]).chain_update(sql).finalize();
    hex::encode(&digest[..ID_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown() -> ShownStatements {
        let explain = |explained: Explained| Box::pin(async move { Ok(json!({ "of": explained.sql })) }) as _;
        ShownStatements::new(Explain::new(explain), Handle::current())
    }

    fn statement(sql: impl Into<String>) -> Statement {
        Statement { sql: sql.into(), start: 0, duration: 0, rows: 0, catalog: false }
    }

    #[tokio::test]
    async fn a_shown_statement_is_explained_by_its_id() {
        let shown = shown();
        let id = shown.remember("course", &statement("select 1")).expect("it has a plan");

        let answer = shown.explain(&id).await;

        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.body, json!({ "subgraph": "course", "sql": "select 1", "plan": { "of": "select 1" } }));
        assert_eq!(shown.remember("course", &statement("select 1")), Some(id.clone()), "the same id each time");
        assert_ne!(shown.remember("identity", &statement("select 1")), Some(id));
    }

    #[tokio::test]
    async fn nothing_else_is_explained() {
        let shown = shown();
        let catalog = Statement { catalog: true, ..statement("select 1 from pg_catalog.pg_type") };

        assert_eq!(shown.remember("course", &catalog), None);
        for sql in ["BEGIN", "select 1; drop table courses", "truncate courses"] {
            assert_eq!(shown.remember("course", &statement(sql)), None, "{sql}");
        }
        let long = format!("select '{}'", "x".repeat(MAX_STATEMENT_BYTES));
        assert_eq!(shown.remember("course", &statement(long)), None);
        for unknown in ["", "select 1", &id("course", "select 1"), "../playground.json"] {
            assert_eq!(shown.explain(unknown).await.status, StatusCode::NOT_FOUND, "{unknown}");
        }
    }

    #[tokio::test]
    async fn the_oldest_statements_are_forgotten() {
        let shown = shown();
        let padding = "x".repeat(8 * 1024);
        let ids: Vec<_> = (0..1_000)
            .map(|number| shown.remember("course", &statement(format!("select {number}, '{padding}'"))))
            .map(|id| id.expect("it has a plan"))
            .collect();
        shown.recent.run_pending_tasks();

        assert!(shown.recent.weighted_size() <= MAX_BYTES);
        assert_eq!(shown.explain(&ids[0]).await.status, StatusCode::NOT_FOUND);
        assert_eq!(shown.explain(&ids[999]).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_reason_is_told() {
        let reasons: [(fn() -> ExplainError, StatusCode); 2] = [
            (|| ExplainError::Rejected("no".to_owned()), StatusCode::UNPROCESSABLE_ENTITY),
            (|| ExplainError::Unavailable("no".to_owned()), StatusCode::SERVICE_UNAVAILABLE),
        ];
        for (error, status) in reasons {
            let explain = Explain::new(move |_| Box::pin(async move { Err(error()) }));
            let shown = ShownStatements::new(explain, Handle::current());
            let id = shown.remember("course", &statement("select 1")).expect("it has a plan");

            let answer = shown.explain(&id).await;

            assert_eq!((answer.status, answer.body), (status, json!({ "error": "no" })));
        }
    }
}
