//! Which types of notifications a user receives.

use contracts::{
    CourseId, EnrollmentId, PaymentId, UserId,
    events::{EnrollmentPayload, EventPayload, Purchase, Refund, RefundReason, Registration, Revocation},
};
use futures::future::join_all;
use serde_json::{Value, json};
use service::ServiceContext;
use sqlx::{PgPool, query_scalar};
use subgraph_testing::{Client, Reply, StatementCount, events::handle, verifier};
use uuid::Uuid;

use crate::fixtures::*;

const SET: &str = "mutation ($type: NotificationType!, $isEnabled: Boolean!) {
    setNotificationSetting(input: { type: $type, isEnabled: $isEnabled }) {
        notificationSetting { type isEnabled } userErrors { code field }
    }
}";

async fn set(client: &Client, kind: &str, is_enabled: bool) -> Reply {
    client.send(SET, json!({ "type": kind, "isEnabled": is_enabled })).await
}

async fn settings(client: &Client, user: Uuid) -> Reply {
    let user = json!([{ "__typename": "User", "id": user }]);
    client.entities("... on User { notificationSettings { type isEnabled } }", user).await
}

/// The types that a user has switched off.
fn off(reply: &Reply) -> Vec<&str> {
    let settings = reply.data("/_entities/0/notificationSettings").as_array().expect("a list");
    let types: Vec<_> = settings.iter().map(|setting| setting["type"].as_str().expect("a type")).collect();
    assert!(
        ["REGISTRATION", "ENROLLMENT", "PAYMENT", "COURSE", "SECURITY"].iter().all(|kind| types.contains(kind)),
        "{types:?}"
    );
    settings.iter().zip(types).filter(|(setting, _)| setting["isEnabled"] == false).map(|(_, kind)| kind).collect()
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn each_type_is_on_until_its_user_switches_it_off(db: PgPool) {
    let app = app(db).await;
    let (alice, bob) = (app.student(ALICE), app.student(BOB));

    assert_eq!(off(&settings(&alice, ALICE).await.ok()), [""; 0]);
    let changed = set(&alice, "ENROLLMENT", false).await.ok();

    assert_eq!(
        changed.data("/setNotificationSetting"),
        &json!({ "notificationSetting": { "type": "ENROLLMENT", "isEnabled": false }, "userErrors": [] })
    );
    assert_eq!(off(&settings(&alice, ALICE).await.ok()), ["ENROLLMENT"]);
    assert_eq!(off(&settings(&bob, BOB).await.ok()), [""; 0]);
    let _ = set(&alice, "ENROLLMENT", true).await.ok();
    assert_eq!(off(&settings(&alice, ALICE).await.ok()), [""; 0]);
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn receipts_and_withdrawals_cannot_be_switched_off(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);

    for kind in ["PAYMENT", "COURSE"] {
        let off = set(&alice, kind, false).await.ok();
        let on = set(&alice, kind, true).await.ok();

        assert_eq!(off.user_errors(), [("INVALID_INPUT", "isEnabled".to_owned())], "{kind}");
        assert_eq!(off.data("/setNotificationSetting/notificationSetting"), &Value::Null);
        assert_eq!(on.data("/setNotificationSetting/notificationSetting/isEnabled"), &json!(true));
    }
    let off = "select count(*) from notification_settings where not is_enabled";
    assert_eq!(query_scalar::<_, i64>(off).fetch_one(&db).await.expect("a count"), 0);
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn only_the_user_and_admins_see_them_and_only_the_user_sets_them(db: PgPool) {
    let app = app(db.clone()).await;
    let _ = set(&app.student(ALICE), "ENROLLMENT", false).await.ok();

    for stranger in [app.anonymous(), app.student(BOB), app.teacher(CAROL)] {
        let reply = settings(&stranger, ALICE).await;

        assert_eq!(reply.error(), Some("FORBIDDEN"));
        assert_eq!(reply.data("/_entities/0/notificationSettings"), &Value::Null);
    }
    let admin = settings(&app.admin(), ALICE).await.ok();
    assert_eq!(off(&admin), ["ENROLLMENT"]);
    assert_eq!(set(&app.anonymous(), "ENROLLMENT", false).await.error(), Some("UNAUTHENTICATED"));
    let rows = "select count(*) from notification_settings where user_id <> $1";
    assert_eq!(query_scalar::<_, i64>(rows).bind(ALICE).fetch_one(&db).await.expect("a count"), 0);
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn ten_settings_at_once_leave_one(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);

    let replies = join_all((0..10).map(|number| set(&alice, "ENROLLMENT", number % 2 == 0))).await;

    assert!(replies.iter().all(|reply| reply.json["errors"].is_null()));
    let rows = query_scalar::<_, i64>("select count(*) from notification_settings");
    assert_eq!(rows.fetch_one(&db).await.expect("a count"), 1);
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn a_type_that_is_off_is_not_written_and_receipts_always_are(db: PgPool) {
    let subgraph = notification::subgraph(db.clone(), &ServiceContext::new(verifier())).await.expect("it opens");
    let alice = app(db.clone()).await.student(ALICE);
    for kind in ["REGISTRATION", "ENROLLMENT"] {
        let _ = set(&alice, kind, false).await.ok();
    }
    // As nobody can set it through the graph.
    sqlx::query("insert into notification_settings (user_id, type, is_enabled) values ($1, 'payment', false)")
        .bind(ALICE)
        .execute(&db)
        .await
        .expect("a row");
    let enrolled = |student| EnrollmentPayload {
        enrollment_id: EnrollmentId(Uuid::now_v7()),
        student_id: UserId(student),
        course_id: CourseId(Uuid::now_v7()),
        course_title: "Rust".to_owned(),
        payment_id: None,
    };
    let purchase = Purchase {
        payment_id: PaymentId(Uuid::now_v7()),
        student_id: UserId(ALICE),
        course_id: CourseId(Uuid::now_v7()),
        course_title: "Rust".to_owned(),
        amount: "10".parse().expect("an amount"),
    };

    for payload in [
        EventPayload::UserRegistered(Registration { user_id: UserId(ALICE), name: "Alice".to_owned() }),
        EventPayload::EnrollmentCreated(enrolled(ALICE)),
        EventPayload::PaymentCompleted(purchase.clone()),
        EventPayload::PaymentRefunded(Refund { purchase, reason: RefundReason::Requested }),
        EventPayload::EnrollmentCreated(enrolled(BOB)),
    ] {
        handle(&subgraph, payload).await;
    }
    // The student did nothing for it, and would not find out.
    let removed = Revocation { enrollment: enrolled(ALICE), removal_reason: Some("Full.".to_owned()) };
    handle(&subgraph, EventPayload::EnrollmentRevoked(removed)).await;
    let refunded = Revocation { enrollment: enrolled(ALICE), removal_reason: None };
    handle(&subgraph, EventPayload::EnrollmentRevoked(refunded)).await;
    // What came while it was off does not come later.
    let _ = set(&alice, "ENROLLMENT", true).await.ok();
    handle(&subgraph, EventPayload::EnrollmentCreated(enrolled(ALICE))).await;

    let of = async |user: Uuid| {
        let kinds = query_scalar::<_, String>("select type::text from notifications where user_id = $1 order by id");
        kinds.bind(user).fetch_all(&db).await.expect("types")
    };
    assert_eq!(of(ALICE).await, ["payment", "payment", "enrollment", "enrollment"]);
    let removed = query_scalar::<_, String>("select body from notifications where body like '%The reason: Full.'");
    assert_eq!(removed.fetch_all(&db).await.expect("texts").len(), 1);
    assert_eq!(of(BOB).await, ["enrollment"]);
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn the_settings_of_any_number_of_users_are_one_statement(db: PgPool) {
    let app = app(db).await;

    for count in [1, 20, 100] {
        let users: Vec<_> = (0..count).map(|_| json!({ "__typename": "User", "id": Uuid::now_v7() })).collect();
        let statements = StatementCount::start();
        let reply = app.admin().entities("... on User { notificationSettings { type } }", json!(users)).await.ok();

        assert_eq!(reply.data("/_entities").as_array().map(Vec::len), Some(count));
        assert_eq!(statements.get(), 1, "{count} users");
    }
}
