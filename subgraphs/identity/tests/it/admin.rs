//! The operator's commands outside the graph, and when they take effect.

use contracts::Code;
use futures::future::join;
use identity::{
    admin::{self, Change, Revoked},
    user::{Role, User},
};
use serde_json::json;
use sqlx::{PgPool, query, query_scalar};
use subgraph_kit::Error;

use crate::{
    fixtures::*,
    session::{claims, has_expired, insert, login, refresh, register, text},
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

/// The last one could not be revoked.
async fn another_admin(db: &PgPool) {
    insert(db, CAROL, "boss@lyceum.example", "!").await;
    query("update users set role = 'admin' where id = $1").bind(CAROL).execute(db).await.expect("an update");
}

fn is_last_admin<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Rejected(rejections)) if rejections[0].code == Code::LastAdmin)
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
async fn an_address_of_two_accounts_is_rejected_and_an_id_is_not(db: PgPool) {
    insert(&db, BOB, "Bob@lyceum.example", "!").await;
    assert_eq!(find(&db, "bob@lyceum.example").await.id.0, BOB);
    insert(&db, CAROL, "bob@lyceum.example", "!").await;

    for email in ["Bob@lyceum.example", "bob@lyceum.example", "BOB@lyceum.example", " bob@lyceum.example"] {
        let error = admin::find(&(&db).into(), email).await.err().expect("a rejection").to_string();
        assert!(error.contains(&BOB.to_string()) && error.contains(&CAROL.to_string()), "{error}");
    }
    for id in [BOB, CAROL] {
        assert_eq!(find(&db, &id.to_string()).await.id.0, id);
    }
    assert!(admin::find(&(&db).into(), &NOBODY.to_string()).await.expect("the database answers").is_none());
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn the_last_admin_who_can_sign_in_is_not_revoked(db: PgPool) {
    let ada = find(&db, "ada@lyceum.example").await;
    assert!(is_last_admin(&admin::revoke(&(&db).into(), &ada).await));
    assert!(is_last_admin(&admin::suspend(&(&db).into(), &ada).await));

    query("update users set role = 'admin', suspended_at = now() where id = $1")
        .bind(BOB)
        .execute(&db)
        .await
        .expect("an update");
    assert!(is_last_admin(&admin::revoke(&(&db).into(), &ada).await), "one who is suspended does not count");
    let bob = find(&db, "bob@lyceum.example").await;
    assert!(matches!(admin::revoke(&(&db).into(), &bob).await, Ok(Change::Applied(_))), "he could not sign in");
    let role: String = query_scalar("select role::text from users where email = 'ada@lyceum.example'")
        .fetch_one(&db)
        .await
        .expect("a role");
    assert_eq!(role, "admin");
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn of_two_admins_who_are_revoked_at_once_one_remains(db: PgPool) {
    let (ada, bob) = (find(&db, "ada@lyceum.example").await, find(&db, "bob@lyceum.example").await);
    for round in 0..10 {
        query("update users set role = 'admin' where id in ($1, $2)")
            .bind(ada.id.0)
            .bind(BOB)
            .execute(&db)
            .await
            .expect("an update");
        let pool = (&db).into();

        let (first, second) = join(admin::revoke(&pool, &ada), admin::revoke(&pool, &bob)).await;

        assert_eq!(
            [is_last_admin(&first), is_last_admin(&second)].iter().filter(|is_last| **is_last).count(),
            1,
            "{round}"
        );
        let left: i64 =
            query_scalar("select count(*) from users where role = 'admin'").fetch_one(&db).await.expect("a count");
        assert_eq!(left, 1, "{round}");
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
    another_admin(&db).await;
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
    query("update users set role = 'admin' where id = $1").bind(CAROL).execute(&db).await.expect("an update");
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
