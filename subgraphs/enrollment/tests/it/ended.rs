//! The mutations `leaveCourse` and `removeStudent`, and what happens afterwards.

use std::time::{Duration, Instant};

use contracts::events::{Event, EventPayload, Purchase, Refund, RefundReason};
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::{PgPool, query, query_scalar};
use subgraph_testing::{
    Client, Reply,
    events::{handle, process_all, published, receive},
};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{enroll::enroll, fixtures::*, grant::grant, peers::*};

const LEAVE: &str = "mutation ($input: LeaveCourseInput!) {
    leaveCourse(input: $input) { enrollmentId userErrors { code field } }
}";
const REMOVE: &str = "mutation ($input: RemoveStudentInput!) {
    removeStudent(input: $input) { enrollmentId userErrors { code field } }
}";

async fn leave(client: &Client, course: Uuid) -> Reply {
    client.send(LEAVE, json!({ "input": { "courseId": course } })).await
}

async fn remove(client: &Client, enrollment: Uuid, reason: &str) -> Reply {
    client.send(REMOVE, json!({ "input": { "enrollmentId": enrollment, "reason": reason } })).await
}

async fn remove_for_good(client: &Client, enrollment: Uuid) -> Reply {
    let input = json!({ "enrollmentId": enrollment, "reason": "Copied answers.", "confirmCompletionLoss": true });
    client.send(REMOVE, json!({ "input": input })).await
}

fn user_error(code: &'static str, field: &str) -> Vec<(&'static str, String)> {
    vec![(code, field.to_owned())]
}

fn completed(purchase: Purchase) -> EventPayload {
    EventPayload::PaymentCompleted(purchase)
}

fn refunded(purchase: Purchase) -> EventPayload {
    EventPayload::PaymentRefunded(Refund { purchase, reason: RefundReason::Requested })
}

fn entry(
    kind: &str,
    status: &str,
    by: Option<Uuid>,
    reason: Option<&str>,
) -> (String, String, Option<Uuid>, Option<String>) {
    (kind.to_owned(), status.to_owned(), by, reason.map(str::to_owned))
}

