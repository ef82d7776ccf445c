use auth::seal::{SealKeys, SealedValue};
use contracts::{CourseId, UserId};
use serde_json::{Value, json};
use sqlx::PgPool;
use subgraph_testing::{StatementCount, list::List};
use uuid::Uuid;

use crate::fixtures::*;

fn course(id: Uuid) -> Value {
    json!({ "__typename": "Course", "id": id })
}

/// The representation that the router sends for fields that `@requires` the teacher's seal.
fn course_of(teacher: Uuid, id: Uuid) -> Value {
    sealed(id, &json!(teacher_seal(teacher, id)))
}

fn sealed(id: Uuid, seal: &Value) -> Value {
    json!({ "__typename": "Course", "id": id, "teacherSeal": seal })
}

fn enrollments_in(id: Uuid) -> List {
    List::of(course_of(TERESA, id), "enrollments")
}

/// Enrolls students in Rust, five per second, with ids of the legacy system.
async fn fill_rust(db: &PgPool, count: i32) {
    sqlx::query(
        "insert into enrollments (student_id, course_id, enrolled_at)
         select gen_random_uuid(), $1, timestamptz '2026-01-01' + (n / 5) * interval '1 second'
         from generate_series(1, $2) as n",
    )
    .bind(RUST)
    .bind(count)
    .execute(db)
    .await
    .expect("the enrollments are inserted");
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn everyone_sees_how_many_students_a_course_has(db: PgPool) {
    let app = app(db).await;
    let courses = json!([course(RUST), course(LATIN), { "__typename": "Course", "id": "no uuid" }, course(SQL)]);

    let reply = app.anonymous().entities("... on Course { enrollmentCount }", courses).await.ok();

    assert_eq!(
        reply.data("/_entities"),
        &json!([{ "enrollmentCount": 2 }, { "enrollmentCount": 0 }, null, { "enrollmentCount": 1 }])
    );
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_viewer_finds_their_own_place_on_a_course(db: PgPool) {
    let app = app(db).await;
    let courses = json!([course(RUST), course(SQL), course(LATIN)]);
    let selection = "... on Course { viewerEnrollment { id student { id } } }";

    let alice = app.student(ALICE).entities(selection, courses.clone()).await.ok();
    let bob = app.student(BOB).entities(selection, courses.clone()).await.ok();
    let nobody = app.anonymous().entities(selection, courses).await.ok();

    assert_eq!(alice.data("/_entities/0/viewerEnrollment"), &json!({ "id": ALICES_RUST, "student": { "id": ALICE } }));
    assert_eq!(alice.data("/_entities/1/viewerEnrollment/id"), &json!(ALICES_SQL));
    assert_eq!(alice.data("/_entities/2/viewerEnrollment"), &Value::Null);
    assert_eq!(bob.data("/_entities/0/viewerEnrollment/id"), &json!(BOBS_RUST));
    assert_eq!(bob.data("/_entities/1/viewerEnrollment"), &Value::Null);
    assert_eq!(nobody.data("/_entities/0/viewerEnrollment"), &Value::Null);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_teacher_sees_who_is_on_their_course(db: PgPool) {
    let (list, teresa) = (enrollments_in(RUST), app(db).await.teacher(TERESA));
    let selection = "... on Course { enrollments { nodes { status student { id } payment { id } } } }";

    let page = list.page(&teresa, "first: 20").await.ok();
    let through = list.page(&teresa, "status: COMPLETED").await.ok();
    let reply = teresa.entities(selection, json!([course_of(TERESA, RUST)])).await.ok();

    assert_eq!(list.ids(&page), [BOBS_RUST.to_string(), ALICES_RUST.to_string()]);
    assert_eq!(page.data("/_entities/0/enrollments/totalCount"), 2);
    assert_eq!(list.ids(&through), [BOBS_RUST.to_string()]);
    assert_eq!(
        reply.data("/_entities/0/enrollments/nodes/0"),
        &json!({ "status": "COMPLETED", "student": { "id": BOB }, "payment": null }),
        "what a student paid is not the teacher's to see"
    );
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn without_a_seal_of_its_teacher_a_course_is_open_to_admins_only(db: PgPool) {
    let app = app(db).await;
    let seal = teacher_seal(TERESA, RUST);
    let other_secret =
        SealKeys::random().seal(SealedValue::CourseTeacher { course: CourseId(RUST), teacher: UserId(TERESA) });
    let courses = [
        course(RUST),
        json!({ "__typename": "Course", "id": RUST, "teacher": { "__typename": "User", "id": TERESA } }),
        sealed(RUST, &Value::Null),
        sealed(RUST, &json!("")),
        sealed(RUST, &json!(TERESA)),
        sealed(RUST, &json!(1)),
        sealed(RUST, &json!({ "id": TERESA })),
        sealed(RUST, &json!([seal])),
        sealed(RUST, &json!(&seal[1..])),
        sealed(RUST, &json!(seal.to_uppercase())),
        // Seals of another course, of another teacher, with another secret.
        sealed(RUST, &json!(teacher_seal(TERESA, SQL))),
        sealed(RUST, &json!(teacher_seal(BOB, RUST))),
        sealed(RUST, &json!(other_secret)),
    ];
    let selection = "... on Course { enrollments { totalCount } }";

    let admin = app.admin().entities(selection, json!(courses)).await.ok();
    for client in [app.teacher(TERESA), app.student(ALICE), app.anonymous()] {
        let reply = client.entities(selection, json!(courses)).await;

        assert_eq!(reply.data("/_entities"), &json!(vec![json!({ "enrollments": null }); courses.len()]));
        assert_eq!(reply.errors(), vec!["FORBIDDEN"; courses.len()]);
    }

    for index in 0..courses.len() {
        assert_eq!(admin.data(&format!("/_entities/{index}/enrollments/totalCount")), 2);
    }
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn the_seal_of_a_teacher_is_of_no_use_to_anybody_else(db: PgPool) {
    let app = app(db).await;
    let courses = json!([course_of(TERESA, RUST)]);
    let selection = "... on Course { enrollments { totalCount nodes { id } } }";

    for client in [app.teacher(BOB), app.unverified_teacher(BOB), app.student(ALICE), app.anonymous()] {
        let reply = client.entities(selection, courses.clone()).await;

        assert_eq!(reply.data("/_entities"), &json!([{ "enrollments": null }]));
        assert_eq!(reply.errors(), ["FORBIDDEN"]);
    }
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn pages_join_without_a_gap_in_both_directions(db: PgPool) {
    fill_rust(&db, 13).await;
    let teresa = app(db.clone()).await.teacher(TERESA);
    let all: Vec<String> = sqlx::query_scalar("select id::text from enrollments order by enrolled_at desc, id desc")
        .fetch_all(&db)
        .await
        .expect("the enrollments are read");

    enrollments_in(RUST).check(&teresa, all).await;
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn the_number_of_statements_does_not_depend_on_the_number_of_courses(db: PgPool) {
    let admin = app(db.clone()).await.admin();
    let selection = "... on Course { enrollmentCount viewerEnrollment { id } enrollments { nodes { id } } }";

    for size in [1_u128, 20, 100] {
        let courses: Value = (1..=size).map(|id| course_of(TERESA, Uuid::from_u128(id))).collect();
        let statements = StatementCount::start();
        let reply = admin.entities(selection, courses).await.ok();

        assert_eq!(reply.data("/_entities/0/enrollmentCount"), 0);
        assert_eq!(statements.get(), 3, "for {size}");
    }
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn the_number_of_statements_does_not_depend_on_the_length_of_the_list(db: PgPool) {
    let teresa = app(db.clone()).await.teacher(TERESA);
    let selection = "... on Course { enrollments(first: 100) { totalCount nodes { id status student { id } } } }";
    fill_rust(&db, 1).await;
    let mut length = 1;

    for more in [0, 19, 80] {
        fill_rust(&db, more).await;
        length += more;
        let statements = StatementCount::start();
        let reply = teresa.entities(selection, json!([course_of(TERESA, RUST)])).await.ok();

        assert_eq!(reply.data("/_entities/0/enrollments/totalCount"), length);
        assert_eq!(statements.get(), 2, "for {length}");
    }
}
