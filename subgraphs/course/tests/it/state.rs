//! Drafts, published and withdrawn courses.

use contracts::{
    CourseId, UserId,
    events::{CourseWithdrawn, EventPayload},
};
use serde_json::{Value, json};
use sqlx::{PgPool, query};
use subgraph_testing::{Client, Reply, TestApp, events::published, list::List};
use uuid::Uuid;

use crate::fixtures::*;

const STATE: &str = "query ($id: ID!) { course(id: $id) { id state } }";

async fn change(client: &Client, mutation: &str, input: Value) -> Reply {
    let type_name = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let document = format!(
        "mutation ($input: {type_name}!) {{ {mutation}(input: $input) {{ course {{ id state }} userErrors {{ code message field }} }} }}"
    );
    client.send(&document, json!({ "input": input })).await
}

async fn publish(client: &Client, course: Uuid) -> Reply {
    change(client, "publishCourse", json!({ "courseId": course })).await
}

async fn withdraw(client: &Client, course: Uuid, reason: Option<&str>) -> Reply {
    change(client, "withdrawCourse", json!({ "courseId": course, "reason": reason })).await
}

async fn draft(app: &TestApp) -> Uuid {
    let input = json!({ "title": "Secret Rust", "isDraft": true, "isFree": false, "price": "20" });
    let reply = change(&app.teacher(TERESA), "createCourse", input).await.ok();
    assert_eq!(reply.data("/createCourse/course/state"), "DRAFT");
    reply.data("/createCourse/course/id").as_str().and_then(|id| id.parse().ok()).expect("an id")
}

async fn state(client: &Client, course: Uuid) -> Value {
    client.send(STATE, json!({ "id": course })).await.ok().data("/course")["state"].clone()
}

/// Everybody who is neither the teacher nor an admin.
fn strangers(app: &TestApp) -> [Client; 4] {
    [app.anonymous(), app.student(ALICE), app.teacher(TOM), app.unverified_teacher(ULA)]
}

