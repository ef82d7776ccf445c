//! Subscriptions to a user's notifications.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use contracts::{
    CourseId, ErasureId, UserId,
    claims::Role,
    events::{EventPayload, UserErased},
};
use db::DbPool;
use futures::{
    StreamExt as _,
    future::join_all,
    stream::{BoxStream, select_all},
};
use notification::notification::{
    Kind,
    store::{NewNotification, insert},
};
use serde_json::{Value, json};
use service::ServiceContext;
use sqlx::{PgPool, query_scalar};
use subgraph_testing::{Client, Reply, StatementCount, TestApp, claims, events::handle, token, verifier};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::fixtures::*;

const ADDED: &str = "subscription ($after: ID) { notificationAdded(after: $after) { id title user { id } } }";
/// Generous, even for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

type Replies = BoxStream<'static, Reply>;

/// Subscribes, and returns when the subscription is active.
async fn follow(client: &Client, db: &PgPool, after: Value) -> Replies {
    let mut replies = client.subscribe(ADDED, json!({ "after": after })).peekable();
    let _ = timeout(Duration::from_millis(300), std::pin::Pin::new(&mut replies).peek()).await;
    until_somebody_listens(db).await;
    replies.boxed()
}

/// Waits for the connection that listens, and returns the process id of its backend.
async fn until_somebody_listens(db: &PgPool) -> i32 {
    let listener = "select pid from pg_stat_activity where datname = current_database() and query like 'LISTEN%'";
    loop {
        if let Some(pid) = query_scalar(listener).fetch_optional(db).await.expect("a list of connections") {
            return pid;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

async fn insert_one(db: &PgPool, user: Uuid, title: &str) -> Uuid {
    let mut tx = DbPool::from(db).begin().await.expect("a transaction");
    let new = NewNotification {
        user_id: UserId(user),
        kind: Kind::Payment,
        title: title.to_owned(),
        body: String::new(),
        subject: None,
    };
    let id = insert(&mut tx, new).await.expect("it is inserted");
    tx.commit().await.expect("it is committed");
    id.0
}

async fn next(replies: &mut Replies) -> Reply {
    timeout(TIMEOUT, replies.next()).await.expect("something arrives").expect("the stream goes on")
}

async fn titles(replies: &mut Replies, count: usize) -> Vec<String> {
    let mut titles = Vec::new();
    while titles.len() < count {
        let reply = next(replies).await.ok();
        titles.push(reply.data("/notificationAdded/title").as_str().expect("a title").to_owned());
    }
    titles
}

async fn is_quiet(replies: &mut Replies) -> bool {
    timeout(Duration::from_millis(300), replies.next()).await.is_err()
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn what_is_written_arrives_and_nothing_from_before(db: PgPool) {
    let mut alices = follow(&app(db.clone()).await.student(ALICE), &db, Value::Null).await;

    let id = insert_one(&db, ALICE, "You paid").await;
    let reply = next(&mut alices).await.ok();

    assert_eq!(reply.data("/notificationAdded"), &json!({ "id": id, "title": "You paid", "user": { "id": ALICE } }));
    assert!(is_quiet(&mut alices).await);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_user_sees_nothing_of_another_one(db: PgPool) {
    let app = app(db.clone()).await;
    let mut bobs = follow(&app.student(BOB), &db, Value::Null).await;
    let mut admins = follow(&app.admin(), &db, Value::Null).await;

    insert_one(&db, ALICE, "You paid").await;
    insert_one(&db, BOB, "Yours").await;

    assert_eq!(titles(&mut bobs, 1).await, ["Yours"]);
    assert!(is_quiet(&mut bobs).await);
    assert!(is_quiet(&mut admins).await);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn who_comes_back_gets_all_that_came_meanwhile_and_then_what_comes(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);
    let mut expected = vec!["You are on Rust".to_owned(), "You paid for Rust".to_owned()];
    for number in 0..250 {
        let title = format!("number {number}");
        insert_one(&db, ALICE, &title).await;
        insert_one(&db, BOB, "not hers").await;
        expected.push(title);
    }

    let mut alices = follow(&alice, &db, json!(ALICES_WELCOME)).await;
    insert_one(&db, ALICE, "last").await;
    expected.push("last".to_owned());

    assert_eq!(titles(&mut alices, expected.len()).await, expected);
    assert!(is_quiet(&mut alices).await);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn of_many_written_at_once_none_is_lost_or_doubled_and_all_are_in_order(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);
    let mut alices = follow(&alice, &db, Value::Null).await;

    let writing = tokio::spawn({
        let db = db.clone();
        async move { join_all((0..100).map(|_| insert_one(&db, ALICE, "one of many"))).await }
    });
    let mut ids = Vec::new();
    for _ in 0..100 {
        ids.push(next(&mut alices).await.ok().data("/notificationAdded/id").as_str().expect("an id").to_owned());
    }
    let mut written: Vec<_> = writing.await.expect("they are written").iter().map(Uuid::to_string).collect();
    written.sort();

    assert_eq!(ids, written, "in the order of their ids, each once");
    assert!(is_quiet(&mut alices).await);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn what_is_rolled_back_never_arrives(db: PgPool) {
    let mut alices = follow(&app(db.clone()).await.student(ALICE), &db, Value::Null).await;

    let mut tx = DbPool::from(&db).begin().await.expect("a transaction");
    let new = NewNotification {
        user_id: UserId(ALICE),
        kind: Kind::Payment,
        title: "no".to_owned(),
        body: String::new(),
        subject: None,
    };
    insert(&mut tx, new).await.expect("it is inserted");
    tx.rollback().await.expect("it is rolled back");
    insert_one(&db, ALICE, "yes").await;

    assert_eq!(titles(&mut alices, 1).await, ["yes"]);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_notification_comes_after_all_that_its_user_can_see(db: PgPool) {
    sqlx::query("update notifications set created_at = now() + interval '1 hour' where id = $1")
        .bind(ALICES_PAYMENT)
        .execute(&db)
        .await
        .expect("another replica's clock is ahead");
    let mut alices = follow(&app(db.clone()).await.student(ALICE), &db, json!(ALICES_PAYMENT)).await;

    insert_one(&db, ALICE, "later").await;

    assert_eq!(titles(&mut alices, 1).await, ["later"]);
}

/// Another replica's clock was ahead, and what it wrote is deleted: a client resumes from it all the same.
#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_notification_comes_after_all_that_its_user_has_deleted(db: PgPool) {
    sqlx::query("update notifications set created_at = now() + interval '1 hour' where id = $1")
        .bind(ALICES_PAYMENT)
        .execute(&db)
        .await
        .expect("another replica's clock is ahead");
    let alice = app(db.clone()).await.student(ALICE);
    delete(&alice, ALICES_PAYMENT).await;
    let mut alices = follow(&alice, &db, json!(ALICES_PAYMENT)).await;

    insert_one(&db, ALICE, "later").await;

    assert_eq!(titles(&mut alices, 1).await, ["later"]);
}

async fn delete(client: &Client, id: Uuid) {
    let document = "mutation ($id: ID!) { deleteNotification(input: { notificationId: $id }) { userErrors { code } } }";
    let reply = client.send(document, json!({ "id": id })).await.ok();
    assert_eq!(reply.data("/deleteNotification/userErrors"), &json!([]));
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_slow_subscriber_is_not_sent_what_was_deleted_meanwhile(db: PgPool) {
    let app = app(db.clone()).await;
    let alice = app.student(ALICE);
    let mut bobs = follow(&app.student(BOB), &db, Value::Null).await;
    let mut written = Vec::new();
    for number in 0..10 {
        written.push(insert_one(&db, ALICE, &number.to_string()).await);
    }
    // It has read them all, and takes one.
    let mut slow = alice.subscribe(ADDED, json!({ "after": ALICES_PAYMENT })).boxed();
    assert_eq!(titles(&mut slow, 1).await, ["0"]);

    for id in &written[3..9] {
        delete(&alice, *id).await;
    }
    // The listener hears of the deletions before it hears of this.
    insert_one(&db, BOB, "heard").await;
    assert_eq!(titles(&mut bobs, 1).await, ["heard"]);

    assert_eq!(titles(&mut slow, 3).await, ["1", "2", "9"]);
    assert!(is_quiet(&mut slow).await);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn only_ones_own_can_be_a_place_to_go_on_from(db: PgPool) {
    let alice = app(db).await.student(ALICE);

    for after in [json!(BOBS_WELCOME), json!(NOBODY), json!("no id at all")] {
        let mut replies = alice.subscribe(ADDED, json!({ "after": after }));
        let reply = next(&mut replies).await;

        assert_eq!(reply.error(), Some("BAD_USER_INPUT"), "{after}");
        assert!(
            reply.json["errors"][0]["message"].as_str().is_some_and(|text| text.contains("after")),
            "{}",
            reply.json
        );
        assert!(timeout(TIMEOUT, replies.next()).await.expect("it ends").is_none());
    }
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn nobody_follows_anything_without_signing_in(db: PgPool) {
    let app = app(db).await;

    for client in [app.anonymous(), app.anonymous().with_token("nonsense")] {
        let mut replies = client.subscribe(ADDED, json!({}));

        assert_eq!(next(&mut replies).await.error(), Some("UNAUTHENTICATED"));
        assert!(timeout(TIMEOUT, replies.next()).await.expect("it ends").is_none());
    }
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_stream_ends_with_its_token(db: PgPool) {
    let mut claims = claims(UserId(ALICE), Role::Student, false);
    claims.exp = claims.iat + 3;
    let alice = app(db.clone()).await.anonymous().with_token(&token(&claims));
    let mut alices = follow(&alice, &db, Value::Null).await;

    insert_one(&db, ALICE, "in time").await;
    let in_time = titles(&mut alices, 1).await;
    let end = next(&mut alices).await;
    insert_one(&db, ALICE, "too late").await;

    assert_eq!(in_time, ["in time"]);
    assert_eq!(end.error(), Some("UNAUTHENTICATED"));
    assert!(alices.next().await.is_none());
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_stream_ends_with_the_account(db: PgPool) {
    let subgraph = notification::subgraph(db.clone(), &ServiceContext::new(verifier())).await.expect("it opens");
    let app = TestApp::new(subgraph.clone());
    let mut alices = follow(&app.student(ALICE), &db, Value::Null).await;
    let mut bobs = follow(&app.student(BOB), &db, Value::Null).await;

    let erased = UserErased {
        erasure_id: ErasureId(Uuid::from_u128(0xe4a5)),
        user_id: UserId(ALICE),
        pseudonym: UserId(Uuid::from_u128(0x9e0d0)),
        tokens_end_at: Utc::now() + TimeDelta::minutes(5),
    };
    handle(&subgraph, EventPayload::UserErased(erased)).await;
    let end = next(&mut alices).await;
    insert_one(&db, BOB, "Yours").await;

    assert_eq!(end.error(), Some("UNAUTHENTICATED"));
    assert!(alices.next().await.is_none());
    assert_eq!(titles(&mut bobs, 1).await, ["Yours"]);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_lost_connection_to_the_database_loses_nothing(db: PgPool) {
    let mut alices = follow(&app(db.clone()).await.student(ALICE), &db, Value::Null).await;
    let listener = until_somebody_listens(&db).await;

    // This wake-up is lost.
    sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
        .execute(&db)
        .await
        .expect("connections can be ended");
    insert_one(&db, ALICE, "meanwhile").await;
    let meanwhile = titles(&mut alices, 1).await;
    while until_somebody_listens(&db).await == listener {
        sleep(Duration::from_millis(20)).await;
    }
    insert_one(&db, ALICE, "again").await;

    assert_eq!(meanwhile, ["meanwhile"]);
    assert_eq!(titles(&mut alices, 1).await, ["again"]);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn who_follows_costs_no_statement_until_something_arrives(db: PgPool) {
    let app = app(db.clone()).await;
    let mut alices = follow(&app.student(ALICE), &db, Value::Null).await;
    let bob = app.student(BOB);
    let mut others: Vec<_> = (0..100).map(|_| bob.subscribe(ADDED, json!({}))).collect();
    assert!(timeout(Duration::from_secs(1), select_all(&mut others).next()).await.is_err());

    let statements = StatementCount::start();
    let quiet = is_quiet(&mut alices).await;
    let idle = statements.get();
    drop(statements);

    assert!(quiet);
    assert_eq!(idle, 0);
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn however_many_follow_one_user_what_arrives_is_read_once(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);
    let mut costs = Vec::new();

    for followers in [1, 10, 100] {
        let mut all = Vec::new();
        for _ in 0..followers {
            all.push(alice.subscribe(ADDED, json!({})).boxed());
        }
        // Each subscriber has read the table before it waits.
        let reading = all.iter_mut().map(|subscriber| timeout(Duration::from_secs(2), subscriber.next()));
        assert!(join_all(reading).await.iter().all(Result::is_err));
        until_somebody_listens(&db).await;

        let statements = StatementCount::start();
        let writing = insert_one(&db, ALICE, "one").await;
        let told = statements.get();
        for subscriber in &mut all {
            assert_eq!(next(subscriber).await.ok().data("/notificationAdded/id"), &json!(writing));
        }
        costs.push(statements.get() - told);
        for subscriber in &mut all {
            assert!(timeout(Duration::from_millis(1), subscriber.next()).await.is_err());
        }
    }

    // All subscribers share one read, and at most one more follows.
    assert!(costs.iter().all(|cost| *cost <= 2), "{costs:?}");
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn whoever_joins_others_from_wherever_gets_all_in_order_and_once(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);
    let mut expected = vec![json!(ALICES_ENROLLMENT), json!(ALICES_PAYMENT)];
    let mut first = follow(&alice, &db, json!(ALICES_WELCOME)).await;

    let writing = tokio::spawn({
        let db = db.clone();
        async move {
            let mut written = Vec::new();
            for _ in 0..350 {
                written.push(json!(insert_one(&db, ALICE, "one of many").await));
            }
            written
        }
    });
    // Subscribers start at the beginning or at recent notifications, during writes.
    let mut all = vec![(0, ids(&mut first, 2).await, first)];
    let mut seen = all[0].1.clone();
    for number in 0..20 {
        let (_, got, stream) = &mut all[0];
        got.extend(ids(stream, 10).await);
        seen.clone_from(got);
        let start = if number % 2 == 0 { 0 } else { seen.len() };
        let after = if start == 0 { json!(ALICES_WELCOME) } else { seen[start - 1].clone() };
        all.push((start, Vec::new(), alice.subscribe(ADDED, json!({ "after": after })).boxed()));
    }
    expected.extend(writing.await.expect("they are written"));

    for (start, mut got, mut stream) in all {
        let missing = expected.len() - start - got.len();
        got.extend(ids(&mut stream, missing).await);
        assert_eq!(got, expected[start..], "from {start} on");
        assert!(timeout(Duration::from_millis(10), stream.next()).await.is_err());
    }
}

async fn ids(replies: &mut Replies, count: usize) -> Vec<Value> {
    let mut ids = Vec::new();
    while ids.len() < count {
        ids.push(next(replies).await.ok().data("/notificationAdded/id").clone());
    }
    ids
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn an_event_says_what_it_is_about(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);
    let document = "subscription ($after: ID) { notificationAdded(after: $after) { subject { __typename ... on Course { id } } } }";
    let mut alices = alice.subscribe(document, json!({ "after": ALICES_PAYMENT })).boxed();
    let course = Uuid::from_u128(0xc0);

    let mut tx = DbPool::from(&db).begin().await.expect("a transaction");
    let new = NewNotification {
        user_id: UserId(ALICE),
        kind: Kind::Enrollment,
        title: "Cancelled".to_owned(),
        body: String::new(),
        subject: Some(CourseId(course).into()),
    };
    insert(&mut tx, new).await.expect("it is inserted");
    tx.commit().await.expect("it is committed");

    let reply = next(&mut alices).await.ok();
    assert_eq!(reply.data("/notificationAdded/subject"), &json!({ "__typename": "Course", "id": course }));
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn what_was_deleted_is_not_sent_and_still_a_place_to_go_on_from(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);
    // Its buffer holds all that follows.
    let mut other_tab = follow(&alice, &db, json!(ALICES_PAYMENT)).await;
    let last = insert_one(&db, ALICE, "last seen").await;
    insert_one(&db, ALICE, "deleted unseen").await;
    insert_one(&db, ALICE, "kept").await;
    let seen = titles(&mut other_tab, 3).await;
    assert_eq!(seen, ["last seen", "deleted unseen", "kept"]);

    for title in ["last seen", "deleted unseen"] {
        let id: Uuid = query_scalar("select id from notifications where title = $1")
            .bind(title)
            .fetch_one(&db)
            .await
            .expect("an id");
        let document =
            "mutation ($id: ID!) { deleteNotification(input: { notificationId: $id }) { userErrors { code } } }";
        let reply = alice.send(document, json!({ "id": id })).await.ok();
        assert_eq!(reply.data("/deleteNotification/userErrors"), &json!([]));
    }
    // The listener hears of the deletions before it hears of this.
    insert_one(&db, ALICE, "new").await;
    assert_eq!(titles(&mut other_tab, 1).await, ["new"]);
    let mut resumed = follow(&alice, &db, json!(last)).await;

    assert_eq!(titles(&mut resumed, 2).await, ["kept", "new"]);
    assert!(is_quiet(&mut resumed).await);
}
