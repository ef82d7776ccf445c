//! The list of all payments, for admins.

use contracts::ids::new_id_and_time;
use serde_json::json;
use sqlx::{PgPool, query, query_scalar};
use subgraph_testing::{StatementCount, list::List};
use uuid::Uuid;

use crate::fixtures::*;

async fn newest_first(db: &PgPool) -> Vec<String> {
    query_scalar("select id::text from payments order by created_at desc, id desc")
        .fetch_all(db)
        .await
        .expect("the payments are read")
}

async fn insert_new(db: &PgPool, count: usize) {
    for _ in 0..count {
        let (id, created_at) = new_id_and_time();
        query("insert into payments (id, student_id, course_id, amount, created_at) values ($1, $2, $3, 1, $4)")
            .bind(id)
            .bind(ALICE)
            .bind(RUST)
            .bind(created_at)
            .execute(db)
            .await
            .expect("a payment");
    }
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn pages_join_without_a_gap_in_both_directions(db: PgPool) {
    insert_new(&db, 13).await;
    check(&db).await;

    // Ids of the legacy system, five payments per second.
    query(
        "insert into payments (student_id, course_id, amount, created_at)
         select gen_random_uuid(), $1, 1, timestamptz '2026-01-01' + (n / 5) * interval '1 second'
         from generate_series(1, 11) as n",
    )
    .bind(RUST)
    .execute(&db)
    .await
    .expect("the payments are inserted");
    check(&db).await;
}

async fn check(db: &PgPool) {
    let admin = app(db.clone()).await.admin();
    List::root("payments").check(&admin, newest_first(db).await).await;
}

#[sqlx::test(migrations = "../../migrations/payment", fixtures("payments"))]
async fn they_can_be_asked_for_by_how_they_stand(db: PgPool) {
    let (list, admin) = (List::root("payments"), app(db).await.admin());
    let ids = |ids: &[Uuid]| ids.iter().map(Uuid::to_string).collect::<Vec<_>>();

    for (status, expected) in [
        ("COMPLETED", ids(&[BOBS_RUST, ALICES_RUST])),
        ("REFUNDED", ids(&[ALICES_SQL])),
        ("PENDING", vec![]),
        ("FAILED", vec![]),
        ("null", ids(&[BOBS_RUST, ALICES_SQL, ALICES_RUST])),
    ] {
        let page = list.page(&admin, &format!("status: {status}")).await.ok();

        assert_eq!(list.ids(&page), expected, "{status}");
        assert_eq!(list.total(&page), expected.len(), "{status}");
    }
}

#[sqlx::test(migrations = "../../migrations/payment", fixtures("payments"))]
async fn only_admins_list_them(db: PgPool) {
    let (list, app) = (List::root("payments"), app(db).await);

    for (client, code) in
        [(app.anonymous(), "UNAUTHENTICATED"), (app.student(ALICE), "FORBIDDEN"), (app.teacher(TERESA), "FORBIDDEN")]
    {
        let page = list.page(&client, "first: 1").await;

        assert_eq!(page.error(), Some(code));
        assert_eq!(page.json["data"], json!({ "payments": null }));
    }
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn the_number_of_statements_does_not_depend_on_the_length_of_the_list(db: PgPool) {
    let admin = app(db.clone()).await.admin();

    for more in [1, 19, 80] {
        insert_new(&db, more).await;
        let statements = StatementCount::start();
        let document = "{ payments(first: 100) { totalCount nodes { id amount student { id } } } }";
        let reply = admin.send(document, json!({})).await.ok();

        assert!(!reply.data("/payments/nodes/0").is_null());
        assert_eq!(statements.get(), 2);
    }
}
