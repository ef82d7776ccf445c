use serde_json::{Value, json};
use sqlx::PgPool;
use subgraph_testing::{StatementCount, list::List};
use uuid::Uuid;

use crate::fixtures::*;

fn notifications_of(user: Uuid) -> List {
    List::of(user_key(user), "notifications")
}

fn user_key(user: Uuid) -> Value {
    json!({ "__typename": "User", "id": user })
}

/// Inserts notifications of a user, five per second, with ids of the legacy system; every second one is read.
async fn insert_some(db: &PgPool, user: Uuid, count: i32) {
    sqlx::query(
        "insert into notifications (user_id, type, title, is_read, created_at)
         select $1, 'payment', 'Paid', n % 2 = 0, timestamptz '2026-01-01' + (n / 5) * interval '1 second'
         from generate_series(1, $2) as n",
    )
    .bind(user)
    .bind(count)
    .execute(db)
    .await
    .expect("the notifications are inserted");
}

async fn newest_first(db: &PgPool, user: Uuid) -> Vec<String> {
    sqlx::query_scalar("select id::text from notifications where user_id = $1 order by created_at desc, id desc")
        .bind(user)
        .fetch_all(db)
        .await
        .expect("the notifications are read")
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_users_notifications_are_listed_newest_first(db: PgPool) {
    let (list, alice) = (notifications_of(ALICE), app(db).await.student(ALICE));

    let page = list.page(&alice, "first: 20").await.ok();

    assert_eq!(list.ids(&page), [ALICES_PAYMENT, ALICES_ENROLLMENT, ALICES_WELCOME].map(|id| id.to_string()));
    assert_eq!(list.total(&page), 3);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn unread_ones_can_be_asked_for_alone(db: PgPool) {
    let (list, alice) = (notifications_of(ALICE), app(db).await.student(ALICE));

    let unread = list.page(&alice, "unreadOnly: true").await.ok();
    let all = list.page(&alice, "unreadOnly: false").await.ok();

    assert_eq!(list.ids(&unread), [ALICES_PAYMENT, ALICES_ENROLLMENT].map(|id| id.to_string()));
    assert_eq!(list.total(&unread), 2);
    assert_eq!(list.total(&all), 3);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn the_unread_count_counts_the_unread(db: PgPool) {
    let app = app(db).await;
    let users = [ALICE, BOB, CAROL, NOBODY].map(user_key);

    let reply = app.admin().entities("... on User { unreadNotificationCount }", json!(users)).await.ok();

    let counts = [2, 1, 0, 0].map(|count| json!({ "unreadNotificationCount": count }));
    assert_eq!(reply.data("/_entities"), &json!(counts));
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_key_that_is_no_id_and_a_strangers_list_cost_only_their_own_edges(db: PgPool) {
    let alice = app(db).await.student(ALICE);
    let users = [user_key(ALICE), json!({ "__typename": "User", "id": "no id at all" }), user_key(BOB)];

    let reply = alice.entities("... on User { unreadNotificationCount }", json!(users)).await;

    assert_eq!(
        reply.data("/_entities"),
        &json!([{ "unreadNotificationCount": 2 }, null, { "unreadNotificationCount": null }])
    );
    assert_eq!(reply.error(), Some("FORBIDDEN"));
    assert_eq!(reply.json["errors"][0]["path"], json!(["_entities", 2, "unreadNotificationCount"]));
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn pages_join_without_a_gap_in_both_directions(db: PgPool) {
    insert_some(&db, ALICE, 23).await;
    insert_some(&db, BOB, 7).await;
    let alice = app(db.clone()).await.student(ALICE);

    notifications_of(ALICE).check(&alice, newest_first(&db, ALICE).await).await;
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn rows_that_come_and_go_between_two_pages_shift_nothing(db: PgPool) {
    insert_some(&db, ALICE, 12).await;
    let alice = app(db.clone()).await.student(ALICE);
    let all = newest_first(&db, ALICE).await;

    let change = async |gone| {
        sqlx::query("delete from notifications where id::text = any($1)")
            .bind(gone)
            .execute(&db)
            .await
            .expect("the notifications are deleted");
        sqlx::query(
            "insert into notifications (user_id, type, title, created_at)
             values ($1, 'payment', 'Paid', '2030-01-01'), ($1, 'payment', 'Paid', '2020-01-01')",
        )
        .bind(ALICE)
        .execute(&db)
        .await
        .expect("the notifications are inserted");
    };
    notifications_of(ALICE).check_changes(&alice, &all, change).await;
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn the_statements_do_not_grow_with_the_lists(db: PgPool) {
    let app = app(db.clone()).await;
    let selection =
        "... on User { unreadNotificationCount notifications(first: 100) { nodes { id isRead } totalCount } }";

    for length in [1, 20, 100] {
        let users: Vec<_> = (0..length).map(|_| Uuid::now_v7()).collect();
        for user in &users {
            insert_some(&db, *user, length).await;
        }
        let statements = StatementCount::start();
        let reply = app.admin().entities(selection, users.into_iter().map(user_key).collect()).await.ok();

        assert_eq!(reply.data("/_entities").as_array().map(Vec::len), usize::try_from(length).ok());
        assert_eq!(reply.data("/_entities/0/notifications/totalCount"), length);
        assert_eq!(statements.get(), 3, "{length} users with {length} notifications each");
    }
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_total_costs_a_statement_only_when_it_is_selected(db: PgPool) {
    let alice = app(db).await.student(ALICE);

    for (page, expected) in [("nodes { id }", 1), ("nodes { id } totalCount", 2)] {
        let statements = StatementCount::start();
        let selection = format!("... on User {{ notifications {{ {page} }} }}");
        let reply = alice.entities(&selection, json!([user_key(ALICE)])).await.ok();

        assert_eq!(statements.get(), expected, "{page}");
        assert_eq!(reply.data("/_entities/0/notifications/nodes").as_array().map(Vec::len), Some(3));
    }
}
