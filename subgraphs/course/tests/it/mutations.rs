use serde_json::{Value, json};
use sqlx::{PgPool, query, query_scalar};
use subgraph_testing::{Reply, TestApp};
use uuid::Uuid;

use crate::fixtures::*;

const CREATE: &str = "mutation ($input: CreateCourseInput!) {
    createCourse(input: $input) {
        course { id title description level isFree price durationMinutes createdAt teacher { id } }
        userErrors { code message field }
    }
}";

const UPDATE: &str = "mutation ($input: UpdateCourseInput!) {
    updateCourse(input: $input) {
        course { id title description level isFree price durationMinutes createdAt teacher { id } }
        userErrors { code message field }
    }
}";

async fn create(app: &TestApp, input: Value) -> Reply {
    app.teacher(TERESA).send(CREATE, json!({ "input": input })).await
}

async fn update(app: &TestApp, course: Uuid, mut changes: Value) -> Reply {
    changes["courseId"] = json!(course);
    app.teacher(TERESA).send(UPDATE, json!({ "input": changes })).await
}

/// Inputs that creating and updating a course both reject.
fn faulty() -> [(Value, &'static str); 27] {
    [
        (json!({ "title": "x".repeat(501) }), "title"),
        (json!({ "title": "" }), "title"),
        (json!({ "title": " \n\t" }), "title"),
        (json!({ "title": "Ru\0st" }), "title"),
        (json!({ "title": "\u{200B}" }), "title"),
        (json!({ "title": "Ru\u{202E}st" }), "title"),
        (json!({ "title": "Ru\nst" }), "title"),
        (json!({ "title": "Ru\u{1B}[2Jst" }), "title"),
        (json!({ "title": "Rust\u{7}" }), "title"),
        (json!({ "description": "\u{2066}From" }), "description"),
        (json!({ "description": "a\u{1B}b" }), "description"),
        (json!({ "description": "From\0" }), "description"),
        (json!({ "description": "x".repeat(20_001) }), "description"),
        (json!({ "durationMinutes": -1 }), "durationMinutes"),
        (json!({ "isFree": false }), "price"),
        (json!({ "isFree": true, "price": "1" }), "price"),
        (json!({ "isFree": false, "price": "0" }), "price"),
        (json!({ "isFree": false, "price": "0.00" }), "price"),
        (json!({ "isFree": false, "price": "-1" }), "price"),
        (json!({ "isFree": false, "price": "1.001" }), "price"),
        (json!({ "isFree": false, "price": "10000000000" }), "price"),
        (json!({ "isFree": false, "price": format!("19.{}", "9".repeat(40)) }), "price"),
        (json!({ "isFree": false, "price": "10,50" }), "price"),
        (json!({ "isFree": false, "price": "10.00 " }), "price"),
        (json!({ "isFree": false, "price": "a lot" }), "price"),
        (json!({ "isFree": false, "price": "" }), "price"),
        (json!({ "isFree": false, "price": "1".repeat(100) }), "price"),
    ]
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_created_course_is_in_the_catalogue(db: PgPool) {
    let app = app(db).await;

    let input = json!({
        "title": "Graphs", "description": "And trees", "level": "ADVANCED",
        "isFree": false, "price": "49.9", "durationMinutes": 90,
    });
    let created = create(&app, input).await.ok();
    let course = created.data("/createCourse/course");
    let document = "query ($id: ID!) {
        course(id: $id) { id title description level isFree price durationMinutes createdAt teacher { id } }
    }";
    let found = app.anonymous().send(document, json!({ "id": course["id"] })).await.ok();

    assert_eq!(found.data("/course"), course);
    assert_eq!(course["title"], "Graphs");
    assert_eq!(course["description"], "And trees");
    assert_eq!(course["level"], "ADVANCED");
    assert_eq!(course["isFree"], false);
    assert_eq!(course["price"], "49.90");
    assert_eq!(course["durationMinutes"], 90);
    assert_eq!(course["teacher"]["id"], json!(TERESA));
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_title_is_enough(db: PgPool) {
    let created = create(&app(db).await, json!({ "title": "Rust" })).await.ok();

    let course = created.data("/createCourse/course");
    assert_eq!(course["description"], "");
    assert_eq!(course["level"], "BEGINNER");
    assert_eq!(course["isFree"], true);
    assert_eq!(course["price"], Value::Null);
    assert_eq!(course["durationMinutes"], 0);
    assert_eq!(created.user_errors(), []);
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn the_limits_themselves_are_allowed(db: PgPool) {
    let app = app(db).await;

    for input in [
        json!({ "title": "é".repeat(500) }),
        json!({ "title": "x", "isFree": false, "price": "0.01" }),
        json!({ "title": "x", "isFree": false, "price": "9999999999.99" }),
        json!({ "title": "x", "isFree": false, "price": "1.990" }),
        json!({ "title": "x", "durationMinutes": i32::MAX }),
        json!({ "title": "x", "description": "🦀".repeat(20_000) }),
    ] {
        assert_eq!(create(&app, input).await.ok().user_errors(), []);
    }
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_faulty_course_is_not_created(db: PgPool) {
    let app = app(db.clone()).await;

    for (mut input, field) in faulty() {
        if input["title"].is_null() {
            input["title"] = json!("Rust");
        }
        let reply = create(&app, input.clone()).await.ok();

        assert!(reply.data("/createCourse/course").is_null());
        assert_eq!(reply.user_errors(), [("INVALID_INPUT", field.to_owned())], "{input}");
    }
    let courses: i64 = query_scalar("select count(*) from courses").fetch_one(&db).await.expect("a count");
    assert_eq!(courses, 0);
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn all_faults_are_told_at_once(db: PgPool) {
    let reply = create(&app(db).await, json!({ "title": "", "durationMinutes": -1, "price": "1" })).await.ok();

    let faults = ["title", "durationMinutes", "price"].map(|field| ("INVALID_INPUT", field.to_owned()));
    assert_eq!(reply.user_errors(), faults);
    assert_eq!(reply.data("/createCourse/userErrors/0/field"), &json!(["input", "title"]));
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn what_has_the_wrong_type_is_a_bad_input(db: PgPool) {
    let app = app(db).await;

    for input in [
        json!({ "title": "x", "isFree": false, "price": true }),
        json!({ "title": "x", "isFree": false, "price": { "amount": "1" } }),
        json!({ "title": "x", "durationMinutes": i64::from(i32::MAX) + 1 }),
        json!({ "title": "x", "level": "EXPERT" }),
        json!({ "title": null }),
        json!({}),
    ] {
        let reply = create(&app, input.clone()).await;

        let is_refused = matches!(reply.error(), Some("BAD_USER_INPUT" | "GRAPHQL_VALIDATION_FAILED"));
        assert!(is_refused, "{input}: {}", reply.json);
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn an_update_keeps_what_is_absent(db: PgPool) {
    let app = app(db).await;

    let updated = update(&app, SQL, json!({ "title": "More SQL", "description": null })).await.ok();

    assert_eq!(
        updated.data("/updateCourse/course"),
        &json!({
            "id": SQL,
            "title": "More SQL",
            "description": "Joins, and no rust",
            "level": "INTERMEDIATE",
            "isFree": false,
            "price": "49.99",
            "durationMinutes": 120,
            "createdAt": "2026-01-02T10:00:00.500Z",
            "teacher": { "id": TERESA },
        })
    );
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn an_update_changes_what_is_given(db: PgPool) {
    let app = app(db).await;

    let changes = json!({
        "title": "Rust II", "description": "", "level": "ADVANCED", "isFree": false, "price": "10", "durationMinutes": 0,
    });
    let updated = update(&app, RUST, changes).await.ok();

    let course = updated.data("/updateCourse/course");
    assert_eq!(course["title"], "Rust II");
    assert_eq!(course["description"], "");
    assert_eq!(course["level"], "ADVANCED");
    assert_eq!(course["isFree"], false);
    assert_eq!(course["price"], "10.00");
    assert_eq!(course["durationMinutes"], 0);
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_course_made_free_loses_its_price(db: PgPool) {
    let app = app(db.clone()).await;

    let updated = update(&app, SQL, json!({ "isFree": true })).await.ok();

    assert!(updated.data("/updateCourse/course/price").is_null());
    let price: Option<String> = query_scalar("select price::text from courses where id = $1")
        .bind(SQL)
        .fetch_one(&db)
        .await
        .expect("the course");
    assert_eq!(price, None);
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_faulty_update_changes_nothing(db: PgPool) {
    let app = app(db.clone()).await;
    let everything = "select string_agg(courses::text, ' ' order by id) from courses";
    let before: String = query_scalar(everything).fetch_one(&db).await.expect("the courses");

    for (changes, field) in faulty() {
        let reply = update(&app, RUST, changes.clone()).await.ok();

        assert!(reply.data("/updateCourse/course").is_null());
        assert_eq!(reply.user_errors(), [("INVALID_INPUT", field.to_owned())], "{changes}");
    }
    let priced_but_free = update(&app, RUST, json!({ "price": "1" })).await.ok();
    assert_eq!(priced_but_free.user_errors(), [("INVALID_INPUT", "price".to_owned())]);
    let after: String = query_scalar(everything).fetch_one(&db).await.expect("the courses");
    assert_eq!(after, before);
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn an_imported_description_may_stay_longer_than_a_new_one_can_be(db: PgPool) {
    let imported = "x".repeat(20_001);
    query("update courses set description = $2 where id = $1")
        .bind(SQL)
        .bind(&imported)
        .execute(&db)
        .await
        .expect("a long description");
    let app = app(db).await;

    let renamed = update(&app, SQL, json!({ "title": "Joins" })).await.ok();
    assert_eq!(renamed.data("/updateCourse/course/description"), &imported);
    let sent_back = update(&app, SQL, json!({ "description": imported, "title": "More joins" })).await.ok();
    assert_eq!(sent_back.data("/updateCourse/course/title"), "More joins");

    let longer = update(&app, SQL, json!({ "description": format!("{imported}y") })).await.ok();
    assert_eq!(longer.user_errors(), [("INVALID_INPUT", "description".to_owned())]);
    let shorter = update(&app, SQL, json!({ "description": "x".repeat(20_000) })).await.ok();
    assert_eq!(shorter.user_errors(), []);
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn texts_are_trimmed_and_name_the_character_that_they_must_not_have(db: PgPool) {
    let app = app(db).await;

    let created = create(&app, json!({ "title": " Cafe\u{301} ", "description": "\r\none\r\n\ttwo \n" })).await.ok();
    let rejected = create(&app, json!({ "title": "Ru\u{202E}st" })).await.ok();

    assert_eq!(created.data("/createCourse/course/title"), "Café");
    assert_eq!(created.data("/createCourse/course/description"), "one\n\ttwo");
    let message = rejected.data("/createCourse/userErrors/0/message").as_str().unwrap_or_default().to_owned();
    assert!(message.contains("U+202E"), "{message}");
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn imported_texts_that_stay_as_they_are_may_break_the_rules(db: PgPool) {
    let title = " Im\u{202E}ported\n";
    query("update courses set title = $2, description = $2 where id = $1")
        .bind(SQL)
        .bind(title)
        .execute(&db)
        .await
        .expect("an imported course");
    let app = app(db).await;

    let changed = update(&app, SQL, json!({ "level": "ADVANCED", "title": title, "description": title })).await.ok();
    assert_eq!(changed.data("/updateCourse/course/title"), title);
    let worse = update(&app, SQL, json!({ "title": format!("{title}x") })).await.ok();
    assert_eq!(worse.user_errors(), [("INVALID_INPUT", "title".to_owned())]);
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_course_that_is_not_there_cannot_be_updated(db: PgPool) {
    let reply = update(&app(db).await, NOBODY, json!({ "title": "x" })).await.ok();

    assert!(reply.data("/updateCourse/course").is_null());
    assert_eq!(reply.user_errors(), [("NOT_FOUND", "courseId".to_owned())]);
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn another_teachers_course_stays_as_it_is(db: PgPool) {
    let reply = update(&app(db.clone()).await, LATIN, json!({ "title": "Mine" })).await;

    assert_eq!(reply.error(), Some("FORBIDDEN"));
    let title: String =
        query_scalar("select title from courses where id = $1").bind(LATIN).fetch_one(&db).await.expect("the course");
    assert_eq!(title, "Latin");
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn two_updates_at_once_both_count(db: PgPool) {
    let app = app(db).await;

    let (title, level) =
        tokio::join!(update(&app, SQL, json!({ "title": "Joins" })), update(&app, SQL, json!({ "level": "ADVANCED" })));
    let after = update(&app, SQL, json!({})).await.ok();

    assert_eq!((title.ok().user_errors(), level.ok().user_errors()), (vec![], vec![]));
    assert_eq!(after.data("/updateCourse/course/title"), "Joins");
    assert_eq!(after.data("/updateCourse/course/level"), "ADVANCED");
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn an_unverified_teacher_learns_what_is_missing(db: PgPool) {
    let reply = app(db).await.unverified_teacher(ULA).send(CREATE, json!({ "input": { "title": "Graphs" } })).await;

    assert_eq!(reply.error(), Some("FORBIDDEN"));
    let message = reply.json.pointer("/errors/0/message").and_then(Value::as_str).unwrap_or_default();
    assert!(message.contains("refresh your session"), "{message}");
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn what_a_variable_leaves_out_has_its_default(db: PgPool) {
    let document = "mutation ($title: String!, $description: String, $level: CourseLevel, $free: Boolean, $price: Decimal, $minutes: Int) {
        createCourse(input: {
            title: $title, description: $description, level: $level, isFree: $free, price: $price, durationMinutes: $minutes
        }) { course { title description level isFree price durationMinutes } userErrors { code field } }
    }";

    let reply = app(db).await.teacher(TERESA).send(document, json!({ "title": "Rust" })).await.ok();

    assert_eq!(
        reply.data("/createCourse/course"),
        &json!({
            "title": "Rust", "description": "", "level": "BEGINNER", "isFree": true, "price": null, "durationMinutes": 0
        })
    );
}