/// The status of the student's enrollment in a course, and whether the time of its completion is known.
async fn progress(client: &Client, course: Uuid) -> (Value, bool) {
    let course = json!([{ "__typename": "Course", "id": course }]);
    let reply = client.entities("... on Course { viewerEnrollment { status completedAt } }", course).await.ok();
    let enrollment = reply.data("/_entities/0/viewerEnrollment");
    (enrollment["status"].clone(), enrollment["completedAt"].is_string())
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_student_leaves_a_course_once(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let alice = system.app.student(ALICE);

    let left = leave(&alice, SQL).await.ok();
    let again = leave(&alice, SQL).await.ok();

    assert_eq!(left.data("/leaveCourse"), &json!({ "enrollmentId": ALICES_SQL, "userErrors": [] }));
    assert_eq!(again.user_errors(), user_error("NOT_FOUND", "courseId"));
    assert_eq!(again.data("/leaveCourse/enrollmentId"), &Value::Null);
    assert_eq!(system.enrollments(ALICE, SQL).await, []);
    assert_eq!(system.enrollments(ALICE, RUST).await, [Some(ALICES_PAYMENT)]);
    assert_eq!(system.history(ALICE, SQL).await, [entry("left", "enrolled", Some(ALICE), None)]);
    assert_eq!(published(&db).await, [], "who leaves need not be told");
    assert_eq!(enroll(&alice, SQL, None).await.ok().user_errors(), [], "and may come back");
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_course_that_a_student_has_left_still_had_one(db: PgPool) {
    let system = TestSystem::new(db).await;
    let bob = system.app.student(BOB);
    let has_enrollments = async || {
        let document = "query ($id: ID!) { courseHasEnrollments(courseId: $id) }";
        let reply = system.app.teacher(TERESA).send(document, json!({ "id": SQL })).await.ok();
        reply.data("/courseHasEnrollments").clone()
    };

    assert_eq!(has_enrollments().await, false);
    let _ = enroll(&bob, SQL, None).await.ok();
    assert_eq!(has_enrollments().await, true);
    let _ = leave(&bob, SQL).await.ok();

    assert_eq!(has_enrollments().await, true);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn nobody_leaves_a_course_that_they_are_not_on(db: PgPool) {
    let system = TestSystem::new(db).await;

    for client in [system.app.student(BOB), system.app.teacher(TERESA), system.app.admin()] {
        for course in [SQL, NOBODY] {
            assert_eq!(leave(&client, course).await.ok().user_errors(), user_error("NOT_FOUND", "courseId"));
        }
    }
    assert_eq!(leave(&system.app.anonymous(), SQL).await.error(), Some("UNAUTHENTICATED"));
    assert_eq!(system.enrollments(ALICE, SQL).await, [None]);
}

/// Paid is paid: the student comes back with the payment, by their own choice only.
#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn who_leaves_a_paid_course_comes_back_with_the_payment(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let alice = system.app.student(ALICE);
    let purchase = system.pay(ALICES_PAYMENT, ALICE, RUST, "COMPLETED");

    _ = leave(&alice, RUST).await.ok();
    assert_eq!(system.use_of(ALICES_PAYMENT).await.as_deref(), Some("left"));
    handle(&system.subgraph, completed(purchase.clone())).await;
    assert_eq!(system.enrollments(ALICE, RUST).await, [], "a payment that is published again enrolls nobody who left");
    assert_eq!(published(&db).await, [], "nor is it refunded");

    let back = enroll(&alice, RUST, Some(ALICES_PAYMENT)).await.ok();
    assert_eq!(back.user_errors(), []);
    assert_eq!(system.use_of(ALICES_PAYMENT).await.as_deref(), Some("enrolled"));

    handle(&system.subgraph, refunded(purchase)).await;
    assert_eq!(system.enrollments(ALICE, RUST).await, []);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_refund_after_leaving_and_leaving_after_a_refund(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let (alice, bob) = (system.app.student(ALICE), system.app.student(BOB));

    _ = leave(&alice, RUST).await.ok();
    let purchase = system.pay(ALICES_PAYMENT, ALICE, RUST, "COMPLETED");
    handle(&system.subgraph, refunded(purchase)).await;
    assert_eq!(system.use_of(ALICES_PAYMENT).await.as_deref(), Some("refunded"));
    let back = enroll(&alice, RUST, Some(ALICES_PAYMENT)).await.ok();
    assert_eq!(back.user_errors(), user_error("PAYMENT_NOT_VALID", "paymentId"));
    assert_eq!(published(&db).await, [], "there was nothing left to revoke");

    let purchase = system.pay(BOBS_PAYMENT, BOB, RUST, "REFUNDED");
    handle(&system.subgraph, refunded(purchase)).await;
    assert_eq!(leave(&bob, RUST).await.ok().user_errors(), user_error("NOT_FOUND", "courseId"));
    assert_eq!(system.history(BOB, RUST).await, [entry("refunded", "completed", None, None)]);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_teacher_removes_a_student_who_is_told_why(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let teresa = system.app.teacher(TERESA);

    let removed = remove(&teresa, ALICES_RUST, "Copied answers.").await.ok();
    let again = remove(&teresa, ALICES_RUST, "Copied answers.").await.ok();

    assert_eq!(removed.data("/removeStudent"), &json!({ "enrollmentId": ALICES_RUST, "userErrors": [] }));
    assert_eq!(again.user_errors(), user_error("NOT_FOUND", "enrollmentId"));
    assert_eq!(system.enrollments(ALICE, RUST).await, []);
    assert_eq!(
        system.history(ALICE, RUST).await,
        [entry("removed", "in_progress", Some(TERESA), Some("Copied answers."))]
    );
    let told = published(&db).await;
    let [EventPayload::EnrollmentRevoked(revoked)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(revoked.removal_reason.as_deref(), Some("Copied answers."));
    assert_eq!((revoked.enrollment.student_id.0, revoked.enrollment.course_title.as_str()), (ALICE, "Rust"));
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn the_payment_of_a_removed_student_buys_nothing_until_it_is_refunded(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let alice = system.app.student(ALICE);
    let purchase = system.pay(ALICES_PAYMENT, ALICE, RUST, "COMPLETED");
    _ = remove(&system.app.admin(), ALICES_RUST, "spam").await.ok();

    let back = enroll(&alice, RUST, Some(ALICES_PAYMENT)).await.ok();
    handle(&system.subgraph, completed(purchase.clone())).await;

    assert_eq!(back.user_errors(), user_error("PAYMENT_NOT_VALID", "paymentId"));
    assert_eq!(system.enrollments(ALICE, RUST).await, []);
    assert_eq!(system.use_of(ALICES_PAYMENT).await.as_deref(), Some("removed"));
    handle(&system.subgraph, refunded(purchase)).await;
    assert_eq!(system.use_of(ALICES_PAYMENT).await.as_deref(), Some("refunded"));
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn only_the_courses_own_teacher_and_admins_remove(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let app = &system.app;

    for (client, code) in
        [(app.anonymous(), "UNAUTHENTICATED"), (app.student(ALICE), "FORBIDDEN"), (app.student(BOB), "FORBIDDEN")]
    {
        assert_eq!(remove(&client, ALICES_RUST, "why not").await.error(), Some(code));
    }
    for other in [app.teacher(BOB), app.unverified_teacher(ALICE)] {
        let reply = remove(&other, ALICES_RUST, "why not").await.ok();
        assert_eq!(reply.user_errors(), user_error("NOT_FOUND", "enrollmentId"));
    }
    assert_eq!(system.enrollments(ALICE, RUST).await, [Some(ALICES_PAYMENT)]);
    assert_eq!(remove(&app.admin(), ALICES_RUST, "why not").await.ok().user_errors(), []);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn an_admin_removes_from_a_course_that_is_gone(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    query("update enrollments set course_id = $1 where id = $2")
        .bind(NOBODY)
        .bind(ALICES_SQL)
        .execute(&db)
        .await
        .expect("the course is gone");

    let teresa = remove(&system.app.teacher(TERESA), ALICES_SQL, "gone").await.ok();
    let admin = remove(&system.app.admin(), ALICES_SQL, "gone").await.ok();

    assert_eq!(teresa.user_errors(), user_error("NOT_FOUND", "enrollmentId"));
    assert_eq!(admin.user_errors(), []);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_removal_has_a_reason(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;

    for bad in ["", " \n", "a\0b", "a\u{1b}[31mb", "a\u{202e}b", "\u{200b}", &"é".repeat(501)] {
        let reply = remove(&system.app.teacher(TERESA), ALICES_RUST, bad).await.ok();
        assert_eq!(reply.user_errors(), user_error("INVALID_INPUT", "reason"), "{bad:?}");
    }
    assert_eq!(system.enrollments(ALICE, RUST).await, [Some(ALICES_PAYMENT)]);
    let longest = remove(&system.app.teacher(TERESA), ALICES_RUST, &"é".repeat(500)).await.ok();
    assert_eq!(longest.user_errors(), []);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_reason_is_cleaned_before_it_is_told(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;

    let reply = remove(&system.app.teacher(TERESA), ALICES_RUST, " \tCafe\u{301}\r\nis closed. \n").await.ok();

    assert_eq!(reply.user_errors(), []);
    let reason = Some("Café\nis closed.");
    assert_eq!(system.history(ALICE, RUST).await, [entry("removed", "in_progress", Some(TERESA), reason)]);
    let told = published(&db).await;
    let [EventPayload::EnrollmentRevoked(revoked)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(revoked.removal_reason.as_deref(), reason);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_removal_takes_a_completion_away_only_when_that_is_confirmed(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;

    for client in [system.app.teacher(TERESA), system.app.admin()] {
        let reply = remove(&client, BOBS_RUST, "Full.").await.ok();
        assert_eq!(reply.user_errors(), user_error("COMPLETION_WOULD_BE_LOST", "confirmCompletionLoss"));
    }
    // Nobody else finds out that there is a completion.
    let stranger = remove(&system.app.teacher(ALICE), BOBS_RUST, "Full.").await.ok();
    assert_eq!(stranger.user_errors(), user_error("NOT_FOUND", "enrollmentId"));
    assert_eq!(system.enrollments(BOB, RUST).await, [Some(BOBS_PAYMENT)]);
    assert_eq!(system.use_of(BOBS_PAYMENT).await.as_deref(), Some("enrolled"));
    assert_eq!((published(&db).await, system.history(BOB, RUST).await), (vec![], vec![]));

    let confirmed = remove_for_good(&system.app.teacher(TERESA), BOBS_RUST).await.ok();
    assert_eq!(confirmed.data("/removeStudent"), &json!({ "enrollmentId": BOBS_RUST, "userErrors": [] }));
}

/// The legacy system inserts enrollments, and knows no redemptions.
#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn who_leaves_an_imported_enrollment_is_not_enrolled_again_by_its_payment(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    query("delete from payment_redemptions").execute(&db).await.expect("there are none");

    _ = leave(&system.app.student(ALICE), RUST).await.ok();
    _ = remove_for_good(&system.app.teacher(TERESA), BOBS_RUST).await.ok();
    for (payment, student) in [(ALICES_PAYMENT, ALICE), (BOBS_PAYMENT, BOB)] {
        handle(&system.subgraph, completed(system.pay(payment, student, RUST, "COMPLETED"))).await;
    }

    assert_eq!(system.use_of(ALICES_PAYMENT).await.as_deref(), Some("left"));
    assert_eq!(system.use_of(BOBS_PAYMENT).await.as_deref(), Some("removed"));
    assert_eq!((system.enrollments(ALICE, RUST).await, system.enrollments(BOB, RUST).await), (vec![], vec![]));
}

/// Waits until this many connections wait for locks.
async fn until_blocked(db: &PgPool, count: i64) {
    let blocked =
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let start = Instant::now();
    while query_scalar::<_, i64>(blocked).fetch_one(db).await.expect("a count") < count {
        assert!(start.elapsed() < Duration::from_secs(20), "fewer than {count} wait");
        sleep(Duration::from_millis(10)).await;
    }
}

/// An enrollment that begins while another one ends sees how it ended.
#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_completion_comes_back_also_to_who_is_enrolled_at_that_very_moment(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    query("update enrollments set status = 'completed' where id = $1")
        .bind(ALICES_SQL)
        .execute(&db)
        .await
        .expect("done");
    sqlx::raw_sql(
        "create function hold() returns trigger language plpgsql as
             $$ begin if new.kind = 'left' then perform pg_advisory_xact_lock(1); end if; return new; end $$;
         create trigger hold before insert on enrollment_history for each row execute function hold();",
    )
    .execute(&db)
    .await
    .expect("leaving is held up");
    let mut gate = db.acquire().await.expect("a connection");
    query("select pg_advisory_lock(1)").execute(&mut *gate).await.expect("it is closed");

    let (alice, teresa) = (system.app.student(ALICE), system.app.teacher(TERESA));
    let grant = "mutation ($input: GrantEnrollmentInput!) {
        grantEnrollment(input: $input) { enrollment { status } userErrors { code } }
    }";
    let grants = async {
        until_blocked(&db, 1).await;
        let granting = teresa.send(grant, json!({ "input": { "courseId": SQL, "studentId": ALICE } }));
        let opens = async {
            until_blocked(&db, 2).await;
            query("select pg_advisory_unlock(1)").execute(&mut *gate).await.expect("it is open");
        };
        tokio::join!(granting, opens).0.ok()
    };
    let (left, granted) = tokio::join!(leave(&alice, SQL), grants);

    assert_eq!(left.ok().user_errors(), []);
    assert_eq!(granted.data("/grantEnrollment"), &json!({ "enrollment": { "status": "COMPLETED" }, "userErrors": [] }));
}

/// However often a student comes and goes, what happens to one place has an end, except by purchases.
#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_student_enrolls_twenty_times_in_one_course_and_then_asks_an_admin(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let alice = system.app.student(ALICE);
    for _ in 0..20 {
        assert_eq!(enroll(&alice, SQL, None).await.ok().user_errors(), []);
        assert_eq!(leave(&alice, SQL).await.ok().user_errors(), []);
    }
    let told = published(&db).await.len();

    let again = enroll(&alice, SQL, None).await.ok();
    let by_teacher = grant(&system.app.teacher(TERESA), SQL, ALICE).await.ok();

    assert_eq!(again.user_errors(), user_error("TOO_MANY_CHANGES", "courseId"));
    assert_eq!(by_teacher.user_errors(), user_error("TOO_MANY_CHANGES", "studentId"));
    assert_eq!((system.history(ALICE, SQL).await.len(), published(&db).await.len()), (40, told));
    assert_eq!(system.enrollments(ALICE, SQL).await, []);
    // Neither another course nor another student is concerned.
    assert_eq!(enroll(&system.app.student(BOB), SQL, None).await.ok().user_errors(), []);
    let purchase = system.pay(UNUSED_PAYMENT, ALICE, LATIN, "COMPLETED");
    handle(&system.subgraph, completed(purchase)).await;
    assert_eq!(system.enrollments(ALICE, LATIN).await, [Some(UNUSED_PAYMENT)]);

    assert_eq!(grant(&system.app.admin(), SQL, ALICE).await.ok().user_errors(), []);
    assert_eq!(leave(&alice, SQL).await.ok().user_errors(), [], "whoever is enrolled may always leave");
}

/// D16: a completion comes back with a new purchase of the same student and course.
#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_completion_comes_back_except_after_a_removal(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let alice = system.app.student(ALICE);
    let payment = |number: u128| Uuid::from_u128(0xf_2000 + number);
    let complete = async || {
        let course = json!([{ "__typename": "Course", "id": LATIN }]);
        let reply = alice.entities("... on Course { viewerEnrollment { id } }", course).await.ok();
        let id = reply.data("/_entities/0/viewerEnrollment/id").clone();
        let document = "mutation ($input: SetEnrollmentStatusInput!) {
            setEnrollmentStatus(input: $input) { userErrors { code } }
        }";
        _ = alice.send(document, json!({ "input": { "enrollmentId": id, "status": "COMPLETED" } })).await.ok();
        id.as_str().and_then(|id| id.parse::<Uuid>().ok()).expect("an id")
    };

    let first = system.pay(payment(1), ALICE, LATIN, "COMPLETED");
    handle(&system.subgraph, completed(first.clone())).await;
    assert_eq!(progress(&alice, LATIN).await, (json!("ENROLLED"), false));
    complete().await;
    handle(&system.subgraph, refunded(first)).await;

    let second = system.pay(payment(2), ALICE, LATIN, "COMPLETED");
    handle(&system.subgraph, completed(second)).await;
    assert_eq!(progress(&alice, LATIN).await, (json!("COMPLETED"), true), "after a refund and a new purchase");

    _ = leave(&alice, LATIN).await.ok();
    _ = enroll(&alice, LATIN, Some(payment(2))).await.ok();
    assert_eq!(progress(&alice, LATIN).await, (json!("COMPLETED"), true), "after leaving and coming back");

    let id = complete().await;
    assert_eq!(remove_for_good(&system.app.teacher(TERESA), id).await.ok().user_errors(), []);
    let third = system.pay(payment(3), ALICE, LATIN, "COMPLETED");
    handle(&system.subgraph, completed(third)).await;
    assert_eq!(progress(&alice, LATIN).await, (json!("ENROLLED"), false), "after a removal");
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn of_ten_who_end_one_enrollment_at_once_one_does(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let teresa = system.app.teacher(TERESA);
    for round in 0..30 {
        let student = Uuid::from_u128(0xa0_0000 + round);
        let client = system.app.student(student);
        let made = enroll(&client, SQL, None).await.ok();
        let id: Uuid = made.data("/enroll/enrollment/id").as_str().and_then(|id| id.parse().ok()).expect("an id");

        let leaves = join_all((0..5).map(|_| leave(&client, SQL)));
        let removes = join_all((0..5).map(|_| remove(&teresa, id, "full")));
        let (left, removed) = tokio::join!(leaves, removes);

        let ended = left.iter().chain(&removed).filter(|reply| reply.user_errors().is_empty()).count();
        assert_eq!(ended, 1, "{left:?} {removed:?}");
        let history = system.history(student, SQL).await;
        assert_eq!(history.len(), 2, "{history:?}");
    }
}

/// Leaving and a refund decide about the same payment: whichever comes first, the refund is what remains.
#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_refund_wins_against_leaving(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    for round in 0..50 {
        let (student, payment) = (Uuid::from_u128(0xa0_0000 + round), Uuid::from_u128(0xf0_0000 + round));
        let client = system.app.student(student);
        let purchase = system.pay(payment, student, LATIN, "COMPLETED");
        handle(&system.subgraph, completed(purchase.clone())).await;
        receive(&system.subgraph, &Event::new(refunded(purchase))).await;

        let (reply, ()) = tokio::join!(leave(&client, LATIN), process_all(&system.subgraph));

        let reply = reply.ok();
        let errors = reply.user_errors();
        assert!(errors.is_empty() || errors == user_error("NOT_FOUND", "courseId"), "{round}: {errors:?}");
        assert_eq!(system.enrollments(student, LATIN).await, []);
        assert_eq!(system.use_of(payment).await.as_deref(), Some("refunded"));
        assert_eq!(system.history(student, LATIN).await.len(), 2);
    }
}
