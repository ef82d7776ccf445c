//! Statements whose client has gone.

use serde_json::json;
use sqlx::{Connection as _, PgPool, query, query_scalar};

use crate::{fixtures::*, pool::*};

/// Queries, and the statement of each.
const ABANDONED: [(&str, &str); 3] = [
    ("{ courses(filter: { search: \"rust\" }) { nodes { id } } }", SEARCHES),
    (PAGE, PAGES),
    ("{ course(id: \"00000000-0000-0000-0000-00c0115e0001\") { title } }", "%where id = any($1)%"),
];

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_statement_ends_when_nobody_waits_for_it(db: PgPool) {
    let app = app_with_five_connections(&db).await;
    let holder = hold_the_table(&db).await;

    for (document, kind) in ABANDONED {
        let asked = ask(app.anonymous(), document.to_owned());
        wait_for(&db, kind, 1).await;
        asked.abort();
        wait_for(&db, kind, 0).await;
    }

    holder.close().await.expect("the table is free");
    for (document, _) in ABANDONED {
        assert_eq!(app.anonymous().send(document, json!({})).await.errors(), [""; 0]);
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn an_abandoned_search_that_ends_soon_keeps_its_connection(db: PgPool) {
    let app = app_with_five_connections(&db).await;

    // On a busy machine one may not end soon.
    for _ in 0..20 {
        let holder = hold_the_table(&db).await;
        let asked = ask(app.anonymous(), ABANDONED[0].0.to_owned());
        wait_for(&db, SEARCHES, 1).await;
        let searched_by = pid_of(&db, SEARCHES).await;
        asked.abort();
        holder.close().await.expect("the table is free");
        wait_for(&db, SEARCHES, 0).await;

        // The next statement takes the connection that was released last.
        let holder = hold_the_table(&db).await;
        let asked = ask(app.anonymous(), PAGE.to_owned());
        wait_for(&db, PAGES, 1).await;
        let read_by = pid_of(&db, PAGES).await;
        holder.close().await.expect("the table is free");
        asked.await.expect("a reply");
        if searched_by == read_by {
            return;
        }
    }
    panic!("each abandoned search has lost its connection");
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_statement_ends_with_the_time_of_its_request(db: PgPool) {
    let app = app_with_five_connections(&db).await;
    let holder = hold_the_table(&db).await;

    let late = app.anonymous().send(PAGE, json!({})).await;

    assert_eq!(late.errors(), ["SERVICE_UNAVAILABLE"]);
    wait_for(&db, PAGES, 0).await;
    holder.close().await.expect("the table is free");
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_change_that_nobody_waits_for_lets_go_of_its_row(db: PgPool) {
    let app = app_with_five_connections(&db).await;
    let mut other = connection(&db).await;
    query("begin").execute(&mut other).await.expect("a transaction");
    query("select from courses where id = $1 for update").bind(SQL).execute(&mut other).await.expect("the row");
    let change = format!(
        "mutation {{ updateCourse(input: {{ courseId: \"{SQL}\", title: \"Late\" }}) {{ userErrors {{ code }} }} }}"
    );

    let asked = ask(app.teacher(TERESA), change);
    wait_for(&db, "%for update%", 1).await;
    asked.abort();
    wait_for(&db, "%for update%", 0).await;
    // A statement that was disconnected but not cancelled would lock the row now.
    query("rollback").execute(&mut other).await.expect("the row is free");

    let locks = "select count(*) from pg_locks where relation = 'courses'::regclass and pid <> pg_backend_pid()";
    let locks: i64 = query_scalar(locks).fetch_one(&db).await.expect("a number");
    assert_eq!(locks, 0);
    let title: String =
        query_scalar("select title from courses where id = $1").bind(SQL).fetch_one(&db).await.expect("it");
    assert_eq!(title, "SQL");
}
