//! Students and teachers whose accounts are deleted.

use chrono::Utc;
use contracts::{
    ErasureId, UserId,
    events::{Event, EventPayload, UserErased},
};
use sqlx::{PgPool, query, query_scalar};
use subgraph_testing::events::{handle, published};
use uuid::Uuid;

use crate::{fake_provider::Behavior, fixtures::*, shop::Shop};

const PSEUDONYM: Uuid = Uuid::from_u128(0x9e0d0);

fn erased(user: Uuid) -> EventPayload {
    EventPayload::UserErased(UserErased {
        erasure_id: ErasureId(Uuid::from_u128(0xe4a5)),
        user_id: UserId(user),
        pseudonym: UserId(PSEUDONYM),
        tokens_end_at: Utc::now(),
    })
}

/// The rows of all tables that mention this text.
async fn mentions(db: &PgPool, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for table in ["payments", "purchase_requests", "refund_requests", "outbox_events", "inbox_events"] {
        let sql = format!("select '{table}: ' || t::text from {table} t where strpos(t::text, $1) > 0");
        let rows = query_scalar::<_, String>(sqlx::AssertSqlSafe(sql)).bind(text).fetch_all(db).await;
        found.extend(rows.expect("the rows"));
    }
    found
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_payment_is_kept_without_its_student(db: PgPool) {
    let shop = Shop::open(db.clone()).await;
    let payment = shop.bought(ALICE, RUST, "alice@lyceum.example").await;
    shop.given_back(payment).await;
    query("update refund_requests set note = 'Alice has asked for it'").execute(&db).await.expect("a note");
    let other = shop.bought(BOB, RUST, "bob@lyceum.example").await;
    query("update outbox_events set delivered_at = now()").execute(&db).await.expect("it is delivered");

    handle(&shop.subgraph, erased(ALICE)).await;

    for trace in ["alice@", "Alice"] {
        assert_eq!(mentions(&db, trace).await, [""; 0], "{trace}");
    }
    assert_eq!(mentions(&db, &ALICE.to_string()).await, [""; 0]);
    let kept: Vec<(Uuid, Uuid, String)> =
        sqlx::query_as("select id, student_id, amount::text from payments order by created_at, id")
            .fetch_all(&db)
            .await
            .expect("the payments");
    assert_eq!(kept, [(payment, PSEUDONYM, "49.99".to_owned()), (other, BOB, "49.99".to_owned())]);
    assert!(!mentions(&db, "bob@lyceum.example").await.is_empty());
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_purchase_that_is_under_way_goes_on_under_the_pseudonym(db: PgPool) {
    let shop = Shop::open(db.clone()).await;
    shop.provider.set_behavior(Behavior::Blocks);
    let delete = async {
        while shop.provider.charge_requests() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        handle(&shop.subgraph, erased(ALICE)).await;
        shop.provider.set_behavior(Behavior::Immediate);
    };

    let (reply, ()) = tokio::join!(shop.buy(ALICE, RUST, "key"), delete);

    assert_eq!(reply.ok().data("/purchaseCourse/payment/status"), "COMPLETED");
    let told = published(&db).await;
    let [EventPayload::PaymentCompleted(purchase)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(purchase.student_id.0, PSEUDONYM);
    assert_eq!(mentions(&db, &ALICE.to_string()).await, [""; 0]);
}

/// A second purchase that another process accepted before it had heard of the deletion.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_second_purchase_that_came_late_is_settled(db: PgPool) {
    let shop = Shop::open(db.clone()).await;
    let first = shop.bought(ALICE, RUST, "first").await;
    for table in ["payments", "purchase_requests"] {
        let sql = format!("update {table} set student_id = $1");
        query(sqlx::AssertSqlSafe(sql)).bind(PSEUDONYM).execute(&db).await.expect("it is erased");
    }
    shop.provider.set_behavior(Behavior::Unavailable);
    let second = shop.bought(ALICE, RUST, "second").await;
    handle(&shop.subgraph, erased(ALICE)).await;

    shop.provider.set_behavior(Behavior::Immediate);
    shop.settle_all(1).await;

    assert_eq!((shop.status(first).await.as_str(), shop.status(second).await.as_str()), ("completed", "completed"));
    assert_eq!(shop.count("purchase_requests where is_active").await, 1, "enrollment rejects the second one");
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn an_event_that_is_pending_goes_out_under_the_pseudonym(db: PgPool) {
    let shop = Shop::open(db.clone()).await;
    shop.bought(ALICE, RUST, "key").await;

    handle(&shop.subgraph, erased(ALICE)).await;

    let told = published(&db).await;
    let [EventPayload::PaymentCompleted(purchase)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(purchase.student_id.0, PSEUDONYM);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_token_of_a_deleted_account_is_not_accepted(db: PgPool) {
    let shop = Shop::open(db.clone()).await;

    handle(&shop.subgraph, erased(ALICE)).await;

    assert_eq!(shop.buy(ALICE, RUST, "key").await.error(), Some("UNAUTHENTICATED"));
    assert_eq!(shop.buy(BOB, RUST, "key").await.ok().data("/purchaseCourse/payment/status"), "COMPLETED");
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn what_came_late_is_erased_before_the_receipt_is_signed(db: PgPool) {
    let shop = Shop::open(db.clone()).await;
    let payment = shop.bought(ALICE, RUST, "key").await;
    let event: Event = handle(&shop.subgraph, erased(ALICE)).await;
    query("update payments set student_id = $1, teacher_id = $1")
        .bind(ALICE)
        .execute(&db)
        .await
        .expect("it comes late");
    query("update erased_users set forget_at = now()").execute(&db).await.expect("it is due");

    shop.work(2, async || {
        let open = query_scalar::<_, i64>("select count(*) from erased_users where user_id is not null");
        open.fetch_one(&db).await.expect("a number") == 0
    })
    .await;

    assert_eq!(mentions(&db, &ALICE.to_string()).await, [""; 0]);
    let kept: Uuid = query_scalar("select student_id from payments where id = $1")
        .bind(payment)
        .fetch_one(&db)
        .await
        .expect("the payment");
    assert_eq!(kept, PSEUDONYM);
    let receipts: Vec<_> = published(&db)
        .await
        .into_iter()
        .filter_map(|payload| if let EventPayload::ErasedInPayment(receipt) = payload { Some(receipt) } else { None })
        .collect();
    let [receipt] = &receipts[..] else { panic!("{receipts:?}") };
    assert!(shop.context.seals.has_signed(receipt));
    assert_eq!(receipt.tables.iter().find(|table| table.table == "payments").map(|table| table.anonymized), Some(2));
    // The event comes once more: it is known, and has nothing left to say.
    handle_again(&shop, &event).await;
    assert_eq!(mentions(&db, &ALICE.to_string()).await, [""; 0]);
}

async fn handle_again(shop: &Shop, event: &Event) {
    subgraph_testing::events::receive(&shop.subgraph, event).await;
    subgraph_testing::events::process_all(&shop.subgraph).await;
}
