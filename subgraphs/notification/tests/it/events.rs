//! The notifications that events create.

use contracts::{
    CourseId, EnrollmentId, PaymentId, UserId,
    events::{CourseWithdrawn, EnrollmentPayload, Event, EventPayload, Purchase, Refund, RefundReason, Registration},
};
use futures::future::join_all;
use service::{ServiceContext, Subgraph};
use sqlx::{PgPool, Row as _, postgres::PgListener, query, query_as};
use subgraph_testing::{
    events::{dead_lettered, handle, process_all, receive},
    verifier,
};
use uuid::Uuid;

use crate::fixtures::*;

const COURSE: Uuid = Uuid::from_u128(0xc0);
const PAYMENT: Uuid = Uuid::from_u128(0xf0);
const ENROLLMENT: Uuid = Uuid::from_u128(0xe0);

async fn subgraph(db: &PgPool) -> Subgraph {
    notification::subgraph(db.clone(), &ServiceContext::new(verifier())).await.expect("the subgraph opens")
}

fn registered(name: &str) -> EventPayload {
    EventPayload::UserRegistered(Registration { user_id: UserId(CAROL), name: name.to_owned() })
}

fn purchase(title: &str) -> Purchase {
    Purchase {
        payment_id: PaymentId(PAYMENT),
        student_id: UserId(CAROL),
        course_id: CourseId(COURSE),
        course_title: title.to_owned(),
        // With one decimal; notifications show two.
        amount: "49.9".parse().expect("an amount"),
    }
}

fn refunded(reason: RefundReason) -> EventPayload {
    EventPayload::PaymentRefunded(Refund { purchase: purchase("Rust"), reason })
}

fn enrollment(title: &str) -> EnrollmentPayload {
    EnrollmentPayload {
        enrollment_id: EnrollmentId(ENROLLMENT),
        student_id: UserId(CAROL),
        course_id: CourseId(COURSE),
        course_title: title.to_owned(),
        payment_id: Some(PaymentId(PAYMENT)),
    }
}

fn withdrawn(number: u128, by: Uuid, reason: Option<&str>) -> EventPayload {
    EventPayload::CourseWithdrawn(CourseWithdrawn {
        withdrawal_id: Uuid::from_u128(number),
        course_id: CourseId(COURSE),
        course_title: "Rust".to_owned(),
        teacher_id: UserId(CAROL),
        withdrawn_by: UserId(by),
        reason: reason.map(str::to_owned),
    })
}

