//! The inbox: authentication of events, and dead-lettering of unusable ones.

use auth::signature::{RouterAuth, SIGNATURE, Secrets, SignedParts};
use axum::body::Body;
use contracts::events::{Event, EventPayload};
use http::{HeaderMap, Method, Request, StatusCode};
use messaging::DeliveryError;
use serde_json::{Value, json};
use service::serve;
use sqlx::{PgPool, query_scalar};
use subgraph_testing::events::{dead_lettered, process_all, receive};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::{fixtures::*, peers::*};

fn event() -> Event {
    Event::new(EventPayload::PaymentCompleted(purchase(UNUSED_PAYMENT, ALICE, LATIN)))
}

/// The event with one change, as JSON.
fn changed(event: &Event, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value = serde_json::to_value(event).expect("JSON");
    change(&mut value);
    value.to_string().into_bytes()
}

async fn kept(db: &PgPool) -> i64 {
    query_scalar("select count(*) from inbox_events").fetch_one(db).await.expect("the database answers")
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn an_event_that_arrives_again_is_kept_once(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let event = event();

    for _ in 0..3 {
        receive(&system.subgraph, &event).await;
    }

    assert_eq!(kept(&db).await, 1);
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn an_id_with_another_body_is_refused(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let event = event();
    receive(&system.subgraph, &event).await;

    let other = changed(&event, |event| event["data"]["amount"] = json!("0.01"));
    let outcome = system.subgraph.receive(&other).await;

    assert!(matches!(outcome, Err(DeliveryError::Rejected(_))), "{outcome:?}");
    process_all(&system.subgraph).await;
    receive(&system.subgraph, &event).await;
    assert!(matches!(system.subgraph.receive(&other).await, Err(DeliveryError::Rejected(_))));
    assert_eq!(kept(&db).await, 1);
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn what_cannot_be_used_is_dead_lettered_with_the_reason(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let lost = changed(&event(), |event| event["type"] = json!("lyceum.payment.lost"));
    let poor = changed(&event(), |event| _ = event["data"].as_object_mut().expect("data").remove("amount"));
    let foreign = Event::new(EventPayload::EnrollmentRejected(contracts::events::EnrollmentRejected {
        payment_id: contracts::PaymentId(UNUSED_PAYMENT),
    }));

    system.subgraph.receive(&lost).await.expect("it is kept");
    system.subgraph.receive(&poor).await.expect("it is kept");
    receive(&system.subgraph, &foreign).await;
    receive(&system.subgraph, &event()).await;
    process_all(&system.subgraph).await;

    let aside = dead_lettered(&db).await;
    assert_eq!(aside.len(), 3, "{aside:?}");
    assert!(aside[0].1.contains("lyceum.payment.lost"), "{aside:?}");
    assert!(aside[1].1.contains("amount"), "{aside:?}");
    assert!(aside[2].1.contains("enrollment does not consume this event type"), "{aside:?}");
    // Later events about the same payment are not blocked.
    assert_eq!(system.enrollments(ALICE, LATIN).await, [Some(UNUSED_PAYMENT)]);
}

/// No title may prevent the buyers of a course from being enrolled.
#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_title_may_be_any_text(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    for (number, title) in [r"Escapes: \u0000 in JSON", r"\", "\"", "\u{1}", "課🎓", ""].into_iter().enumerate() {
        let student = Uuid::from_u128(0xa1_0000 + number as u128);
        let mut purchase = purchase(Uuid::now_v7(), student, LATIN);
        title.clone_into(&mut purchase.course_title);

        receive(&system.subgraph, &Event::new(EventPayload::PaymentCompleted(purchase.clone()))).await;
        process_all(&system.subgraph).await;

        assert_eq!(system.enrollments(student, LATIN).await, [Some(purchase.payment_id.0)], "{title:?}");
    }
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn what_cannot_be_kept_is_refused(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    for refused in [
        changed(&event(), |event| event["data"]["course_title"] = json!("a\0b")),
        changed(&event(), |event| event["type"] = json!("\0")),
        changed(&event(), |event| event["specversion"] = json!("2.0")),
        changed(&event(), |event| _ = event.as_object_mut().expect("an event").remove("source")),
    ] {
        let outcome = system.subgraph.receive(&refused).await;

        assert!(matches!(outcome, Err(DeliveryError::Rejected(_))), "{outcome:?}");
    }
    assert_eq!(kept(&db).await, 0);
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn the_door_for_events_opens_for_signed_events_only(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let secrets: Secrets = Uuid::now_v7().simple().to_string().parse().expect("a secret");
    let routes = serve::routes(system.subgraph.clone(), RouterAuth::Signed(secrets.clone()));
    let post = async |body: &[u8], is_signed: bool| {
        let headers = HeaderMap::new();
        let parts =
            SignedParts { subgraph: "enrollment", method: &Method::POST, path: "/events", headers: &headers, body };
        let mut request = Request::post("/events");
        if is_signed {
            request = request.header(SIGNATURE, secrets.sign(parts));
        }
        let request = request.body(Body::from(body.to_vec())).expect("a request");
        routes.clone().oneshot(request).await.expect("an answer").status()
    };
    let event = serde_json::to_vec(&event()).expect("JSON");

    assert_eq!(post(&event, false).await, StatusCode::UNAUTHORIZED);
    assert_eq!(kept(&db).await, 0);
    assert_eq!(post(b"Hello", true).await, StatusCode::BAD_REQUEST);
    assert_eq!(post(b"{}", true).await, StatusCode::BAD_REQUEST);
    assert_eq!(kept(&db).await, 0);
    assert_eq!(post(&event, true).await, StatusCode::NO_CONTENT);
    assert_eq!(post(&event, true).await, StatusCode::NO_CONTENT);
    assert_eq!(kept(&db).await, 1);
}
