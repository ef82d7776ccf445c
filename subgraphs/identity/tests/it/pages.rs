//! The list of teachers who wait for verification, page by page.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::ids::new_id_and_time;
use serde_json::{Value, json};
use sqlx::{PgPool, query};
use subgraph_kit::page::Cursor;
use subgraph_testing::{StatementCount, TestApp};
use uuid::{Builder, Uuid};

use crate::fixtures::app;

const LIST: &str = "query ($first: Int, $after: String, $last: Int, $before: String) {
    unverifiedTeachers(first: $first, after: $after, last: $last, before: $before) {
        nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount
    }
}";

async fn insert(db: &PgPool, id: Uuid, created_at: DateTime<Utc>) {
    query("insert into users (id, email, password_hash, name, role, created_at) values ($1, $1 || '@lyceum.example', '!', 'Tom', 'teacher', $2)")
        .bind(id)
        .bind(created_at)
        .execute(db)
        .await
        .expect("a teacher");
}

/// Teachers of a legacy system: ids in no order, and many at the same instant. The oldest first.
async fn insert_earlier_teachers(db: &PgPool, count: i64) -> Vec<Uuid> {
    let start = DateTime::from_timestamp(1_700_000_000, 123_456_000).expect("a time");
    let mut teachers: Vec<_> = (0..count)
        .map(|number| {
            (start + TimeDelta::microseconds(number / 4), Builder::from_random_bytes(rand::random()).into_uuid())
        })
        .collect();
    teachers.sort_unstable();
    for (created_at, id) in &teachers {
        insert(db, *id, *created_at).await;
    }
    teachers.into_iter().map(|(_, id)| id).collect()
}

async fn insert_new_teachers(db: &PgPool, count: usize) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let (id, created_at) = new_id_and_time();
        insert(db, id, created_at).await;
        ids.push(id);
    }
    ids
}

async fn page(app: &TestApp, arguments: Value) -> Value {
    app.admin().send(LIST, arguments).await.ok().data("/unverifiedTeachers").clone()
}

fn ids(page: &Value) -> Vec<Uuid> {
    let nodes = page["nodes"].as_array().expect("nodes").iter();
    nodes.map(|node| node["id"].as_str().expect("an id").parse().expect("a UUID")).collect()
}

async fn walk_forward(app: &TestApp, size: i32) -> Vec<Uuid> {
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = page(app, json!({ "first": size, "after": after })).await;
        seen.extend(ids(&page));
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            return seen;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

async fn walk_backward(app: &TestApp, size: i32) -> Vec<Uuid> {
    let mut seen = Vec::new();
    let mut before = Value::Null;
    loop {
        let page = page(app, json!({ "last": size, "before": before })).await;
        seen = [ids(&page), seen].concat();
        if page["pageInfo"]["hasPreviousPage"] == json!(false) {
            return seen;
        }
        before = page["pageInfo"]["startCursor"].clone();
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn both_directions_meet_every_teacher_of_a_legacy_system_once(db: PgPool) {
    let teachers = insert_earlier_teachers(&db, 23).await;
    let app = app(db).await;

    for size in [1, 5, 23, 100] {
        assert_eq!(walk_forward(&app, size).await, teachers);
        assert_eq!(walk_backward(&app, size).await, teachers);
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn both_directions_meet_every_new_teacher_once(db: PgPool) {
    let teachers = insert_new_teachers(&db, 23).await;
    let app = app(db).await;

    for size in [1, 5, 23, 100] {
        assert_eq!(walk_forward(&app, size).await, teachers);
        assert_eq!(walk_backward(&app, size).await, teachers);
    }
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn only_teachers_who_wait_are_listed_and_counted(db: PgPool) {
    let app = app(db).await;

    let page = page(&app, json!({ "first": 1 })).await;

    assert_eq!(ids(&page), [crate::fixtures::TOM]);
    assert_eq!(page["totalCount"], json!(2));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn what_comes_and_goes_between_two_pages_moves_nobody_else(db: PgPool) {
    let mut teachers = insert_new_teachers(&db, 10).await;
    let app = app(db.clone()).await;

    let first = page(&app, json!({ "first": 4 })).await;
    query("delete from users where id = any($1)").bind(&teachers[3..5]).execute(&db).await.expect("a deletion");
    query("update users set is_verified = true where id = $1").bind(teachers[0]).execute(&db).await.expect("an update");
    teachers.extend(insert_new_teachers(&db, 2).await);
    let second = page(&app, json!({ "first": 100, "after": first["pageInfo"]["endCursor"] })).await;

    assert_eq!(ids(&first), teachers[..4]);
    assert_eq!(ids(&second), teachers[5..]);
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn wrong_arguments_are_refused(db: PgPool) {
    let app = app(db).await;
    let foreign = Cursor { time: Utc::now(), id: Uuid::now_v7() }.encode("course");

    for arguments in [
        json!({ "first": 0 }),
        json!({ "first": -1 }),
        json!({ "first": 101 }),
        json!({ "last": 101 }),
        json!({ "first": 1, "last": 1 }),
        json!({ "after": "" }),
        json!({ "after": "nonsense" }),
        json!({ "after": foreign }),
        json!({ "before": foreign }),
    ] {
        let reply = app.admin().send(LIST, arguments.clone()).await;

        assert_eq!(reply.error(), Some("BAD_USER_INPUT"), "{arguments}");
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_page_of_any_size_and_the_total_take_two_statements(db: PgPool) {
    insert_new_teachers(&db, 100).await;
    let app = app(db).await;

    for size in [1, 20, 100] {
        let statements = StatementCount::start();
        page(&app, json!({ "first": size })).await;

        assert_eq!(statements.get(), 2, "{size} teachers");
    }
}
