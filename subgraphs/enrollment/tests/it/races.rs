//! Concurrent requests and events: one takes effect, and the others are rejected. A hundred rounds each.

use std::time::Instant;

use contracts::events::{Event, EventPayload, Refund, RefundReason};
use futures::future::join_all;
use serde_json::json;
use sqlx::PgPool;
use subgraph_testing::events::{process_all, published, receive};
use uuid::Uuid;

use crate::{enroll::enroll, fixtures::*, peers::*};

const ROUNDS: u128 = 100;

fn payment(round: u128) -> Uuid {
    Uuid::from_u128(0xf0_0000 + round)
}

fn student(round: u128) -> Uuid {
    Uuid::from_u128(0xa0_0000 + round)
}

/// The number of published events of each type for this round's student.
async fn told_of(db: &PgPool, student: Uuid) -> (usize, usize) {
    let told = published(db).await;
    let created = told.iter().filter(
        |payload| matches!(payload, EventPayload::EnrollmentCreated(enrollment) if enrollment.student_id.0 == student),
    );
    let revoked = told.iter().filter(
        |payload| matches!(payload, EventPayload::EnrollmentRevoked(revoked) if revoked.enrollment.student_id.0 == student),
    );
    (created.count(), revoked.count())
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn of_ten_equal_enrolls_one_is_made(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    for round in 0..ROUNDS {
        let client = system.app.student(student(round));
        // Every other round with a free course.
        let is_paid = round % 2 == 0;
        let (course, paid) = if is_paid { (LATIN, Some(payment(round))) } else { (SQL, None) };
        system.pay(payment(round), student(round), LATIN, "COMPLETED");

        let replies = join_all((0..10).map(|_| enroll(&client, course, paid))).await;

        let made = replies.iter().filter(|reply| reply.user_errors().is_empty()).count();
        let told_so =
            replies.iter().filter(|reply| reply.user_errors() == [("ALREADY_ENROLLED", String::new())]).count();
        assert_eq!((made, told_so), (1, 9), "{round}: {replies:?}");
        assert_eq!(system.enrollments(student(round), course).await, [paid]);
        assert_eq!(told_of(&db, student(round)).await, (1, 0));
    }
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn an_enroll_and_the_payments_own_event_make_one_enrollment(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    for round in 0..ROUNDS {
        let client = system.app.student(student(round));
        let purchase = system.pay(payment(round), student(round), LATIN, "COMPLETED");
        receive(&system.subgraph, &Event::new(EventPayload::PaymentCompleted(purchase))).await;

        let (reply, ()) = tokio::join!(enroll(&client, LATIN, Some(payment(round))), process_all(&system.subgraph));

        let errors = reply.user_errors();
        assert!(errors.is_empty() || errors == [("ALREADY_ENROLLED", String::new())], "{round}: {errors:?}");
        assert_eq!(system.enrollments(student(round), LATIN).await, [Some(payment(round))]);
        assert_eq!(told_of(&db, student(round)).await, (1, 0));
    }
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_refund_wins_against_an_enroll(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let mut made = 0;
    // The usual duration of `enroll` on this machine.
    let start = Instant::now();
    let first = enroll(&system.app.student(student(ROUNDS)), SQL, None).await;
    let usual = start.elapsed();
    assert_eq!(first.user_errors(), []);
    for round in 0..ROUNDS {
        let client = system.app.student(student(round));
        let purchase = system.pay(payment(round), student(round), LATIN, "COMPLETED");
        let refund = Refund { purchase, reason: RefundReason::Requested };
        receive(&system.subgraph, &Event::new(EventPayload::PaymentRefunded(refund))).await;

        let (enrolls, acts) = (enroll(&client, LATIN, Some(payment(round))), process_all(&system.subgraph));
        let reply = match u32::try_from(round % 20).expect("small") {
            0 => {
                acts.await;
                enrolls.await
            }
            // With increasing delays, to meet each step of the other.
            late => {
                let acts_late = async {
                    tokio::time::sleep(usual * (late - 1) / 8).await;
                    acts.await;
                };
                tokio::join!(enrolls, acts_late).0
            }
        };

        let errors = reply.user_errors();
        let was_made = errors.is_empty();
        assert!(was_made || errors == [("PAYMENT_NOT_VALID", "paymentId".to_owned())], "{round}: {errors:?}");
        assert_eq!(system.enrollments(student(round), LATIN).await, []);
        assert_eq!(system.use_of(payment(round)).await.as_deref(), Some("refunded"));
        assert_eq!(told_of(&db, student(round)).await, if was_made { (1, 1) } else { (0, 0) }, "{round}");
        made += u128::from(was_made);
    }
    assert!((1..ROUNDS).contains(&made), "both orders are met: {made} of {ROUNDS}");
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_change_of_status_meets_a_revocation(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    for round in 0..ROUNDS {
        let client = system.app.student(student(round));
        let purchase = system.pay(payment(round), student(round), LATIN, "COMPLETED");
        let made = enroll(&client, LATIN, Some(payment(round))).await.ok();
        let id = made.data("/enroll/enrollment/id");
        let refund = Refund { purchase, reason: RefundReason::Requested };
        receive(&system.subgraph, &Event::new(EventPayload::PaymentRefunded(refund))).await;

        let document = "mutation ($input: SetEnrollmentStatusInput!) {
            setEnrollmentStatus(input: $input) { enrollment { status } userErrors { code field } }
        }";
        let input = json!({ "input": { "enrollmentId": id, "status": "COMPLETED" } });
        let (reply, ()) = tokio::join!(client.send(document, input), process_all(&system.subgraph));

        let errors = reply.user_errors();
        assert!(errors.is_empty() || errors == [("NOT_FOUND", "enrollmentId".to_owned())], "{round}: {reply:?}");
        assert_eq!(system.enrollments(student(round), LATIN).await, []);
        assert_eq!(told_of(&db, student(round)).await, (1, 1));
    }
}
