//! The mutations that mark notifications as read.

use serde_json::{Value, json};
use sqlx::{PgPool, query_scalar};
use uuid::Uuid;

use crate::fixtures::*;

const MARK: &str = "mutation ($input: MarkNotificationReadInput!) {
    markNotificationRead(input: $input) { notification { id isRead } userErrors { code field } }
}";
const MARK_ALL: &str = "mutation { markAllNotificationsRead { count userErrors { code } } }";
const MARK_UP_TO: &str =
    "mutation ($upTo: ID) { markAllNotificationsRead(upTo: $upTo) { count userErrors { code field } } }";

async fn unread(db: &PgPool, user: Uuid) -> i64 {
    let count = query_scalar("select count(*) from notifications where user_id = $1 and not is_read").bind(user);
    count.fetch_one(db).await.expect("a count")
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_notification_is_marked_as_often_as_one_likes(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);

    for _ in 0..2 {
        let reply = alice.send(MARK, json!({ "input": { "notificationId": ALICES_PAYMENT } })).await.ok();

        assert_eq!(
            reply.data("/markNotificationRead"),
            &json!({ "notification": { "id": ALICES_PAYMENT, "isRead": true }, "userErrors": [] })
        );
        assert_eq!(unread(&db, ALICE).await, 1);
    }
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn what_is_anothers_is_not_found(db: PgPool) {
    let app = app(db.clone()).await;

    for stranger in [app.student(ALICE), app.teacher(CAROL), app.admin()] {
        for notification in [BOBS_WELCOME, NOBODY] {
            let reply = stranger.send(MARK, json!({ "input": { "notificationId": notification } })).await.ok();

            assert_eq!(reply.user_errors(), [("NOT_FOUND", "notificationId".to_owned())]);
            assert_eq!(reply.data("/markNotificationRead/notification"), &Value::Null);
        }
    }
    assert_eq!(unread(&db, BOB).await, 1);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn all_of_ones_own_are_marked_and_counted(db: PgPool) {
    let app = app(db.clone()).await;

    let counts = [app.student(ALICE), app.student(ALICE), app.student(CAROL)];
    let [first, again, nothing] = counts.each_ref().map(|client| client.send(MARK_ALL, json!({})));

    assert_eq!(first.await.ok().data("/markAllNotificationsRead"), &json!({ "count": 2, "userErrors": [] }));
    assert_eq!(again.await.ok().data("/markAllNotificationsRead/count"), &json!(0));
    assert_eq!(nothing.await.ok().data("/markAllNotificationsRead/count"), &json!(0));
    assert_eq!(unread(&db, BOB).await, 1);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn nobody_marks_anything_without_signing_in(db: PgPool) {
    let anonymous = app(db.clone()).await.anonymous();

    let one = anonymous.send(MARK, json!({ "input": { "notificationId": ALICES_PAYMENT } })).await;
    let all = anonymous.send(MARK_ALL, json!({})).await;

    assert_eq!([one.error(), all.error()], [Some("UNAUTHENTICATED"); 2]);
    assert_eq!(unread(&db, ALICE).await, 2);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn what_came_after_the_last_one_seen_stays_unread(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);

    // Of two with equal times, the one with the smaller id.
    let reply = alice.send(MARK_UP_TO, json!({ "upTo": ALICES_ENROLLMENT })).await.ok();
    let seen: Vec<Uuid> = query_scalar("select id from notifications where user_id = $1 and is_read order by id")
        .bind(ALICE)
        .fetch_all(&db)
        .await
        .expect("ids");
    let again = alice.send(MARK_UP_TO, json!({ "upTo": ALICES_WELCOME })).await.ok();
    let rest = alice.send(MARK_UP_TO, json!({ "upTo": null })).await.ok();

    assert_eq!(reply.data("/markAllNotificationsRead"), &json!({ "count": 1, "userErrors": [] }));
    assert_eq!(seen, [ALICES_WELCOME, ALICES_ENROLLMENT]);
    assert_eq!(again.data("/markAllNotificationsRead/count"), &json!(0));
    assert_eq!(rest.data("/markAllNotificationsRead/count"), &json!(1));
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn nothing_is_marked_up_to_what_is_anothers_or_nobodys(db: PgPool) {
    let app = app(db.clone()).await;

    for last in [BOBS_WELCOME, NOBODY] {
        let reply = app.student(ALICE).send(MARK_UP_TO, json!({ "upTo": last })).await.ok();

        assert_eq!(
            reply.data("/markAllNotificationsRead"),
            &json!({ "count": 0, "userErrors": [{ "code": "NOT_FOUND", "field": ["upTo"] }] })
        );
    }
    let broken = app.student(ALICE).send(MARK_UP_TO, json!({ "upTo": "no id" })).await;
    let anonymous = app.anonymous().send(MARK_UP_TO, json!({ "upTo": ALICES_PAYMENT })).await;

    assert_eq!([broken.error(), anonymous.error()], [Some("BAD_USER_INPUT"), Some("UNAUTHENTICATED")]);
    assert_eq!((unread(&db, ALICE).await, unread(&db, BOB).await), (2, 1));
}
