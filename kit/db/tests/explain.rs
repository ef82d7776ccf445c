//! The plan of a statement: estimated, and not executed.

use std::time::{Duration, Instant};

use db::{
    DbPool,
    explain::{ExplainError, PlanStep, explain},
};
use sqlx::{AssertSqlSafe, Connection as _, PgPool, query, query_scalar, raw_sql};

const ROWS: i64 = 2_000;

/// A table with two kinds of rows, of which there are statistics.
async fn make_marks(db: &PgPool) -> DbPool {
    let statements = format!(
        "create table marks (id bigint primary key, owner text not null, note text);
         insert into marks select number, 'ada@lyceum.example', 'secret' from generate_series(1, {ROWS}) as number;
         analyze marks"
    );
    raw_sql(AssertSqlSafe(statements)).execute(db).await.expect("a table");
    DbPool::from(db)
}

/// Each of its steps, from the top.
fn steps(plan: &PlanStep) -> Vec<&PlanStep> {
    [plan].into_iter().chain(plan.steps.iter().flat_map(steps)).collect()
}

async fn fingerprint(db: &PgPool) -> (i64, Option<String>) {
    let count = query_scalar("select count(*) from marks").fetch_one(db).await.expect("a number");
    let all = query_scalar("select md5(string_agg(marks::text, ',' order by id)) from marks");
    (count, all.fetch_one(db).await.expect("a text"))
}

#[sqlx::test(migrations = false)]
async fn a_plan_names_tables_indexes_rows_and_costs(db: PgPool) {
    let pool = make_marks(&db).await;

    let scan =
        explain(&pool, "select note from marks where note ilike $1 order by owner limit $2").await.expect("a plan");
    let lookup = explain(&pool, "select m.note from marks m where m.id = any($1)").await.expect("a plan");

    let steps = steps(&scan);
    let kinds: Vec<_> = steps.iter().map(|step| step.kind.as_str()).collect();
    assert_eq!(kinds, ["Limit", "Sort", "Seq Scan"]);
    let seq = steps[2];
    assert_eq!((seq.table.as_deref(), seq.table_rows), (Some("marks"), Some(2_000)));
    assert_eq!(
        seq.details.iter().map(|it| (it.name, it.sql.as_str())).collect::<Vec<_>>(),
        [("Filter", "(note ~~* $1)")]
    );
    assert!(seq.cost > 0.0 && seq.cost <= steps[1].cost && seq.rows < 2_000, "{scan:?}");

    let steps = self::steps(&lookup);
    assert!(steps.iter().any(|step| step.index.as_deref() == Some("marks_pkey")), "{lookup:?}");
    let named = steps.into_iter().find(|step| step.table.is_some()).expect("a table");
    assert_eq!((named.table.as_deref(), named.alias.as_deref()), (Some("marks"), Some("m")));
}

#[sqlx::test(migrations = false)]
async fn a_change_is_explained_and_not_made(db: PgPool) {
    let pool = make_marks(&db).await;
    let before = fingerprint(&db).await;

    for (sql, operation) in [
        ("insert into marks (id, owner) values ($1, $2) on conflict (id) do nothing returning id", "Insert"),
        ("update marks set note = $1 where id = $2", "Update"),
        ("delete from marks", "Delete"),
        ("with gone as (delete from marks where id = $1 returning id) select count(*) from gone", "Delete"),
        ("with due as (select id from marks for update skip locked) update marks set note = 'x' from due", "Update"),
    ] {
        let plan = explain(&pool, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let found = steps(&plan).into_iter().find_map(|step| step.operation.clone());
        assert_eq!(found.as_deref(), Some(operation), "{sql}");
    }

    assert_eq!(fingerprint(&db).await, before);
    query("insert into marks (id, owner) values (0, 'it is no read-only session')").execute(&db).await.expect("in");
}

#[sqlx::test(migrations = false)]
async fn a_plan_has_nobodys_values(db: PgPool) {
    let pool = make_marks(&db).await;

    // Statistics know them.
    for sql in
        ["select note from marks where owner = $1", "select owner, count(*) from marks where note <> $1 group by owner"]
    {
        let plan = format!("{:?}", explain(&pool, sql).await.expect("a plan"));
        assert!(plan.contains("$1") && !plan.contains("ada@") && !plan.contains("secret"), "{plan}");
    }
}

#[sqlx::test(migrations = false)]
async fn what_is_no_single_statement_with_a_plan_does_not_reach_the_database(db: PgPool) {
    let pool = make_marks(&db).await;
    let before = fingerprint(&db).await;

    for sql in [
        "select 1; drop table marks",
        "select 1; commit; delete from marks",
        "truncate marks",
        "analyze delete from marks",
        "(analyze) delete from marks",
        "create table more as select 1",
    ] {
        let error = explain(&pool, sql).await.expect_err(sql);
        assert!(matches!(error, ExplainError::NoPlan), "{sql}: {error}");
    }
    // What it takes for a statement, PostgreSQL does not.
    for sql in ["select from nothing", "select pg_sleep(60) from", "with x"] {
        let error = explain(&pool, sql).await.expect_err(sql);
        assert!(matches!(error, ExplainError::Rejected(_)), "{sql}: {error}");
    }
    assert!(explain(&pool, "select pg_sleep(60)").await.is_ok(), "it is not executed");
    assert_eq!(fingerprint(&db).await, before);
}

#[sqlx::test(migrations = false)]
async fn it_has_the_privileges_of_the_role_and_no_others(db: PgPool) {
    make_marks(&db).await;
    let name = format!("reader {}", db.connect_options().get_database().expect("a database").split_at(40).1);
    let make =
        format!("create role \"{name}\" login password 's3cret'; grant select (id, note) on marks to \"{name}\"");
    raw_sql(AssertSqlSafe(make)).execute(&db).await.expect("a role");
    let reader = DbPool::new(
        db.connect_options().as_ref().clone().username(&name).password("s3cret"),
        1,
        Duration::from_secs(5),
    );

    assert!(explain(&reader, "select note from marks where id = $1").await.is_ok());
    for sql in ["select owner from marks", "update marks set note = $1", "delete from marks"] {
        let error = explain(&reader, sql).await.expect_err(sql);
        assert_eq!(error.to_string(), "permission denied for table marks", "{sql}");
    }

    reader.close().await;
    let drop = format!("drop owned by \"{name}\"; drop role \"{name}\"");
    raw_sql(AssertSqlSafe(drop)).execute(&db).await.expect("nothing is left of it");
}

#[sqlx::test(migrations = false)]
async fn a_locked_table_does_not_keep_it_waiting(db: PgPool) {
    let pool = make_marks(&db).await;
    let mut other = sqlx::PgConnection::connect_with(db.connect_options().as_ref()).await.expect("a connection");
    let mut locking = other.begin().await.expect("a transaction");
    query("lock table marks in access exclusive mode").execute(&mut *locking).await.expect("a lock");

    let asked = Instant::now();
    let error = explain(&pool, "select note from marks").await.expect_err("the table is locked");

    assert!(matches!(error, ExplainError::Unavailable), "{error}");
    assert!(asked.elapsed() < Duration::from_secs(20));
    locking.rollback().await.expect("the lock is released");
    assert!(explain(&pool, "select note from marks").await.is_ok(), "the connection is usable");
}
