//! The mutation `grantEnrollment`.

use contracts::events::EventPayload;
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::{PgPool, query};
use subgraph_testing::{Client, Reply, events::published};
use uuid::Uuid;

use crate::{enroll::enroll, fixtures::*, peers::*};

const GRANT: &str = "mutation ($input: GrantEnrollmentInput!) {
    grantEnrollment(input: $input) {
        enrollment { id status student { id } course { id } payment { id } } userErrors { code field }
    }
}";

pub async fn grant(client: &Client, course: Uuid, student: Uuid) -> Reply {
    client.send(GRANT, json!({ "input": { "courseId": course, "studentId": student } })).await
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_teacher_enrolls_a_student_in_a_paid_course_of_their_own(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;

    let reply = grant(&system.app.teacher(TERESA), LATIN, BOB).await.ok();

    let id = reply.data("/grantEnrollment/enrollment/id");
    assert_eq!(
        reply.data("/grantEnrollment"),
        &json!({
            "enrollment": {
                "id": id, "status": "ENROLLED", "student": { "id": BOB }, "course": { "id": LATIN }, "payment": null,
            },
            "userErrors": [],
        })
    );
    let history = system.history(BOB, LATIN).await;
    assert_eq!(history, [("granted".to_owned(), "enrolled".to_owned(), Some(TERESA), None)]);
    let told = published(&db).await;
    assert!(
        matches!(&told[..], [EventPayload::EnrollmentCreated(enrollment)] if enrollment.student_id.0 == BOB),
        "{told:?}"
    );
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn each_rejection_names_its_field_and_writes_nothing(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;

    for client in [system.app.teacher(TERESA), system.app.admin()] {
        for (course, student, code, field) in [
            (NOBODY, BOB, "NOT_FOUND", "courseId"),
            (LATIN, NOBODY, "NOT_FOUND", "studentId"),
            (LATIN, TERESA, "OWN_COURSE", "studentId"),
            (RUST, ALICE, "ALREADY_ENROLLED", "studentId"),
        ] {
            let reply = grant(&client, course, student).await.ok();

            assert_eq!(reply.user_errors(), [(code, field.to_owned())]);
            assert_eq!(reply.data("/grantEnrollment/enrollment"), &Value::Null);
        }
    }
    assert_eq!(published(&db).await, []);
    assert_eq!(system.history(ALICE, RUST).await, []);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn nobody_is_granted_a_draft_or_a_withdrawn_course(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;

    for (state, code) in [(CourseState::Draft, "NOT_FOUND"), (CourseState::Withdrawn, "COURSE_WITHDRAWN")] {
        system.courses.set(state);
        for client in [system.app.teacher(TERESA), system.app.admin()] {
            assert_eq!(grant(&client, LATIN, BOB).await.ok().user_errors(), [(code, "courseId".to_owned())]);
        }
        assert_eq!(grant(&system.app.teacher(BOB), LATIN, ALICE).await.error(), Some("FORBIDDEN"));
    }
    assert_eq!(system.enrollments(BOB, LATIN).await, []);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn only_the_courses_own_teacher_and_admins_grant(db: PgPool) {
    let system = TestSystem::new(db).await;
    let app = &system.app;

    for (client, code) in [
        (app.anonymous(), "UNAUTHENTICATED"),
        (app.student(BOB), "FORBIDDEN"),
        (app.teacher(BOB), "FORBIDDEN"),
        (app.unverified_teacher(ALICE), "FORBIDDEN"),
    ] {
        assert_eq!(grant(&client, LATIN, BOB).await.error(), Some(code));
    }
    assert_eq!(system.enrollments(BOB, LATIN).await, []);
    assert_eq!(grant(&app.admin(), LATIN, BOB).await.ok().user_errors(), []);
    // A teacher need not be verified for it.
    assert_eq!(grant(&app.unverified_teacher(TERESA), LATIN, ALICE).await.ok().user_errors(), []);
}

async fn remove(client: &Client, reply: &Reply) {
    let document = "mutation ($input: RemoveStudentInput!) { removeStudent(input: $input) { userErrors { code } } }";
    let id = reply.data("/grantEnrollment/enrollment/id");
    assert!(id.is_string(), "{reply:?}");
    let reply = client.send(document, json!({ "input": { "enrollmentId": id, "reason": "Oops." } })).await.ok();
    assert_eq!(reply.user_errors(), []);
}

fn too_many() -> Vec<(&'static str, String)> {
    vec![("TOO_MANY_CHANGES", "studentId".to_owned())]
}

/// Each grant and each removal notifies the student, who has no say in it.
#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_teacher_enrolls_the_same_student_five_times_a_day_in_all_courses(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let teresa = system.app.teacher(TERESA);
    for course in [LATIN, SQL, RUST, LATIN, SQL] {
        remove(&teresa, &grant(&teresa, course, BOB).await.ok()).await;
    }

    for course in [LATIN, SQL, RUST] {
        assert_eq!(grant(&teresa, course, BOB).await.ok().user_errors(), too_many());
        assert_eq!(system.enrollments(BOB, course).await, []);
    }
    assert_eq!(published(&db).await.len(), 10);
    // Other students and admins are not concerned, and the next day the teacher may again.
    assert_eq!(grant(&teresa, LATIN, ALICE).await.ok().user_errors(), []);
    remove(&teresa, &grant(&system.app.admin(), LATIN, BOB).await.ok()).await;
    query("update enrollment_history set changed_at = changed_at - interval '1 day'")
        .execute(&db)
        .await
        .expect("a day");
    assert_eq!(grant(&teresa, LATIN, BOB).await.ok().user_errors(), []);
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_teacher_enrolls_five_hundred_students_a_day(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    query(
        "insert into enrollment_history (enrollment_id, student_id, course_id, kind, status, changed_by, changed_at)
         select gen_random_uuid(), gen_random_uuid(), $1, 'granted', 'enrolled', $2, now() from generate_series(1, 490)",
    )
    .bind(LATIN)
    .bind(TERESA)
    .execute(&db)
    .await
    .expect("many grants");
    let teresa = system.app.teacher(TERESA);

    let replies = join_all((0..20).map(|student| grant(&teresa, LATIN, Uuid::from_u128(0xa0_0000 + student)))).await;

    let granted = replies.iter().filter(|reply| reply.user_errors().is_empty()).count();
    assert_eq!(granted, 10, "{replies:?}");
    assert!(replies.iter().all(|reply| reply.user_errors().is_empty() || reply.user_errors() == too_many()));
    assert_eq!(grant(&system.app.admin(), LATIN, BOB).await.ok().user_errors(), []);
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn of_ten_grants_and_enrolls_at_once_one_is_made(db: PgPool) {
    let system = TestSystem::new(db).await;
    let teresa = system.app.teacher(TERESA);
    for round in 0..30 {
        let student = Uuid::from_u128(0xa0_0000 + round);
        let client = system.app.student(student);

        let grants = join_all((0..5).map(|_| grant(&teresa, SQL, student)));
        let enrolls = join_all((0..5).map(|_| enroll(&client, SQL, None)));
        let (granted, enrolled) = tokio::join!(grants, enrolls);

        let made = granted.iter().chain(&enrolled).filter(|reply| reply.user_errors().is_empty()).count();
        assert_eq!(made, 1, "{granted:?} {enrolled:?}");
        assert_eq!(system.history(student, SQL).await.len(), 1);
    }
}
