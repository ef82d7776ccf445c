//! `createCourse` with an idempotency key.

use std::collections::HashSet;

use serde_json::{Value, json};
use sqlx::{PgPool, query, query_scalar};
use subgraph_testing::{Client, Reply};

use crate::fixtures::*;

const CREATE: &str = "mutation ($input: CreateCourseInput!) {
    createCourse(input: $input) { course { id title price } userErrors { code message field } }
}";

async fn create(client: &Client, input: Value) -> Reply {
    client.send(CREATE, json!({ "input": input })).await.ok()
}

fn course(key: &str) -> Value {
    json!({ "title": "Rust", "isFree": false, "price": "49.90", "idempotencyKey": key })
}

async fn count(db: &PgPool) -> i64 {
    query_scalar("select count(*) from courses").fetch_one(db).await.expect("the database answers")
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_repeated_request_returns_the_same_course(db: PgPool) {
    let app = app(db.clone()).await;
    let teresa = app.teacher(TERESA);

    let first = create(&teresa, course("one")).await;
    // The same input in other words.
    let mut again = course("one");
    again["price"] = json!("49.9");
    again["title"] = json!(" Rust ");
    again["level"] = json!("BEGINNER");
    let again = create(&teresa, again).await;
    query("update courses set title = 'Rust II'").execute(&db).await.expect("an update");
    let later = create(&teresa, course("one")).await;

    assert_eq!(first.data("/createCourse/course/title"), "Rust");
    assert_eq!(again.data("/createCourse"), first.data("/createCourse"));
    assert_eq!(later.data("/createCourse/course/id"), first.data("/createCourse/course/id"));
    assert_eq!(later.data("/createCourse/course/title"), "Rust II");
    assert_eq!(count(&db).await, 1);
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_key_is_one_teachers_and_one_inputs(db: PgPool) {
    let app = app(db.clone()).await;
    let (teresa, tom) = (app.teacher(TERESA), app.teacher(TOM));
    create(&teresa, course("one")).await;

    for (field, value) in [
        ("title", json!("Rusty")),
        ("description", json!("x")),
        ("price", json!("49.91")),
        ("level", json!("ADVANCED")),
        ("durationMinutes", json!(1)),
        ("isDraft", json!(true)),
    ] {
        let mut other = course("one");
        other[field] = value;
        let reply = create(&teresa, other).await;
        assert_eq!(reply.user_errors(), [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey".to_owned())], "{field}");
    }
    assert_eq!(count(&db).await, 1);
    assert_eq!(create(&tom, course("one")).await.user_errors(), []);
    assert_eq!(create(&teresa, course("two")).await.user_errors(), []);
    for _ in 0..2 {
        assert_eq!(create(&teresa, json!({ "title": "Rust" })).await.user_errors(), []);
    }
    assert_eq!(count(&db).await, 5);
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_key_has_1_to_255_characters(db: PgPool) {
    let app = app(db.clone()).await;

    for key in ["", "a\0b", &"é".repeat(256)] {
        let reply = create(&app.teacher(TERESA), course(key)).await;
        assert_eq!(reply.user_errors(), [("INVALID_INPUT", "idempotencyKey".to_owned())], "{key}");
    }
    let mut faulty = course("");
    faulty["title"] = json!("");
    let faults = ["title", "idempotencyKey"].map(|field| ("INVALID_INPUT", field.to_owned()));
    assert_eq!(create(&app.teacher(TERESA), faulty).await.user_errors(), faults);
    for key in [" ", &"é".repeat(255)] {
        assert_eq!(create(&app.teacher(TERESA), course(key)).await.user_errors(), []);
    }
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_key_whose_course_is_gone_makes_no_other(db: PgPool) {
    let app = app(db.clone()).await;
    create(&app.teacher(TERESA), course("one")).await;
    query("delete from courses").execute(&db).await.expect("it is deleted");

    let reply = create(&app.teacher(TERESA), course("one")).await;

    assert_eq!(reply.user_errors(), [("NOT_FOUND", "idempotencyKey".to_owned())]);
    assert_eq!(count(&db).await, 0);
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_key_is_forgotten_after_30_days(db: PgPool) {
    let app = app(db.clone()).await;
    let teresa = app.teacher(TERESA);
    let first = create(&teresa, course("one")).await;
    let age = "update create_course_requests set created_at = created_at - make_interval(days => $1)";
    query(age).bind(29).execute(&db).await.expect("a month passes");
    create(&teresa, course("two")).await;

    assert_eq!(create(&teresa, course("one")).await.data("/createCourse"), first.data("/createCourse"));
    query(age).bind(2).execute(&db).await.expect("two days pass");
    // A key does not forget itself.
    assert_eq!(create(&teresa, course("one")).await.data("/createCourse"), first.data("/createCourse"));
    assert_eq!(create(&app.teacher(TOM), json!({ "title": "Latin" })).await.user_errors(), []);
    let keys = query_scalar::<_, String>("select idempotency_key from create_course_requests").fetch_all(&db).await;
    assert_eq!(keys.expect("the keys"), ["two"]);
    assert_eq!(create(&teresa, course("one")).await.user_errors(), []);
    assert_eq!(count(&db).await, 4);
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn ten_equal_requests_at_once_make_one_course(db: PgPool) {
    let app = app(db.clone()).await;
    let requests: Vec<_> = (0..10)
        .map(|_| {
            let teresa = app.teacher(TERESA);
            tokio::spawn(async move { create(&teresa, course("one")).await })
        })
        .collect();

    let mut ids = HashSet::new();
    for request in requests {
        let reply = request.await.expect("an answer");
        assert_eq!(reply.user_errors(), []);
        ids.insert(reply.data("/createCourse/course/id").to_string());
    }

    assert_eq!(ids.len(), 1);
    assert_eq!(count(&db).await, 1);
}
