//! The receipts of erasures.

use auth::seal::SealKeys;
use chrono::DateTime;
use contracts::{
    Code, ErasureId,
    events::{ErasedTable, ErasureReceipt, EventPayload},
};
use identity::admin;
use serde_json::{Value, json};
use service::ServiceContext;
use sqlx::{PgPool, query, query_scalar};
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
    // What is left of the account becomes no admin.
    let pseudonym: Uuid =
        query_scalar("select id from users where erased_at is not null").fetch_one(&db).await.expect("a pseudonym");
    let pseudonym = admin::find(&pool, &pseudonym.to_string()).await.expect("the database answers").expect("a row");
    assert!(matches!(admin::grant(&pool, &pseudonym).await, Ok(admin::Change::Unchanged)));
}
