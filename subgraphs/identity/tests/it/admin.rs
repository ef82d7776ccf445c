//! The operator's commands outside the graph, and when they take effect.

use identity::{
    admin::{self, Change, Revoked},
    user::{Role, User},
};
use serde_json::json;
use sqlx::{PgPool, query, query_scalar};

use crate::{
    fixtures::*,
    session::{claims, has_expired, login, refresh, register, text},
};

const ADDRESS: &str = "dora@lyceum.example";
const PASSWORD: &str = "correct horse";

/// Registers Dora, and returns her refresh token.
async fn register_as(app: &subgraph_testing::TestApp, role: &str) -> String {
    let input = json!({ "email": ADDRESS, "password": PASSWORD, "name": "Dora", "role": role });
    text(&register(app, input).await, "/register/session/refreshToken").to_owned()
}

async fn find(db: &PgPool, email: &str) -> User {
    admin::find(&db.into(), email).await.expect("the database answers").expect("an account")
}

async fn grant(db: &PgPool) {
    let granted = admin::grant(&db.into(), &find(db, ADDRESS).await).await.expect("the database answers");
    assert!(matches!(granted, Change::Applied(())));
}

async fn revoke(db: &PgPool) -> Revoked {
    match admin::revoke(&db.into(), &find(db, ADDRESS).await).await.expect("the database answers") {
        Change::Applied(revoked) => revoked,
        Change::Unchanged => panic!("she was no admin"),
    }
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn an_account_is_found_in_any_letter_case(db: PgPool) {
    assert_eq!(find(&db, "Bob@Lyceum.Example").await.id.0, BOB);
    for nobody in ["nobody@lyceum.example", "", "bob@lyceum.example\0"] {
        assert!(admin::find(&(&db).into(), nobody).await.expect("the database answers").is_none());
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn an_admin_has_it_in_the_next_token(db: PgPool) {
    let app = app(db.clone()).await;
    let token = register_as(&app, "STUDENT").await;

    grant(&db).await;

    let reply = refresh(&app, &token).await;
    assert_eq!(claims(text(&reply, "/refreshSession/session/accessToken"))["role"], json!("admin"));
    let again = admin::grant(&(&db).into(), &find(&db, ADDRESS).await).await.expect("the database answers");
    assert!(matches!(again, Change::Unchanged));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn an_admin_no_more_is_what_they_were_and_has_no_session(db: PgPool) {
    let app = app(db.clone()).await;
    register_as(&app, "TEACHER").await;
    admin::verify_teacher(&(&db).into(), &find(&db, ADDRESS).await)
        .await
        .expect("the database answers")
        .expect("a teacher");
    grant(&db).await;
    let tokens = [login(&app, ADDRESS, PASSWORD).await, login(&app, ADDRESS, PASSWORD).await]
        .map(|reply| text(&reply, "/login/session/refreshToken").to_owned());

    let revoked = revoke(&db).await;

    assert_eq!((revoked.role, revoked.sessions), (Role::Teacher, 3));
    for token in tokens {
        assert!(has_expired(&refresh(&app, &token).await));
    }
    let reply = login(&app, ADDRESS, PASSWORD).await;
    let claims = claims(text(&reply, "/login/session/accessToken"));
    assert_eq!((&claims["role"], &claims["is_verified"]), (&json!("teacher"), &json!(true)));
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn an_admin_whose_past_is_not_known_becomes_a_student(db: PgPool) {
    let ada = find(&db, "ada@lyceum.example").await;

    let Change::Applied(revoked) = admin::revoke(&(&db).into(), &ada).await.expect("the database answers") else {
        panic!("she was an admin")
    };

    assert_eq!(revoked.role, Role::Student);
    let bob = find(&db, "bob@lyceum.example").await;
    assert!(matches!(admin::revoke(&(&db).into(), &bob).await, Ok(Change::Unchanged)), "he never was one");
    let role: String =
        query_scalar("select role::text from users where id = $1").bind(BOB).fetch_one(&db).await.expect("a role");
    assert_eq!(role, "student");
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn an_admin_who_was_a_verified_teacher_does_not_count_as_one(db: PgPool) {
    let app = app(db.clone()).await;
    let token = register_as(&app, "TEACHER").await;
    query("update users set is_verified = true").execute(&db).await.expect("an update");
    grant(&db).await;

    let reply = refresh(&app, &token).await;
    let id = find(&db, ADDRESS).await.id.0;
    let user =
        app.anonymous().send("query ($id: ID!) { user(id: $id) { role isVerified } }", json!({ "id": id })).await;

    assert_eq!(claims(text(&reply, "/refreshSession/session/accessToken"))["is_verified"], json!(false));
    assert_eq!(*user.ok().data("/user"), json!({ "role": "ADMIN", "isVerified": false }));
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn a_teacher_is_verified_once_and_nobody_else_is(db: PgPool) {
    let tom = find(&db, "tom@lyceum.example").await;
    let verified = admin::verify_teacher(&(&db).into(), &tom).await.expect("the database answers");
    assert!(matches!(verified, Some(Change::Applied(()))));

    let tom = find(&db, "tom@lyceum.example").await;
    assert!(matches!(admin::verify_teacher(&(&db).into(), &tom).await, Ok(Some(Change::Unchanged))));
    for other in ["bob@lyceum.example", "ada@lyceum.example"] {
        let other = find(&db, other).await;
        assert!(matches!(admin::verify_teacher(&(&db).into(), &other).await, Ok(None)));
    }
    let verified: i64 =
        query_scalar("select count(*) from users where is_verified").fetch_one(&db).await.expect("a count");
    assert_eq!(verified, 2, "Alice and Tom");
}