fn rejection(code: &'static str, field: &str) -> Vec<(&'static str, String)> {
    vec![(code, field.to_owned())]
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn courses_are_published_unless_they_are_drafts(db: PgPool) {
    let app = app(db).await;

    assert_eq!(state(&app.anonymous(), RUST).await, "PUBLISHED");
    for input in [json!({ "title": "x" }), json!({ "title": "x", "isDraft": false })] {
        let reply = change(&app.teacher(TERESA), "createCourse", input).await.ok();
        assert_eq!(reply.data("/createCourse/course/state"), "PUBLISHED");
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_draft_does_not_exist_for_strangers_through_any_door(db: PgPool) {
    let app = app(db).await;
    let draft = draft(&app).await;
    let teacher_key = json!({ "__typename": "User", "id": TERESA });
    let courses = List::of(teacher_key, "courses");
    let key = json!([{ "__typename": "Course", "id": draft }, { "__typename": "Course", "id": RUST }]);

    for stranger in strangers(&app) {
        assert_eq!(state(&stranger, draft).await, Value::Null);
        let entities = stranger.entities("... on Course { title teacherSeal }", key.clone()).await.ok();
        assert_eq!(entities.data("/_entities/0"), &Value::Null);
        assert_eq!(entities.data("/_entities/1/title"), "Rust");
        let missing = json!([{ "__typename": "Course", "id": NOBODY }]);
        let missing = stranger.entities("... on Course { title teacherSeal }", missing).await.ok();
        assert_eq!(missing.data("/_entities/0"), entities.data("/_entities/0"));
        let page = courses.page(&stranger, "first: 10").await.ok();
        assert_eq!(courses.ids(&page), [SQL, RUST].map(|id| id.to_string()));
        assert_eq!(courses.total(&page), 2);
        for course_state in ["DRAFT", "WITHDRAWN"] {
            let page = courses.page(&stranger, &format!("state: {course_state}")).await.ok();
            assert_eq!((courses.ids(&page).len(), courses.total(&page)), (0, &json!(0)));
        }
    }
    for viewer in [app.teacher(TERESA), app.admin()] {
        assert_eq!(state(&viewer, draft).await, "DRAFT");
        let entities = viewer.entities("... on Course { title }", key.clone()).await.ok();
        assert_eq!(entities.data("/_entities/0/title"), "Secret Rust");
        let page = courses.page(&viewer, "first: 10").await.ok();
        assert_eq!(courses.ids(&page), [draft, SQL, RUST].map(|id| id.to_string()));
        assert_eq!(courses.total(&page), 3);
        let page = courses.page(&viewer, "state: DRAFT").await.ok();
        assert_eq!((courses.ids(&page), courses.total(&page)), (vec![draft.to_string()], &json!(1)));
        let page = courses.page(&viewer, "state: PUBLISHED").await.ok();
        assert_eq!(courses.total(&page), 2);
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn the_catalogue_lists_published_courses_alone(db: PgPool) {
    let app = app(db.clone()).await;
    draft(&app).await;
    query("update courses set state = 'withdrawn' where id = $1").bind(SQL).execute(&db).await.expect("a withdrawal");
    let teresa = format!("filter: {{ teacherId: \"{TERESA}\" }}");

    let viewers = strangers(&app).into_iter().chain([app.teacher(TERESA), app.admin()]);
    for viewer in viewers {
        for (arguments, expected) in [
            ("", vec![LATIN, RUST]),
            ("orderBy: OLDEST", vec![RUST, LATIN]),
            ("orderBy: TITLE", vec![LATIN, RUST]),
            ("orderBy: PRICE", vec![RUST, LATIN]),
            ("filter: { search: \"secret\" }", vec![]),
            ("filter: { words: \"rust secret\" }", vec![]),
            ("filter: { search: \"rust\" }", vec![RUST]),
            ("filter: { isFree: false }", vec![LATIN]),
            ("filter: { minPrice: 20, maxPrice: 50 }", vec![]),
            (teresa.as_str(), vec![RUST]),
        ] {
            let list = List::root("courses");
            let page = list.page(&viewer, &format!("first: 10 {arguments}")).await.ok();
            assert_eq!(list.ids(&page), expected.iter().map(Uuid::to_string).collect::<Vec<_>>(), "{arguments}");
            assert_eq!(list.total(&page), expected.len(), "{arguments}");
        }
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn no_stranger_changes_a_draft_or_learns_that_it_exists(db: PgPool) {
    let app = app(db).await;
    let draft = draft(&app).await;

    for stranger in [app.student(ALICE), app.teacher(TOM)] {
        for course in [draft, NOBODY] {
            assert_eq!(publish(&stranger, course).await.ok().user_errors(), rejection("NOT_FOUND", "courseId"));
            let withdrawn = withdraw(&stranger, course, Some("no")).await.ok();
            assert_eq!(withdrawn.user_errors(), rejection("NOT_FOUND", "courseId"));
        }
        assert_eq!(publish(&stranger, RUST).await.error(), Some("FORBIDDEN"));
        assert_eq!(withdraw(&stranger, RUST, Some("no")).await.error(), Some("FORBIDDEN"));
    }
    let changed = change(&app.teacher(TOM), "updateCourse", json!({ "courseId": draft, "title": "Mine" })).await.ok();
    assert_eq!(changed.user_errors(), rejection("NOT_FOUND", "courseId"));
    assert_eq!(publish(&app.anonymous(), draft).await.error(), Some("UNAUTHENTICATED"));
    assert_eq!(withdraw(&app.anonymous(), RUST, None).await.error(), Some("UNAUTHENTICATED"));
    assert_eq!(state(&app.admin(), draft).await, "DRAFT");
    assert_eq!(state(&app.admin(), RUST).await, "PUBLISHED");
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_teacher_publishes_withdraws_and_publishes_again(db: PgPool) {
    let app = app(db.clone()).await;
    let (teresa, draft) = (app.teacher(TERESA), draft(&app).await);

    assert_eq!(withdraw(&teresa, draft, None).await.ok().user_errors(), rejection("COURSE_IS_DRAFT", "courseId"));
    for _ in 0..2 {
        assert_eq!(publish(&teresa, draft).await.ok().data("/publishCourse/course/state"), "PUBLISHED");
    }
    assert_eq!(state(&app.anonymous(), draft).await, "PUBLISHED");
    for _ in 0..2 {
        let withdrawn = withdraw(&teresa, draft, Some(" Too \n old ")).await.ok();
        assert_eq!(withdrawn.data("/withdrawCourse/course/state"), "WITHDRAWN");
    }
    assert_eq!(state(&app.anonymous(), draft).await, "WITHDRAWN");
    assert_eq!(publish(&teresa, draft).await.ok().data("/publishCourse/course/state"), "PUBLISHED");

    let told = published(&db).await;
    let [EventPayload::CourseWithdrawn(withdrawal)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(withdrawal.reason.as_deref(), Some("Too \n old"));
    assert_eq!(withdrawal.withdrawn_by, UserId(TERESA));
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn an_unverified_teacher_publishes_nothing(db: PgPool) {
    query("update courses set teacher_id = $1, state = 'draft' where id = $2")
        .bind(ULA)
        .bind(RUST)
        .execute(&db)
        .await
        .expect("a draft of a teacher who was verified once");
    let app = app(db).await;

    assert_eq!(publish(&app.unverified_teacher(ULA), RUST).await.error(), Some("FORBIDDEN"));
    assert_eq!(publish(&app.student(ULA), RUST).await.error(), Some("FORBIDDEN"));
    assert_eq!(publish(&app.admin(), RUST).await.ok().data("/publishCourse/course/state"), "PUBLISHED");
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn what_an_admin_withdraws_only_an_admin_publishes_again(db: PgPool) {
    let app = app(db.clone()).await;
    let (admin, teresa) = (app.admin(), app.teacher(TERESA));

    for reason in [None, Some(" \n")] {
        assert_eq!(withdraw(&admin, RUST, reason).await.ok().user_errors(), rejection("INVALID_INPUT", "reason"));
    }
    let long = "x".repeat(2_001);
    assert_eq!(withdraw(&admin, RUST, Some(&long)).await.ok().user_errors(), rejection("INVALID_INPUT", "reason"));
    assert!(published(&db).await.is_empty());
    // The teacher's own withdrawal is no way round.
    assert_eq!(withdraw(&teresa, RUST, None).await.ok().user_errors(), []);
    for _ in 0..2 {
        assert_eq!(withdraw(&admin, RUST, Some("Copied.")).await.ok().user_errors(), []);
    }
    assert_eq!(withdraw(&teresa, RUST, None).await.ok().user_errors(), []);

    assert_eq!(publish(&teresa, RUST).await.error(), Some("FORBIDDEN"));
    assert_eq!(state(&app.anonymous(), RUST).await, "WITHDRAWN");
    assert_eq!(publish(&admin, RUST).await.ok().data("/publishCourse/course/state"), "PUBLISHED");
    assert_eq!(withdraw(&teresa, RUST, None).await.ok().user_errors(), []);
    assert_eq!(publish(&teresa, RUST).await.ok().user_errors(), []);

    let told = published(&db).await;
    let by: Vec<_> = told
        .iter()
        .map(|event| match event {
            EventPayload::CourseWithdrawn(CourseWithdrawn {
                course_id: CourseId(RUST), withdrawn_by, reason, ..
            }) => (withdrawn_by.0 == TERESA, reason.as_deref()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(by, [(true, None), (false, Some("Copied.")), (true, None)]);
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn two_withdrawals_at_once_are_one(db: PgPool) {
    let app = app(db.clone()).await;
    let admin = app.admin();

    let replies = tokio::join!(withdraw(&admin, RUST, Some("Copied.")), withdraw(&admin, RUST, Some("Copied.")));

    assert_eq!((replies.0.ok().user_errors(), replies.1.ok().user_errors()), (vec![], vec![]));
    assert_eq!(published(&db).await.len(), 1);
}

async fn create_draft(client: &Client, key: &str) -> Reply {
    change(client, "createCourse", json!({ "title": "x", "isDraft": true, "idempotencyKey": key })).await.ok()
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_teacher_has_a_limited_number_of_drafts(db: PgPool) {
    let app = app(db.clone()).await;
    let teresa = app.teacher(TERESA);
    query("insert into courses (teacher_id, title, state) select $1, 'x', 'draft' from generate_series(1, 498)")
        .bind(TERESA)
        .execute(&db)
        .await
        .expect("drafts");
    let first = create_draft(&teresa, "first").await;
    let too_many = rejection("TOO_MANY_DRAFTS", "isDraft");

    // Two at once: there is room for one.
    let (one, other) = tokio::join!(create_draft(&teresa, "one"), create_draft(&teresa, "other"));
    let mut errors = [one.user_errors(), other.user_errors()];
    errors.sort();
    assert_eq!(errors, [vec![], too_many.clone()]);

    assert_eq!(create_draft(&teresa, "more").await.user_errors(), too_many);
    let repeated = create_draft(&teresa, "first").await;
    assert_eq!(repeated.data("/createCourse/course/id"), first.data("/createCourse/course/id"));
    assert_eq!(create_draft(&app.teacher(TOM), "toms").await.user_errors(), []);
    let published = change(&teresa, "createCourse", json!({ "title": "x" })).await.ok();
    assert_eq!(published.user_errors(), []);

    let id = first.data("/createCourse/course/id").as_str().and_then(|id| id.parse().ok()).expect("an id");
    assert_eq!(publish(&teresa, id).await.ok().user_errors(), []);
    // The rejected request has left nothing under its key.
    assert_eq!(create_draft(&teresa, "more").await.user_errors(), []);
    assert_eq!(create_draft(&teresa, "even more").await.user_errors(), too_many);
}
