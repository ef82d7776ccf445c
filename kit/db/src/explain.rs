//! The plan of a statement, as PostgreSQL estimates it without the values of its parameters. Nothing is executed.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection, Row as _, query_as, raw_sql};
use telemetry::trace::is_explainable;

use crate::{DbPool, availability::is_unavailable};

/// EXPLAIN takes milliseconds, unless a lock on a table keeps it waiting.
const SETTINGS: &str = "set transaction read only; set local statement_timeout = '1s'";
/// What a step compares, sorts and groups by: text of the statement and names of columns, never values.
const DETAILS: [&str; 11] = [
    "Index Cond",
    "Recheck Cond",
    "Filter",
    "Hash Cond",
    "Merge Cond",
    "Join Filter",
    "Order By",
    "Sort Key",
    "Presorted Key",
    "Group Key",
    "Conflict Resolution",
];

/// A step of a plan.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanStep {
    /// What it does, in PostgreSQL's words: `Index Scan`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `Insert`, `Update` or `Delete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The kind of a join: `Inner`, `Left`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join: Option<String>,
    /// The name of a subquery, as other steps refer to it: `InitPlan 1 (returns $0)`, `CTE due`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The table, common table expression or function that it reads, or the table that it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// What the statement calls the table, if it is another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// How many rows the table is estimated to have; `None` if that is unknown, or if it is no table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_rows: Option<u64>,
    /// The index that it uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The estimated number of rows that it returns.
    pub rows: u64,
    /// The estimated cost until its last row, that of the steps below it included, in PostgreSQL's unit.
    pub cost: f64,
    /// Its conditions and sort keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
    /// The steps whose rows it reads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<PlanStep>,
}

/// A condition or sort key of a step.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// PostgreSQL's name for it: `Index Cond`.
    pub name: &'static str,
    /// As SQL.
    pub sql: String,
}

/// The reason why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// It is no single statement that has a plan.
    #[error("only a single SELECT, INSERT, UPDATE, DELETE or MERGE has a plan")]
    NoPlan,
    /// PostgreSQL rejects it. Its message names no values: it got none.
    #[error("{0}")]
    Rejected(String),
    /// The database has not answered in time.
    #[error("the database has not answered in time")]
    Unavailable,
}

impl From<sqlx::Error> for ExplainError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            error if is_unavailable(&error) => Self::Unavailable,
            sqlx::Error::Database(database) => Self::Rejected(database.message().to_owned()),
            _ => Self::Unavailable,
        }
    }
}

/// Plans a statement of ours, with the privileges of the pool's role, in a read-only transaction that is rolled back.
///
/// # Errors
/// [`ExplainError`]: there is no plan, or not now.
pub async fn explain(db: &DbPool, sql: &str) -> Result<PlanStep, ExplainError> {
    // The simple protocol, which needs no values, would run a second statement, too.
    if !is_explainable(sql) {
        return Err(ExplainError::NoPlan);
    }
    let mut transaction = db.begin().await?;
    let plan = plan(&mut transaction, sql).await;
    transaction.rollback().await?;
    plan
}

async fn plan(db: &mut PgConnection, sql: &str) -> Result<PlanStep, ExplainError> {
    raw_sql(SETTINGS).execute(&mut *db).await?;
    let statement = AssertSqlSafe(format!("explain (generic_plan, format json) {sql}"));
    let row = raw_sql(statement).fetch_one(&mut *db).await?;
    let json: String = row.try_get_unchecked(0)?;
    let plans: Value = serde_json::from_str(&json).map_err(|_| ExplainError::Unavailable)?;
    let mut plan = plans[0]["Plan"].as_object().map(PlanStep::read).ok_or(ExplainError::NoPlan)?;

    let mut tables = Vec::new();
    plan.collect_tables(&mut tables);
    plan.set_table_rows(&estimated_rows(db, &tables).await?);
    Ok(plan)
}

/// The rows of the tables that were analyzed or vacuumed.
async fn estimated_rows(db: &mut PgConnection, tables: &[String]) -> Result<BTreeMap<String, u64>, sqlx::Error> {
    let statement = "select relname::text, reltuples::bigint from pg_class
                     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'm')
                       and relname = any($1) and reltuples >= 0";
    let found: Vec<(String, i64)> = query_as(statement).bind(tables).fetch_all(db).await?;
    Ok(found.into_iter().map(|(table, rows)| (table, rows.unsigned_abs())).collect())
}

impl PlanStep {
    fn read(step: &Map<String, Value>) -> Self {
        let text = |name: &str| step.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let number = |name: &str| step.get(name).and_then(Value::as_f64).unwrap_or_default();
        let detail = |name: &'static str| Some(Detail { name, sql: sql(step.get(name)?)? });
        let table = text("Relation Name").or_else(|| text("CTE Name")).or_else(|| text("Function Name"));
        let steps = step.get("Plans").and_then(Value::as_array).into_iter().flatten();
        Self {
            kind: text("Node Type").unwrap_or_default(),
            operation: text("Operation"),
            join: text("Join Type"),
            name: text("Subplan Name"),
            alias: text("Alias").filter(|alias| Some(alias) != table.as_ref()),
            table,
            table_rows: None,
            index: text("Index Name"),
            rows: step.get("Plan Rows").and_then(Value::as_u64).unwrap_or_default(),
            cost: number("Total Cost"),
            details: DETAILS.into_iter().filter_map(detail).collect(),
            steps: steps.filter_map(Value::as_object).map(Self::read).collect(),
        }
    }

    fn collect_tables(&self, tables: &mut Vec<String>) {
        tables.extend(self.table.clone());
        self.steps.iter().for_each(|step| step.collect_tables(tables));
    }

    fn set_table_rows(&mut self, rows: &BTreeMap<String, u64>) {
        let is_of_table = !matches!(self.kind.as_str(), "CTE Scan" | "WorkTable Scan" | "Function Scan");
        self.table_rows = self.table.as_ref().filter(|_| is_of_table).and_then(|table| rows.get(table)).copied();
        self.steps.iter_mut().for_each(|step| step.set_table_rows(rows));
    }
}

/// A condition, or a list of keys.
fn sql(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(keys) => Some(keys.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")),
        _ => None,
    }
}
