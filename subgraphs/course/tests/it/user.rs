use serde_json::{Value, json};
use sqlx::{PgPool, query, query_scalar};
use subgraph_testing::{StatementCount, list::List};
use uuid::Uuid;

use crate::fixtures::*;

fn courses_of(teacher: Uuid) -> List {
    List::of(user_key(teacher), "courses")
}

fn user_key(user: Uuid) -> Value {
    json!({ "__typename": "User", "id": user })
}

async fn publish(db: &PgPool, teacher: Uuid, count: i32) {
    query(
        "insert into courses (teacher_id, title, created_at)
         select $1, 'Course ' || n, timestamptz '2026-01-01' + (n / 5) * interval '1 second'
         from generate_series(1, $2) as n",
    )
    .bind(teacher)
    .bind(count)
    .execute(db)
    .await
    .expect("the courses are inserted");
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_teachers_courses_are_listed_newest_first(db: PgPool) {
    let (list, client) = (courses_of(TERESA), app(db).await.anonymous());

    let page = list.page(&client, "first: 20").await.ok();

    assert_eq!(list.ids(&page), [SQL, RUST].map(|id| id.to_string()));
    assert_eq!(list.total(&page), 2);
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn whoever_teaches_nothing_has_an_empty_list(db: PgPool) {
    let (list, client) = (courses_of(ALICE), app(db).await.anonymous());

    let page = list.page(&client, "first: 20").await.ok();

    assert_eq!(list.ids(&page), [""; 0]);
    assert_eq!(list.total(&page), 0);
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_key_that_is_no_id_costs_only_its_own_edge(db: PgPool) {
    let users = [user_key(TERESA), json!({ "__typename": "User", "id": "no id at all" }), user_key(NOBODY)];

    let reply = app(db).await.anonymous().entities("... on User { courses { totalCount } }", json!(users)).await.ok();

    assert_eq!(
        reply.data("/_entities"),
        &json!([{ "courses": { "totalCount": 2 } }, null, { "courses": { "totalCount": 0 } }])
    );
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn pages_join_without_a_gap_in_both_directions(db: PgPool) {
    publish(&db, TERESA, 23).await;
    publish(&db, TOM, 7).await;
    let client = app(db.clone()).await.anonymous();
    let all: Vec<String> =
        query_scalar("select id::text from courses where teacher_id = $1 order by created_at desc, id desc")
            .bind(TERESA)
            .fetch_all(&db)
            .await
            .expect("the courses are read");

    courses_of(TERESA).check(&client, all).await;
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn the_statements_do_not_grow_with_the_lists(db: PgPool) {
    let app = app(db.clone()).await;

    for length in [1, 20, 100] {
        let teachers: Vec<_> = (0..length).map(|_| Uuid::now_v7()).collect();
        for teacher in &teachers {
            publish(&db, *teacher, length).await;
        }
        let statements = StatementCount::start();
        let selection = "... on User { courses(first: 100) { nodes { id title } totalCount } }";
        let reply = app.anonymous().entities(selection, teachers.into_iter().map(user_key).collect()).await.ok();

        assert_eq!(reply.data("/_entities/0/courses/totalCount"), length);
        assert_eq!(statements.get(), 2, "{length} teachers with {length} courses each");
    }
}
