//! The history of enrollments, of a student and in a course.

use serde_json::{Value, json};
use sqlx::{PgPool, query};
use subgraph_testing::StatementCount;
use uuid::Uuid;

use crate::{enroll::enroll, fixtures::*, peers::*};

const OF_USER: &str = "... on User { enrollmentHistory { kind status reason changedBy { id } course { id } } }";
const OF_COURSE: &str = "... on Course { enrollmentHistory { kind student { id } } }";

fn user(id: Uuid) -> Value {
    json!({ "__typename": "User", "id": id })
}

fn course_of(teacher: Uuid, id: Uuid) -> Value {
    json!({ "__typename": "Course", "id": id, "teacherSeal": teacher_seal(teacher, id) })
}

/// Alice takes SQL, begins it, and leaves; Bob takes SQL.
async fn system(db: PgPool) -> TestSystem {
    let system = TestSystem::new(db).await;
    let alice = system.app.student(ALICE);
    let made = enroll(&alice, SQL, None).await.ok();
    let id = made.data("/enroll/enrollment/id").clone();
    let begin = "mutation ($id: ID!) {
        setEnrollmentStatus(input: { enrollmentId: $id, status: IN_PROGRESS }) { userErrors { code } }
    }";
    _ = alice.send(begin, json!({ "id": id })).await.ok();
    let leave = "mutation ($id: ID!) { leaveCourse(input: { courseId: $id }) { userErrors { code } } }";
    _ = alice.send(leave, json!({ "id": SQL })).await.ok();
    _ = enroll(&system.app.student(BOB), SQL, None).await.ok();
    system
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_student_sees_what_happened_newest_first_also_after_the_end(db: PgPool) {
    let system = system(db).await;
    let change = |kind: &str, status: &str| {
        json!({
            "kind": kind, "status": status, "reason": null, "changedBy": { "id": ALICE }, "course": { "id": SQL },
        })
    };

    for client in [system.app.student(ALICE), system.app.admin()] {
        let reply = client.entities(OF_USER, json!([user(ALICE), user(NOBODY)])).await;
        let expected =
            [change("LEFT", "IN_PROGRESS"), change("STATUS_CHANGED", "IN_PROGRESS"), change("ENROLLED", "ENROLLED")];
        assert_eq!(reply.data("/_entities/0/enrollmentHistory"), &json!(expected));
    }
    let of_course = "... on User { enrollmentHistory(courseId: \"00000000-0000-0000-0000-000000c00001\") { kind } }";
    let none = system.app.student(ALICE).entities(of_course, json!([user(ALICE)])).await.ok();
    assert_eq!(none.data("/_entities/0/enrollmentHistory"), &json!([]), "nothing happened in Rust");
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_teacher_sees_what_happened_in_a_course_of_their_own(db: PgPool) {
    let app = system(db).await.app;
    let change = |kind: &str, student: Uuid| json!({ "kind": kind, "student": { "id": student } });
    let all = json!([
        change("ENROLLED", BOB),
        change("LEFT", ALICE),
        change("STATUS_CHANGED", ALICE),
        change("ENROLLED", ALICE),
    ]);

    for client in [app.teacher(TERESA), app.admin()] {
        let reply = client.entities(OF_COURSE, json!([course_of(TERESA, SQL)])).await.ok();
        assert_eq!(reply.data("/_entities/0/enrollmentHistory"), &all);
    }
    let of_bob = format!("... on Course {{ enrollmentHistory(studentId: \"{BOB}\") {{ kind }} }}");
    let reply = app.teacher(TERESA).entities(&of_bob, json!([course_of(TERESA, SQL)])).await.ok();
    assert_eq!(reply.data("/_entities/0/enrollmentHistory"), &json!([{ "kind": "ENROLLED" }]));
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn nobody_else_sees_a_history(db: PgPool) {
    let app = system(db).await.app;
    let null = json!([{ "enrollmentHistory": null }]);

    for stranger in [app.anonymous(), app.student(BOB), app.teacher(TERESA)] {
        let reply = stranger.entities(OF_USER, json!([user(ALICE)])).await;
        assert_eq!((reply.data("/_entities"), reply.error()), (&null, Some("FORBIDDEN")));
    }
    for (stranger, course) in [
        (app.anonymous(), course_of(TERESA, SQL)),
        (app.student(ALICE), course_of(TERESA, SQL)),
        // A teacher no more.
        (app.student(TERESA), course_of(TERESA, SQL)),
        (app.teacher(BOB), course_of(TERESA, SQL)),
        (app.teacher(TERESA), course_of(BOB, SQL)),
        (app.teacher(TERESA), json!({ "__typename": "Course", "id": SQL })),
    ] {
        let reply = stranger.entities(OF_COURSE, json!([course])).await;
        assert_eq!((reply.data("/_entities"), reply.error()), (&null, Some("FORBIDDEN")));
    }
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_history_has_up_to_100_changes_and_costs_one_statement(db: PgPool) {
    let app = system(db.clone()).await.app;
    query(
        "insert into enrollment_history (enrollment_id, student_id, course_id, kind, status, changed_by, changed_at)
         select gen_random_uuid(), $1, $2, 'left', 'enrolled', $1, now() from generate_series(1, 150)",
    )
    .bind(ALICE)
    .bind(SQL)
    .execute(&db)
    .await
    .expect("the changes are inserted");
    let admin = app.admin();

    for size in [1_u128, 20, 100] {
        let users: Value = (0..size).map(|id| user(Uuid::from_u128(ALICE.as_u128() + id))).collect();
        let courses: Value = (0..size).map(|id| course_of(TERESA, Uuid::from_u128(SQL.as_u128() + id))).collect();
        for (selection, representations) in [(OF_USER, users), (OF_COURSE, courses)] {
            let statements = StatementCount::start();
            let reply = admin.entities(selection, representations).await.ok();

            assert_eq!(statements.get(), 1, "for {size}");
            assert_eq!(reply.data("/_entities/0/enrollmentHistory").as_array().map(Vec::len), Some(100));
        }
    }
}

/// For other subgraphs: what `purchaseCourse` and `refundPayment` ask.
#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn an_enrollment_is_found_by_its_student_and_course(db: PgPool) {
    let app = app(db).await;
    let document = include_str!("../../../../operations/services/payment/enrollment/EnrollmentInCourse.graphql");
    let variables = json!({ "courseId": RUST, "studentId": BOB });

    for client in [app.student(BOB), app.admin()] {
        let found = client.send(document, variables.clone()).await.ok();
        let expected = json!({ "status": "COMPLETED", "payment": { "id": BOBS_PAYMENT } });
        assert_eq!(found.data("/enrollmentInCourse"), &expected);
    }
    for stranger in [app.student(ALICE), app.teacher(TERESA), app.anonymous()] {
        assert_eq!(stranger.send(document, variables.clone()).await.ok().data("/enrollmentInCourse"), &Value::Null);
    }
}

/// For those who compare payments with enrollments.
#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn admins_see_what_became_of_a_payment(db: PgPool) {
    let system = TestSystem::new(db).await;
    let payments = json!([
        { "__typename": "Payment", "id": ALICES_PAYMENT },
        { "__typename": "Payment", "id": UNUSED_PAYMENT },
        { "__typename": "Payment", "id": BOBS_PAYMENT },
    ]);
    let leave = "mutation ($id: ID!) { leaveCourse(input: { courseId: $id }) { userErrors { code } } }";
    _ = system.app.student(ALICE).send(leave, json!({ "id": RUST })).await.ok();

    let admin = system.app.admin().entities("... on Payment { redemption }", payments.clone()).await.ok();
    let alice = system.app.student(ALICE).entities("... on Payment { redemption }", payments).await.ok();

    let states = |states: [Value; 3]| json!(states.map(|state| json!({ "redemption": state })));
    assert_eq!(admin.data("/_entities"), &states([json!("LEFT"), json!("NONE"), json!("ENROLLED")]));
    assert_eq!(alice.data("/_entities"), &states([Value::Null, Value::Null, Value::Null]));
}
