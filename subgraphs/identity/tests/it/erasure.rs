//! The receipts of erasures.

use auth::seal::SealKeys;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::{
    Code, ErasureId,
    events::{ErasedTable, ErasureReceipt, EventPayload},
};
use identity::admin;
use serde_json::{Value, json};
use service::ServiceContext;
use sqlx::{PgPool, query, query_as, query_scalar};
use subgraph_kit::Error;
use subgraph_testing::{TestApp, events::handle, verifier};
use uuid::Uuid;

use crate::{
    fixtures::{app, keys, settings},
    session::{EMAIL, count, register, register_dora},
};

const ERASURE: Uuid = Uuid::from_u128(0xe4a5);

const FOLLOW: &str = "query ($id: ID!) { erasure(id: $id) {
    state pendingServices receipts { service tables { table deleted anonymized } }
} }";

/// A receipt that `seals` have signed.
fn receipt(seals: &SealKeys, service: &str) -> ErasureReceipt {
    let mut receipt = ErasureReceipt {
        erasure_id: ErasureId(ERASURE),
        service: service.to_owned(),
        erased_at: DateTime::UNIX_EPOCH,
        tables: vec![ErasedTable { table: "notifications".to_owned(), deleted: 3, anonymized: 0 }],
        signature: String::new(),
    };
    receipt.signature = seals.sign_receipt(&receipt);
    receipt
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_receipt_counts_if_its_service_has_signed_it(db: PgPool) {
    let context = ServiceContext::new(verifier());
    let subgraph = identity::subgraph(db.clone(), &keys(), &context, &settings()).await.expect("the subgraph opens");
    let app = TestApp::new(subgraph.clone());
    query("insert into erasures (id, requested_at) values ($1, now())").bind(ERASURE).execute(&db).await.expect("one");
    let seen = async || app.anonymous().data(FOLLOW, json!({ "id": ERASURE })).await["erasure"].clone();

    for forged in [
        EventPayload::ErasedInNotification(receipt(&SealKeys::random(), "notification")),
        EventPayload::ErasedInPayment(receipt(&context.seals, "notification")),
        EventPayload::ErasedInNotification(ErasureReceipt {
            tables: Vec::new(),
            ..receipt(&context.seals, "notification")
        }),
    ] {
        handle(&subgraph, forged).await;
        query("delete from inbox_events").execute(&db).await.expect("it is not tried again");
        assert_eq!(seen().await["receipts"], json!([]));
    }
    // One of an erasure that is not known changes nothing.
    let unknown = ErasureReceipt { erasure_id: ErasureId(Uuid::nil()), ..receipt(&context.seals, "notification") };
    let unknown = ErasureReceipt { signature: context.seals.sign_receipt(&unknown), ..unknown };
    handle(&subgraph, EventPayload::ErasedInNotification(unknown)).await;
    assert_eq!(seen().await["receipts"], json!([]));

    for _ in 0..2 {
        handle(&subgraph, EventPayload::ErasedInNotification(receipt(&context.seals, "notification"))).await;
        let tables = json!([{ "table": "notifications", "deleted": 3, "anonymized": 0 }]);
        assert_eq!(seen().await["receipts"], json!([{ "service": "notification", "tables": tables }]));
        assert_eq!(seen().await["pendingServices"], json!(["course", "enrollment", "payment", "identity"]));
    }
    for payload in [
        EventPayload::ErasedInCourse(receipt(&context.seals, "course")),
        EventPayload::ErasedInEnrollment(receipt(&context.seals, "enrollment")),
        EventPayload::ErasedInPayment(receipt(&context.seals, "payment")),
    ] {
        handle(&subgraph, payload).await;
    }
    assert_eq!(seen().await["state"], "RUNNING");
    let nobody = app.anonymous().data(FOLLOW, json!({ "id": Uuid::nil() })).await;
    assert_eq!(nobody["erasure"], Value::Null);
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn mails_and_clients_go_with_the_account(db: PgPool) {
    const OWN: [&str; 5] = ["sessions", "mails", "email_tokens", "known_clients", "data_exports"];
    let app = app(db.clone()).await;
    register_dora(&app).await;
    let eve = json!({ "email": "eve@lyceum.example", "password": "correct horse", "name": "Eve", "role": "STUDENT" });
    register(&app, eve).await;
    query(
        "insert into data_exports (id, user_id, requested_at, content, expires_at)
         select gen_random_uuid(), id, now(), '{}', now() + interval '1 day' from users",
    )
    .execute(&db)
    .await
    .expect("files");
    for typed in [EMAIL, " Dora@Lyceum.Example ", "eve@lyceum.example"] {
        let insert = query("insert into password_reset_requests (id, email) values (gen_random_uuid(), $1)");
        insert.bind(typed).execute(&db).await.expect("a request");
    }
    for table in OWN {
        assert_eq!(count(&db, table).await, 2, "{table}");
    }
    let pool = (&db).into();
    let dora = admin::find(&pool, EMAIL).await.expect("the database answers").expect("an account");

    admin::erase(&pool, &dora, &settings().tokens).await.expect("it is deleted");

    for table in OWN {
        assert_eq!(count(&db, table).await, 1, "{table}");
    }
    let requests: Vec<String> =
        query_scalar("select email from password_reset_requests").fetch_all(&db).await.expect("requests");
    assert_eq!(requests, ["eve@lyceum.example"]);
    assert!(admin::find(&pool, EMAIL).await.expect("the database answers").is_none());
    let again = admin::erase(&pool, &dora, &settings().tokens).await;
    assert!(matches!(again, Err(Error::Rejected(rejections)) if rejections[0].code == Code::NotFound));
    // Whoever knows when the account was deleted does not find the pseudonym by it.
    let times: Vec<String> = query_scalar("select extract(epoch from created_at)::bigint % 86400 || ' ' || extract(epoch from erased_at)::bigint % 86400 from users where erased_at is not null")
        .fetch_all(&db)
        .await
        .expect("a pseudonym");
    assert_eq!(times, ["0 0"]);
    // What is left of the account becomes no admin.
    let pseudonym: Uuid =
        query_scalar("select id from users where erased_at is not null").fetch_one(&db).await.expect("a pseudonym");
    let pseudonym = admin::find(&pool, &pseudonym.to_string()).await.expect("the database answers").expect("a row");
    assert!(matches!(admin::grant(&pool, &pseudonym).await, Ok(admin::Change::Unchanged)));
}

/// A service that was late knew the user until then. Others may have been done before its last events came.
#[sqlx::test(migrations = "../../migrations/identity")]
async fn all_are_asked_once_more_if_one_was_late(db: PgPool) {
    const OTHERS: [&str; 4] = ["course", "enrollment", "payment", "notification"];
    let context = ServiceContext::new(verifier());
    let subgraph = identity::subgraph(db.clone(), &keys(), &context, &settings()).await.expect("the subgraph opens");
    let app = TestApp::new(subgraph.clone());
    register_dora(&app).await;
    let pool = (&db).into();
    let dora = admin::find(&pool, EMAIL).await.expect("the database answers").expect("an account");
    let id = admin::erase(&pool, &dora, &settings().tokens).await.expect("it is deleted");
    let asked = async || -> Vec<(String, Uuid)> {
        let asked = "select destination, (event #>> '{data,user_id}')::uuid from outbox_events
                     where type = 'lyceum.user.erased' order by destination";
        query_as(asked).fetch_all(&db).await.expect("events")
    };
    let all = ["course", "enrollment", "notification", "payment"].map(|name| (name.to_owned(), dora.id.0));
    assert_eq!(asked().await, all);
    let answer = async |service: &str, erased_at: DateTime<Utc>| {
        let mut receipt =
            ErasureReceipt { erasure_id: id, erased_at, signature: String::new(), ..receipt(&context.seals, service) };
        receipt.signature = context.seals.sign_receipt(&receipt);
        let payload = match service {
            "course" => EventPayload::ErasedInCourse(receipt),
            "enrollment" => EventPayload::ErasedInEnrollment(receipt),
            "payment" => EventPayload::ErasedInPayment(receipt),
            _ => EventPayload::ErasedInNotification(receipt),
        };
        handle(&subgraph, payload).await;
    };
    let seen = async || app.anonymous().data(FOLLOW, json!({ "id": id.0 })).await["erasure"].clone();
    let time = Utc::now();

    for service in OTHERS {
        let late = if service == "payment" { TimeDelta::minutes(10) } else { TimeDelta::seconds(3) };
        answer(service, time + late).await;
    }

    assert_eq!(seen().await["receipts"], json!([]));
    assert_eq!(seen().await["state"], "RUNNING");
    assert_eq!(asked().await, all);

    for (number, service) in OTHERS.into_iter().enumerate() {
        answer(service, time + TimeDelta::minutes(11) + TimeDelta::seconds(i64::try_from(number).expect("a few")))
            .await;
    }
    assert_eq!(seen().await["pendingServices"], json!(["identity"]));
    assert!(asked().await.is_empty());
}

/// So that clocks that differ do not keep an erasure from its end.
#[sqlx::test(migrations = "../../migrations/identity")]
async fn all_are_asked_a_few_times_at_most(db: PgPool) {
    let context = ServiceContext::new(verifier());
    let subgraph = identity::subgraph(db.clone(), &keys(), &context, &settings()).await.expect("the subgraph opens");
    let app = TestApp::new(subgraph.clone());
    register_dora(&app).await;
    let pool = (&db).into();
    let dora = admin::find(&pool, EMAIL).await.expect("the database answers").expect("an account");
    let id = admin::erase(&pool, &dora, &settings().tokens).await.expect("it is deleted");
    let open = async || {
        let open = "select count(*) from outbox_events where type = 'lyceum.user.erased'";
        query_scalar::<_, i64>(open).fetch_one(&db).await.expect("a number")
    };

    let mut rounds = 0;
    while open().await > 0 {
        rounds += 1;
        assert!(rounds < 10, "it has no end");
        let sign = |service: &str, erased_at| {
            let receipt = ErasureReceipt { erasure_id: id, erased_at, ..receipt(&context.seals, service) };
            ErasureReceipt { signature: context.seals.sign_receipt(&receipt), ..receipt }
        };
        let time = Utc::now();
        for payload in [
            EventPayload::ErasedInCourse(sign("course", time)),
            EventPayload::ErasedInEnrollment(sign("enrollment", time)),
            EventPayload::ErasedInPayment(sign("payment", time)),
            EventPayload::ErasedInNotification(sign("notification", time + TimeDelta::minutes(1))),
        ] {
            handle(&subgraph, payload).await;
        }
    }

    assert_eq!(rounds, 4);
    let erasure = app.anonymous().data(FOLLOW, json!({ "id": id.0 })).await["erasure"].clone();
    assert_eq!(erasure["pendingServices"], json!(["identity"]));
}
