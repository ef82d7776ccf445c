use serde_json::{Value, json};
use sqlx::{PgPool, query};
use subgraph_testing::StatementCount;
use uuid::Uuid;

use crate::fixtures::*;

const USER: &str = "query ($id: ID!) { user(id: $id) { id name role isVerified createdAt email } }";

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn everyone_sees_a_user_but_for_the_address(db: PgPool) {
    let app = app(db).await;

    let reply = app.anonymous().send(USER, json!({ "id": ALICE })).await.ok();

    assert_eq!(
        *reply.data("/user"),
        json!({
            "id": ALICE, "name": "Alice", "role": "TEACHER", "isVerified": true,
            "createdAt": "2026-01-01T10:00:00.000Z", "email": null,
        }),
    );
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn a_user_sees_their_own_address_and_an_admin_everyones(db: PgPool) {
    let app = app(db).await;

    for client in [app.student(BOB), app.admin()] {
        let reply = client.send(USER, json!({ "id": BOB })).await.ok();

        assert_eq!(*reply.data("/user/email"), json!("bob@lyceum.example"));
    }
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn who_does_not_exist_is_null(db: PgPool) {
    let reply = app(db).await.anonymous().send(USER, json!({ "id": NOBODY })).await.ok();

    assert_eq!(*reply.data("/user"), Value::Null);
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn an_id_is_a_uuid(db: PgPool) {
    let app = app(db).await;

    for id in ["", "bob", "\0", "00000000-0000-0000-0000-00000000000g"] {
        let reply = app.anonymous().send(USER, json!({ "id": id })).await;

        assert!(
            reply.error().is_some_and(|code| code.starts_with("GRAPHQL_VALIDATION") || code == "BAD_USER_INPUT"),
            "{reply:?}"
        );
    }
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn me_is_the_signed_in_user(db: PgPool) {
    let app = app(db).await;
    let me = "{ me { id name email } }";

    assert_eq!(*app.anonymous().send(me, json!({})).await.ok().data("/me"), Value::Null);
    assert_eq!(*app.student(NOBODY).send(me, json!({})).await.ok().data("/me"), Value::Null);
    assert_eq!(
        *app.student(BOB).send(me, json!({})).await.ok().data("/me"),
        json!({ "id": BOB, "name": "Bob", "email": "bob@lyceum.example" }),
    );
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn a_dead_key_costs_its_own_edge_only(db: PgPool) {
    let app = app(db).await;
    let keys = [json!(ALICE), json!(NOBODY), json!("no id"), json!(BOB)];
    let representations: Vec<_> = keys.iter().map(|id| json!({ "__typename": "User", "id": id })).collect();

    let reply = app.student(BOB).entities("... on User { name email }", json!(representations)).await.ok();

    assert_eq!(
        *reply.data("/_entities"),
        json!([{ "name": "Alice", "email": null }, null, null, { "name": "Bob", "email": "bob@lyceum.example" }]),
    );
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn any_number_of_users_takes_one_statement(db: PgPool) {
    let ids: Vec<Uuid> = (1..=100).map(Uuid::from_u128).collect();
    query("insert into users (id, email, password_hash, name) select id, id || '@lyceum.example', '!', 'Bob' from unnest($1::uuid[]) as id")
        .bind(&ids)
        .execute(&db)
        .await
        .expect("users");
    let app = app(db).await;

    for size in [1, 20, 100] {
        let representations: Vec<_> = ids[..size].iter().map(|id| json!({ "__typename": "User", "id": id })).collect();
        let statements = StatementCount::start();
        let reply = app.anonymous().entities("... on User { name }", json!(representations)).await.ok();

        assert_eq!(reply.data("/_entities").as_array().map(Vec::len), Some(size));
        assert_eq!(statements.get(), 1, "{size} users");
    }
}

const VERIFY: &str = "mutation ($id: ID!) { verifyTeacher(input: { userId: $id }) {
    user { id name role isVerified } userErrors { code message field }
} }";

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn a_verified_teacher_waits_no_more_and_stays_verified(db: PgPool) {
    let app = app(db).await;
    let tom = json!({ "id": TOM, "name": "Tom", "role": "TEACHER", "isVerified": true });

    for _ in 0..2 {
        let reply = app.admin().send(VERIFY, json!({ "id": TOM })).await.ok();

        assert_eq!(*reply.data("/verifyTeacher/user"), tom);
        assert!(reply.user_errors().is_empty(), "{reply:?}");
    }
    let waiting = app.admin().send("{ unverifiedTeachers { nodes { name } } }", json!({})).await.ok();
    assert_eq!(*waiting.data("/unverifiedTeachers/nodes"), json!([{ "name": "Ula" }]));
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn only_a_teacher_can_be_verified(db: PgPool) {
    let app = app(db.clone()).await;

    for id in [BOB, NOBODY, Uuid::from_u128(0xad)] {
        let reply = app.admin().send(VERIFY, json!({ "id": id })).await.ok();

        assert!(reply.data("/verifyTeacher/user").is_null());
        assert_eq!(reply.user_errors(), [("NOT_FOUND", "userId".to_owned())]);
        assert_eq!(*reply.data("/verifyTeacher/userErrors/0/field"), json!(["input", "userId"]));
    }
    let bad = app.admin().send(VERIFY, json!({ "id": "tom" })).await;
    assert!(bad.error().is_some(), "{bad:?}");
    for client in [app.anonymous(), app.unverified_teacher(TOM), app.student(BOB)] {
        assert!(client.send(VERIFY, json!({ "id": TOM })).await.error().is_some());
    }
    let verified: i64 =
        sqlx::query_scalar("select count(*) from users where is_verified").fetch_one(&db).await.expect("a count");
    assert_eq!(verified, 1, "Alice alone");
}
