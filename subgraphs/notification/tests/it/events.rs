//! The notifications that events create.

use std::time::{Duration, Instant};

use contracts::{
    CourseId, EnrollmentId, PaymentId, UserId,
    events::{
        CourseWithdrawn, EnrollmentPayload, Event, EventPayload, NewClientSignIn, Purchase, Refund, RefundReason,
        Registration, Revocation, SecondFactorChange, SecondFactorChanged,
    },
};
use futures::future::join_all;
use service::{ServiceContext, Subgraph};
use sqlx::{PgPool, Row as _, postgres::PgListener, query, query_as};
use subgraph_testing::{
    events::{dead_lettered, handle, process_all, receive},
    verifier,
};
use tokio::time::sleep;
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

/// In a free course.
fn enrollment(title: &str) -> EnrollmentPayload {
    EnrollmentPayload {
        enrollment_id: EnrollmentId(ENROLLMENT),
        student_id: UserId(CAROL),
        course_id: CourseId(COURSE),
        course_title: title.to_owned(),
        payment_id: None,
    }
}

fn bought(title: &str) -> EnrollmentPayload {
    EnrollmentPayload { payment_id: Some(PaymentId(PAYMENT)), ..enrollment(title) }
}

/// Lets the subgraph act until this many notifications are there.
async fn process_until(subgraph: &Subgraph, db: &PgPool, count: usize) {
    let start = Instant::now();
    while read(db).await.len() < count {
        assert!(start.elapsed() < Duration::from_secs(5), "only {:?}", read(db).await);
        process_all(subgraph).await;
        sleep(Duration::from_millis(5)).await;
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

fn signed_in(number: u128, client: Option<&str>) -> EventPayload {
    EventPayload::SignedInFromNewClient(NewClientSignIn {
        sign_in_id: Uuid::from_u128(number),
        user_id: UserId(CAROL),
        client: client.map(str::to_owned),
    })
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn a_user_is_told_of_each_sign_in_from_a_new_client_whatever_the_settings(db: PgPool) {
    let subgraph = subgraph(&db).await;
    query("insert into notification_settings (user_id, type, is_enabled) values ($1, 'security', false)")
        .bind(CAROL)
        .execute(&db)
        .await
        .expect("a setting");

    let dirty = format!("curl\u{202e}\n{}", "x".repeat(250));
    for (number, client) in [(1, Some("Firefox")), (1, Some("Firefox")), (2, None), (3, Some(&*dirty))] {
        handle(&subgraph, signed_in(number, client)).await;
    }

    let told = read(&db).await;
    let shown = ["“Firefox”".to_owned(), "an unknown program".to_owned(), format!("“curl {}”", "x".repeat(115))];
    assert_eq!(told.len(), 3, "{told:?}");
    for ((kind, title, body), client) in told.iter().zip(shown) {
        assert_eq!((&**kind, &**title), ("security", "New sign-in to your account"));
        assert!(
            body.starts_with(&format!("Somebody has signed in to your account with {client}, from where")),
            "{body}"
        );
    }
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn a_user_is_told_of_each_change_of_the_second_factor(db: PgPool) {
    let subgraph = subgraph(&db).await;
    let changed = |number, change| {
        let change_id = Uuid::from_u128(number);
        EventPayload::SecondFactorChanged(SecondFactorChanged { change_id, user_id: UserId(CAROL), change })
    };
    let used = |left| SecondFactorChange::RecoveryCodeUsed { left };

    for (number, change) in [
        (1, SecondFactorChange::Enabled),
        (2, used(9)),
        (2, used(9)),
        (3, used(8)),
        (4, SecondFactorChange::RecoveryCodesReplaced),
        (5, SecondFactorChange::Disabled),
        (6, SecondFactorChange::Reset),
    ] {
        handle(&subgraph, changed(number, change)).await;
    }

    let told = read(&db).await;
    assert!(told.iter().all(|(kind, ..)| kind == "security"), "{told:?}");
    let titles: Vec<_> = told.iter().map(|(_, title, _)| title.as_str()).collect();
    let expected = [
        "Second factor enabled",
        "Recovery code used",
        "Recovery code used",
        "Recovery codes replaced",
        "Second factor disabled",
        "Second factor reset",
    ];
    assert_eq!(titles, expected);
    assert!(told[1].2.contains("Unused recovery codes: 9."), "{}", told[1].2);
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn a_person_reads_what_has_happened(db: PgPool) {
    let subgraph = subgraph(&db).await;

    for payload in [
        registered("Carol"),
        EventPayload::PaymentCompleted(purchase("Rust")),
        EventPayload::EnrollmentCreated(bought("Rust")),
        refunded(RefundReason::Requested),
        EventPayload::EnrollmentRevoked(Revocation { enrollment: bought("Rust"), removal_reason: None }),
    ] {
        handle(&subgraph, payload).await;
    }

    let expected = [
        (
            "registration",
            "Welcome to Lyceum, Carol!",
            "Your account is ready. Browse the catalogue and pick your first course.",
        ),
        ("payment", "Payment received: Rust", "We have received your payment of 49.90 for “Rust”. Thank you!"),
        ("enrollment", "You are enrolled: Rust", "You are enrolled in “Rust”. You can start at any time."),
        ("payment", "Payment refunded: Rust", "Your payment of 49.90 for “Rust” was refunded."),
        (
            "enrollment",
            "Enrollment cancelled: Rust",
            "Your payment was refunded, so you are no longer enrolled in “Rust”.",
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
    assert!(read[0].2.contains("you were already enrolled, so your payment was refunded"), "{read:?}");
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn who_was_removed_reads_why(db: PgPool) {
    let removal_reason = Some("The course is for members only.".to_owned());
    handle(
        &subgraph(&db).await,
        EventPayload::EnrollmentRevoked(Revocation { enrollment: enrollment("Rust"), removal_reason }),
    )
    .await;

    let read = read(&db).await;
    assert_eq!(read[0].2, "You were removed from “Rust”. The reason: The course is for members only.");
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn a_title_that_is_too_long_is_cut_and_an_empty_one_is_left_out(db: PgPool) {
    let subgraph = subgraph(&db).await;

    handle(&subgraph, EventPayload::EnrollmentCreated(enrollment(&"課".repeat(500)))).await;
    let revoked = Revocation { enrollment: enrollment(" "), removal_reason: None };
    handle(&subgraph, EventPayload::EnrollmentRevoked(revoked)).await;
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

#[sqlx::test(migrations = "../../migrations/notification")]
async fn a_payment_is_told_before_the_enrollment_that_it_bought(db: PgPool) {
    let subgraph = subgraph(&db).await;
    let titles =
        ["Payment received: Rust", "You are enrolled: Rust", "Payment refunded: Rust", "Enrollment cancelled: Rust"];

    // The enrollment service is faster than the payment service, each time.
    for (first, second) in [
        (EventPayload::EnrollmentCreated(bought("Rust")), EventPayload::PaymentCompleted(purchase("Rust"))),
        (
            EventPayload::EnrollmentRevoked(Revocation { enrollment: bought("Rust"), removal_reason: None }),
            refunded(RefundReason::Requested),
        ),
    ] {
        let before = read(&db).await.len();
        handle(&subgraph, first).await;
        sleep(Duration::from_millis(200)).await;
        process_all(&subgraph).await;
        assert_eq!(read(&db).await.len(), before, "it waits");

        receive(&subgraph, &Event::new(second)).await;
        process_until(&subgraph, &db, before + 2).await;
    }

    assert_eq!(read(&db).await.into_iter().map(|(_, title, _)| title).collect::<Vec<_>>(), titles);
    assert_eq!(dead_lettered(&db).await, []);
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn an_event_that_waits_holds_up_no_other(db: PgPool) {
    let subgraph = subgraph(&db).await;

    handle(&subgraph, EventPayload::EnrollmentCreated(bought("Rust"))).await;
    handle(&subgraph, registered("Carol")).await;

    let read = read(&db).await;
    assert_eq!(read.iter().map(|(kind, ..)| kind.as_str()).collect::<Vec<_>>(), ["registration"]);
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn what_never_hears_of_its_cause_is_told_without_it(db: PgPool) {
    let subgraph = subgraph(&db).await;
    handle(&subgraph, EventPayload::EnrollmentCreated(bought("Rust"))).await;
    assert_eq!(read(&db).await, []);

    query("update inbox_events set waits_since = waits_since - interval '16 s', next_attempt_at = now()")
        .execute(&db)
        .await
        .expect("time passes");
    process_all(&subgraph).await;

    assert_eq!(read(&db).await.len(), 1);
    // The payment of an imported database has no event; another one comes late, and is told all the same.
    handle(&subgraph, EventPayload::PaymentCompleted(purchase("Rust"))).await;
    assert_eq!(read(&db).await.len(), 2);
}

/// In a backlog the first attempt comes long after the receipt.
#[sqlx::test(migrations = "../../migrations/notification")]
async fn an_event_waits_for_its_cause_from_the_first_attempt_on(db: PgPool) {
    let subgraph = subgraph(&db).await;
    receive(&subgraph, &Event::new(EventPayload::EnrollmentCreated(bought("Rust")))).await;
    query(
        "update inbox_events set received_at = now() - interval '1 hour', next_attempt_at = now() - interval '1 hour'",
    )
    .execute(&db)
    .await
    .expect("time passes");

    process_all(&subgraph).await;
    assert_eq!(read(&db).await, []);
    receive(&subgraph, &Event::new(EventPayload::PaymentCompleted(purchase("Rust")))).await;
    process_until(&subgraph, &db, 2).await;

    let titles: Vec<_> = read(&db).await.into_iter().map(|(_, title, _)| title).collect();
    assert_eq!(titles, ["Payment received: Rust", "You are enrolled: Rust"]);
}

/// Its cause may be far behind it.
#[sqlx::test(migrations = "../../migrations/notification")]
async fn an_event_waits_for_its_cause_while_that_is_in_the_inbox(db: PgPool) {
    let subgraph = subgraph(&db).await;
    receive(&subgraph, &Event::new(EventPayload::EnrollmentCreated(bought("Rust")))).await;
    receive(&subgraph, &Event::new(EventPayload::PaymentCompleted(purchase("Rust")))).await;
    let is_effect = "update inbox_events
                     set waits_since = now() - interval '1 hour', next_attempt_at = now() + $2 * interval '1 hour'
                     where type = $1";
    let postpone = async |event_type: &str, hours: f64| {
        query(is_effect).bind(event_type).bind(hours).execute(&db).await.expect("an event is postponed");
    };
    let (cause, effect) = ("lyceum.payment.completed", "lyceum.enrollment.created");

    postpone(cause, 1.0).await;
    postpone(effect, -1.0).await;
    process_all(&subgraph).await;
    assert_eq!(read(&db).await, []);
    for event_type in [cause, effect] {
        postpone(event_type, -1.0).await;
    }
    process_until(&subgraph, &db, 2).await;

    let titles: Vec<_> = read(&db).await.into_iter().map(|(_, title, _)| title).collect();
    assert_eq!(titles, ["Payment received: Rust", "You are enrolled: Rust"]);
}

/// Events of an older process, or of the legacy system, were not cleaned.
#[sqlx::test(migrations = "../../migrations/notification")]
async fn a_reason_brings_only_what_can_be_seen_in_one_line(db: PgPool) {
    let subgraph = subgraph(&db).await;
    let removal_reason = Some("Full\u{202e}.\n\nYou\u{7} have won!".to_owned());
    let revoked = Revocation { enrollment: enrollment("Rust"), removal_reason };

    handle(&subgraph, EventPayload::EnrollmentRevoked(revoked)).await;
    handle(&subgraph, withdrawn(1, COURSE, Some("Old.\n\nSend money\u{1b}[2J"))).await;

    let read = read(&db).await;
    assert_eq!(read[0].2, "You were removed from “Rust”. The reason: Full. You have won!");
    assert!(read[1].2.ends_with("keep it. The reason: Old. Send money [2J"), "{read:?}");
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn thirty_purchases_in_any_order_are_told_in_theirs(db: PgPool) {
    let subgraph = subgraph(&db).await;
    let ids: Vec<_> = (0..30).map(|number| Uuid::from_u128(0xabc0 + number)).collect();
    let title = |number: usize| format!("Course {number}");
    for (number, id) in ids.iter().enumerate() {
        let paid = Purchase { payment_id: PaymentId(*id), ..purchase(&title(number)) };
        let placed = EnrollmentPayload {
            enrollment_id: EnrollmentId(Uuid::now_v7()),
            payment_id: Some(PaymentId(*id)),
            ..enrollment(&title(number))
        };
        let mut events =
            [Event::new(EventPayload::PaymentCompleted(paid)), Event::new(EventPayload::EnrollmentCreated(placed))];
        if number % 2 == 0 {
            events.reverse();
        }
        for event in &events {
            receive(&subgraph, event).await;
        }
    }

    let both = async { tokio::join!(process_until(&subgraph, &db, 60), process_until(&subgraph, &db, 60)) };
    both.await;

    let titles: Vec<_> = read(&db).await.into_iter().map(|(_, title, _)| title).collect();
    let place = |title: String| titles.iter().position(|told| *told == title).expect("it is told");
    for number in 0..30 {
        let (paid, placed) =
            (format!("Payment received: {}", title(number)), format!("You are enrolled: {}", title(number)));
        assert!(place(paid) < place(placed), "{number}: {titles:?}");
    }
    assert_eq!(titles.len(), 60);
}