/// Type, title and body of Carol's notifications, in order.
async fn read(db: &PgPool) -> Vec<(String, String, String)> {
    query_as("select type::text, title, body from notifications where user_id = $1 order by id")
        .bind(CAROL)
        .fetch_all(db)
        .await
        .expect("the database answers")
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn a_teacher_is_told_of_each_withdrawal_by_an_admin_and_why(db: PgPool) {
    let subgraph = subgraph(&db).await;

    for (number, by, reason) in
        [(1, CAROL, Some("Old.")), (2, COURSE, Some("Copied.")), (2, COURSE, Some("Copied.")), (3, COURSE, None)]
    {
        handle(&subgraph, withdrawn(number, by, reason)).await;
    }

    let told = |reason: &str| {
        let body = format!(
            "An admin has withdrawn “Rust” from the catalogue. Students who are enrolled in it keep it.{reason}"
        );
        ("course".to_owned(), "Course withdrawn: Rust".to_owned(), body)
    };
    assert_eq!(read(&db).await, [told(" The reason: Copied."), told("")]);
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn a_person_reads_what_has_happened(db: PgPool) {
    let subgraph = subgraph(&db).await;

    for payload in [
        registered("Carol"),
        EventPayload::PaymentCompleted(purchase("Rust")),
        EventPayload::EnrollmentCreated(enrollment("Rust")),
        refunded(RefundReason::Requested),
        EventPayload::EnrollmentRevoked(enrollment("Rust")),
    ] {
        handle(&subgraph, payload).await;
    }

    let expected = [
        (
            "registration",
            "Welcome to Lyceum, Carol!",
            "Your account is ready. Look around in the catalogue, and take your first course.",
        ),
        ("payment", "Payment received: Rust", "We have received your payment of 49.90 for “Rust”. Thank you!"),
        ("enrollment", "You are enrolled: Rust", "You have a place on “Rust”. Begin whenever you like."),
        ("payment", "Payment refunded: Rust", "Your payment of 49.90 for “Rust” has gone back to you."),
        (
            "enrollment",
            "Enrollment cancelled: Rust",
            "Your payment has gone back to you, so you are no longer on “Rust”.",
        ),
    ];
    let read = read(&db).await;
    let read: Vec<_> = read.iter().map(|(kind, title, body)| (kind.as_str(), title.as_str(), body.as_str())).collect();
    assert_eq!(read, expected);
    assert_eq!(dead_lettered(&db).await, []);
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn who_paid_twice_reads_why_the_money_has_gone_back(db: PgPool) {
    handle(&subgraph(&db).await, refunded(RefundReason::NotEnrolled)).await;

    let read = read(&db).await;
    assert!(read[0].2.contains("you were on the course already, so the money has gone back"), "{read:?}");
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn a_title_that_is_too_long_is_cut_and_an_empty_one_is_left_out(db: PgPool) {
    let subgraph = subgraph(&db).await;

    handle(&subgraph, EventPayload::EnrollmentCreated(enrollment(&"課".repeat(500)))).await;
    handle(&subgraph, EventPayload::EnrollmentRevoked(enrollment(" "))).await;
    handle(&subgraph, registered(&"ß".repeat(1_000))).await;

    let read = read(&db).await;
    assert_eq!(read.len(), 3);
    assert_eq!(read[0].1.chars().count(), 500);
    assert!(read[0].1.ends_with("課…"));
    assert_eq!(read[1].1, "Enrollment cancelled");
    assert!(read[2].1.ends_with("ß…!"));
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn ten_tellings_of_one_thing_make_one_notification(db: PgPool) {
    let subgraph = subgraph(&db).await;
    let event = Event::new(registered("Carol"));

    // The same event, and the same payload under other ids.
    join_all((0..10).map(|_| receive(&subgraph, &event))).await;
    for _ in 0..10 {
        receive(&subgraph, &Event::new(registered("Carol"))).await;
    }
    tokio::join!(process_all(&subgraph), process_all(&subgraph), process_all(&subgraph));
    process_all(&subgraph).await;

    assert_eq!(read(&db).await.len(), 1);
    assert_eq!(dead_lettered(&db).await, []);
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn ids_are_visible_in_order_and_whoever_listens_is_woken(db: PgPool) {
    let subgraph = subgraph(&db).await;
    let mut listener = PgListener::connect_with(&db).await.expect("a listener");
    listener.listen("notifications").await.expect("it listens");
    for number in 0..50 {
        let mut enrollment = enrollment("Rust");
        enrollment.enrollment_id = EnrollmentId(Uuid::from_u128(number));
        receive(&subgraph, &Event::new(EventPayload::EnrollmentCreated(enrollment))).await;
    }

    tokio::join!(process_all(&subgraph), process_all(&subgraph), process_all(&subgraph));

    assert_eq!(listener.recv().await.expect("it is woken").payload(), CAROL.to_string());
    let rows = query("select id, xmin::text::bigint as written_by from notifications order by id");
    let rows = rows.fetch_all(&db).await.expect("the database answers");
    assert_eq!(rows.len(), 50);
    let times_are_the_ids = query(
        "select from notifications
         where lpad(to_hex((extract(epoch from created_at) * 1000)::bigint), 12, '0') <> left(replace(id::text, '-', ''), 12)",
    );
    assert_eq!(times_are_the_ids.fetch_all(&db).await.expect("the database answers").len(), 0);
    assert!(rows[0].get::<i64, _>("written_by") > 0);
}
