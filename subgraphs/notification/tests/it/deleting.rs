//! The mutations that delete notifications.

use std::time::{Duration, Instant};

use futures::future::join_all;
use messaging::EventSettings;
use serde_json::{Value, json};
use service::ServiceContext;
use sqlx::{PgPool, query, query_scalar};
use subgraph_testing::{Client, verifier};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::fixtures::*;

const DELETE: &str = "mutation ($id: ID!) {
    deleteNotification(input: { notificationId: $id }) { deletedNotificationId userErrors { code field } }
}";
const DELETE_READ: &str = "mutation { deleteReadNotifications { count userErrors { code } } }";
const MARK_UP_TO: &str = "mutation ($upTo: ID) { markAllNotificationsRead(upTo: $upTo) { count userErrors { code } } }";

async fn count(db: &PgPool, user: Uuid) -> i64 {
    let count = query_scalar("select count(*) from notifications where user_id = $1").bind(user);
    count.fetch_one(db).await.expect("a count")
}

async fn unread_count(client: &Client, user: Uuid) -> Value {
    let user = json!([{ "__typename": "User", "id": user }]);
    let reply = client.entities("... on User { unreadNotificationCount }", user).await.ok();
    reply.data("/_entities/0/unreadNotificationCount").clone()
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_notification_is_deleted_once(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);

    let first = alice.send(DELETE, json!({ "id": ALICES_PAYMENT })).await.ok();
    let again = alice.send(DELETE, json!({ "id": ALICES_PAYMENT })).await.ok();

    assert_eq!(
        first.data("/deleteNotification"),
        &json!({ "deletedNotificationId": ALICES_PAYMENT, "userErrors": [] })
    );
    assert_eq!(again.user_errors(), [("NOT_FOUND", "notificationId".to_owned())]);
    assert_eq!(again.data("/deleteNotification/deletedNotificationId"), &Value::Null);
    assert_eq!(count(&db, ALICE).await, 2);
    assert_eq!(unread_count(&alice, ALICE).await, 1);
    let gone =
        alice.send("query ($id: ID!) { notification(id: $id) { id } }", json!({ "id": ALICES_PAYMENT })).await.ok();
    assert_eq!(gone.data("/notification"), &Value::Null);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn of_ten_deletions_at_once_one_succeeds(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);

    let replies = join_all((0..10).map(|_| alice.send(DELETE, json!({ "id": ALICES_PAYMENT })))).await;

    let deleted = replies.iter().filter(|reply| !reply.data("/deleteNotification/deletedNotificationId").is_null());
    assert_eq!(deleted.count(), 1);
    assert_eq!(count(&db, ALICE).await, 2);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn nobody_deletes_what_is_anothers(db: PgPool) {
    let app = app(db.clone()).await;

    for stranger in [app.student(ALICE), app.teacher(CAROL), app.admin()] {
        for notification in [BOBS_WELCOME, NOBODY] {
            let reply = stranger.send(DELETE, json!({ "id": notification })).await.ok();

            assert_eq!(reply.user_errors(), [("NOT_FOUND", "notificationId".to_owned())]);
        }
    }
    let anonymous = app.anonymous();
    let one = anonymous.send(DELETE, json!({ "id": BOBS_WELCOME })).await;
    let all = anonymous.send(DELETE_READ, json!({})).await;

    assert_eq!([one.error(), all.error()], [Some("UNAUTHENTICATED"); 2]);
    assert_eq!(count(&db, BOB).await, 1);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn what_has_been_read_is_deleted_and_nothing_else(db: PgPool) {
    query("update notifications set is_read = true where id = $1").bind(BOBS_WELCOME).execute(&db).await.expect("read");
    let alice = app(db.clone()).await.student(ALICE);

    let first = alice.send(DELETE_READ, json!({})).await.ok();
    let again = alice.send(DELETE_READ, json!({})).await.ok();

    assert_eq!(first.data("/deleteReadNotifications"), &json!({ "count": 1, "userErrors": [] }));
    assert_eq!(again.data("/deleteReadNotifications/count"), &json!(0));
    assert_eq!((count(&db, ALICE).await, count(&db, BOB).await), (2, 1));
    assert_eq!(unread_count(&alice, ALICE).await, 2);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_deleted_one_still_says_how_far_its_user_has_read(db: PgPool) {
    let app = app(db.clone()).await;
    let alice = app.student(ALICE);
    let _ = alice.send(DELETE, json!({ "id": ALICES_ENROLLMENT })).await.ok();

    let bobs = app.student(BOB).send(MARK_UP_TO, json!({ "upTo": ALICES_ENROLLMENT })).await.ok();
    let alices = alice.send(MARK_UP_TO, json!({ "upTo": ALICES_ENROLLMENT })).await.ok();

    assert_eq!(bobs.data("/markAllNotificationsRead/userErrors/0/code"), "NOT_FOUND");
    // The payment came after it.
    assert_eq!(alices.data("/markAllNotificationsRead"), &json!({ "count": 0, "userErrors": [] }));
    assert_eq!(unread_count(&alice, ALICE).await, 1);
}

/// Also if its user never deletes anything again.
#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn what_was_deleted_is_remembered_for_thirty_days(db: PgPool) {
    let context = ServiceContext::new(verifier());
    let subgraph = notification::subgraph(db.clone(), &context).await.expect("the subgraph opens");
    let alice = app(db.clone()).await.student(ALICE);
    let remembered = async || {
        let ids = query_scalar::<_, Uuid>("select id from deleted_notifications order by id");
        ids.fetch_all(&db).await.expect("ids")
    };
    let age = async |id: Uuid, days: i32| {
        query("update deleted_notifications set deleted_at = now() - make_interval(days => $2) where id = $1")
            .bind(id)
            .bind(days)
            .execute(&db)
            .await
            .expect("days pass");
    };
    for id in [ALICES_ENROLLMENT, ALICES_PAYMENT] {
        let _ = alice.send(DELETE, json!({ "id": id })).await.ok();
    }
    age(ALICES_ENROLLMENT, 29).await;
    age(ALICES_PAYMENT, 31).await;

    let stop = CancellationToken::new();
    let working = tokio::spawn({
        let (subgraph, stop) = (subgraph.clone(), stop.clone());
        async move { subgraph.run_background(context.event_bus, EventSettings::default(), stop).await }
    });
    let start = Instant::now();
    while remembered().await.len() > 1 {
        assert!(start.elapsed() < Duration::from_secs(20), "it is not forgotten");
        sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    working.await.expect("it ends");

    assert_eq!(remembered().await, [ALICES_ENROLLMENT]);
}
