//! What users change about themselves, and admins about users.

use contracts::{UserId, claims::Role};
use futures::future::join;
use serde_json::{Value, json};
use sqlx::{PgPool, query, query_scalar};
use subgraph_testing::{Client, Reply, StatementCount, TestApp, claims as claims_of, list::List, token};
use uuid::Uuid;

use crate::{
    fixtures::*,
    session::{EMAIL, PASSWORD, claims, count, has_expired, login, refresh, register_dora, text},
};

const ADA: Uuid = Uuid::from_u128(0xad);
const ULA: Uuid = Uuid::from_u128(0x1a);

fn mutation(name: &str, role: &str) -> String {
    format!(
        "mutation ($id: ID!) {{ {name}(input: {{ userId: $id {role} }}) {{
            user {{ id name role isVerified isSuspended }} userErrors {{ code message field }}
        }} }}"
    )
}

async fn administer(client: &Client, name: &str, id: Uuid) -> Reply {
    client.send(&mutation(name, ""), json!({ "id": id })).await
}

async fn set_role(client: &Client, id: Uuid, role: &str) -> Reply {
    client.send(&mutation("setUserRole", &format!("role: {role}")), json!({ "id": id })).await
}

/// A user who has an admin's access token, whatever they are now.
fn admin(app: &TestApp, id: Uuid) -> Client {
    bearer(app, &token(&claims_of(UserId(id), Role::Admin, false)))
}

async fn make_admin(db: &PgPool, id: Uuid) {
    query("update users set role = 'admin', suspended_at = null where id = $1")
        .bind(id)
        .execute(db)
        .await
        .expect("an update");
}

async fn users(db: &PgPool) -> Vec<String> {
    query_scalar("select users::text from users order by id").fetch_all(db).await.expect("users")
}

async fn role(db: &PgPool, id: Uuid) -> String {
    query_scalar("select role::text from users where id = $1").bind(id).fetch_one(db).await.expect("a role")
}

async fn dora(app: &TestApp) -> (Uuid, String) {
    let registered = register_dora(app).await;
    let id = text(&registered, "/register/user/id").parse().expect("an id");
    (id, text(&registered, "/register/session/refreshToken").to_owned())
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn a_user_changes_their_own_name(db: PgPool) {
    let app = app(db).await;
    let update = "mutation ($name: String) { updateProfile(input: { name: $name }) {
        user { id name email } userErrors { code message field }
    } }";
    let bob = app.student(BOB);

    let reply = bob.send(update, json!({ "name": "Robert" })).await.ok();
    assert_eq!(
        *reply.data("/updateProfile/user"),
        json!({ "id": BOB, "name": "Robert", "email": "bob@lyceum.example" })
    );
    let unchanged = bob.send("mutation { updateProfile(input: {}) { user { name } } }", json!({})).await.ok();
    assert_eq!(*unchanged.data("/updateProfile/user/name"), json!("Robert"));

    let cleaned = bob.send(update, json!({ "name": " Robe\u{301}rt\n" })).await.ok();
    assert_eq!(*cleaned.data("/updateProfile/user/name"), json!("Robért"));
    let _ = bob.send(update, json!({ "name": "Robert" })).await.ok();
    let unreadable = ["Bo\0b", "Bob\nAlice", "\u{202E}ecila", "\u{200B}"].map(str::to_owned);
    for bad in [String::new(), " ".to_owned(), "x".repeat(256)].into_iter().chain(unreadable) {
        let reply = bob.send(update, json!({ "name": bad })).await.ok();
        assert_eq!(reply.user_errors(), [("INVALID_INPUT", "name".to_owned())]);
        assert!(reply.data("/updateProfile/user").is_null());
    }
    for nobody in [app.anonymous(), app.student(NOBODY)] {
        assert_eq!(nobody.send(update, json!({ "name": "X" })).await.error(), Some("UNAUTHENTICATED"));
    }
    let seen = app.anonymous().send("query ($id: ID!) { user(id: $id) { name } }", json!({ "id": BOB })).await.ok();
    assert_eq!(*seen.data("/user/name"), json!("Robert"));
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn an_admin_finds_users(db: PgPool) {
    let app = app(db.clone()).await;
    query("update users set suspended_at = now() where id = $1").bind(CAROL).execute(&db).await.expect("an update");
    let find = async |filter: &str| {
        let document = format!("{{ users(filter: {{ {filter} }}) {{ totalCount nodes {{ name }} }} }}");
        let reply = app.admin().send(&document, json!({})).await.ok();
        let names: Vec<_> =
            reply.data("/users/nodes").as_array().expect("nodes").iter().map(|user| user["name"].clone()).collect();
        assert_eq!(*reply.data("/users/totalCount"), json!(names.len()), "{filter}");
        names
    };

    assert_eq!(find("").await, ["Ada", "Carol", "Bob", "Ula", "Tom", "Alice"]);
    assert_eq!(find("search: \"BO\"").await, ["Bob"]);
    assert_eq!(find("search: \"carol@lyceum\"").await, ["Carol"]);
    assert_eq!(find("search: \"%\"").await, [Value::Null; 0]);
    assert_eq!(find("search: \" Carol@Lyceum.Example\\n\"").await, ["Carol"]);
    assert_eq!(find("search: \" \"").await.len(), 6);
    query("update users set email = 'bob@xn--bcher-kva.example', name = 'Bo\u{e9}b' where id = $1")
        .bind(BOB)
        .execute(&db)
        .await
        .expect("an update");
    for typed in
        ["bob@bücher.example", "BOB@BÜCHER.EXAMPLE", "@bu\u{308}cher.ex", "bücher.example", "xn--bcher", "Boe\u{301}b"]
    {
        assert_eq!(find(&format!("search: \"{typed}\"")).await, ["Boéb"], "{typed}");
    }
    query("update users set name = 'Bob' where id = $1").bind(BOB).execute(&db).await.expect("an update");
    assert_eq!(find("role: TEACHER").await, ["Ula", "Tom", "Alice"]);
    assert_eq!(find("isVerified: true").await, ["Alice"]);
    assert_eq!(find("role: TEACHER, isVerified: false").await, ["Ula", "Tom"]);
    assert_eq!(find("isSuspended: true").await, ["Carol"]);
    assert_eq!(find("role: STUDENT, isSuspended: false").await, ["Bob"]);
    assert_eq!(find("role: STUDENT, isVerified: true").await, [Value::Null; 0]);
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn only_admins_find_users(db: PgPool) {
    let app = app(db).await;
    let users = "{ users(first: 1) { nodes { id } } }";

    assert_eq!(app.anonymous().send(users, json!({})).await.error(), Some("UNAUTHENTICATED"));
    for client in [app.student(BOB), app.teacher(ALICE), app.unverified_teacher(TOM)] {
        assert_eq!(client.send(users, json!({})).await.error(), Some("FORBIDDEN"));
    }
    for search in ["Bo\\u0000b".to_owned(), "x".repeat(201)] {
        let document = format!("{{ users(filter: {{ search: \"{search}\" }}) {{ totalCount }} }}");
        assert_eq!(app.admin().send(&document, json!({})).await.error(), Some("BAD_USER_INPUT"), "{search}");
    }
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn the_pages_of_users_are_the_list(db: PgPool) {
    let newest_first = [ADA, CAROL, BOB, ULA, TOM, ALICE];
    let admin = app(db).await.admin();

    List::root("users").check(&admin, newest_first).await;
    List::root("users").with("filter: { role: TEACHER }").check(&admin, [ULA, TOM, ALICE]).await;
    for size in [1, 6] {
        let statements = StatementCount::start();
        let page = List::root("users").page(&admin, &format!("first: {size}")).await.ok();
        assert_eq!(List::root("users").ids(&page).len(), size);
        assert_eq!(statements.get(), 2, "{size} users");
    }
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn everyone_else_is_not_told_who_is_suspended(db: PgPool) {
    let app = app(db.clone()).await;
    query("update users set suspended_at = now() where id = $1").bind(BOB).execute(&db).await.expect("an update");
    let user = "query ($id: ID!) { user(id: $id) { isSuspended } }";

    for (client, seen) in [
        (app.anonymous(), Value::Null),
        (app.student(CAROL), Value::Null),
        (app.student(BOB), json!(true)),
        (app.admin(), json!(true)),
    ] {
        assert_eq!(*client.send(user, json!({ "id": BOB })).await.ok().data("/user/isSuspended"), seen);
    }
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn only_admins_administer(db: PgPool) {
    let app = app(db.clone()).await;
    let before = users(&db).await;

    for name in ["unverifyTeacher", "suspendUser", "unsuspendUser"] {
        assert_eq!(administer(&app.anonymous(), name, ALICE).await.error(), Some("UNAUTHENTICATED"), "{name}");
        for client in [app.student(BOB), app.teacher(ALICE)] {
            assert_eq!(administer(&client, name, ALICE).await.error(), Some("FORBIDDEN"), "{name}");
        }
        let nobody = administer(&app.admin(), name, NOBODY).await.ok();
        assert_eq!(nobody.user_errors(), [("NOT_FOUND", "userId".to_owned())], "{name}");
    }
    assert_eq!(set_role(&app.anonymous(), BOB, "ADMIN").await.error(), Some("UNAUTHENTICATED"));
    assert_eq!(set_role(&app.student(BOB), BOB, "ADMIN").await.error(), Some("FORBIDDEN"));
    assert_eq!(set_role(&app.admin(), NOBODY, "ADMIN").await.ok().user_errors(), [("NOT_FOUND", "userId".to_owned())]);

    assert_eq!(before, users(&db).await);
}

/// Their access token says so for up to 15 minutes.
#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn who_was_an_admin_administers_nobody_and_not_themselves(db: PgPool) {
    let app = app(db.clone()).await;
    let bob = admin(&app, BOB);
    make_admin(&db, BOB).await;
    assert!(administer(&bob, "suspendUser", CAROL).await.ok().user_errors().is_empty());

    for (name, code) in [("setUserRole", "FORBIDDEN"), ("suspendUser", "UNAUTHENTICATED")] {
        make_admin(&db, BOB).await;
        let dismissed = match name {
            "setUserRole" => set_role(&app.admin(), BOB, "STUDENT").await,
            _ => administer(&app.admin(), name, BOB).await,
        };
        assert!(dismissed.ok().user_errors().is_empty(), "{name}");
        let before = users(&db).await;

        for (mutation, id) in [
            ("verifyTeacher", TOM),
            ("unverifyTeacher", ALICE),
            ("suspendUser", ADA),
            ("unsuspendUser", CAROL),
            ("unsuspendUser", BOB),
            ("suspendUser", NOBODY),
        ] {
            let reply = administer(&bob, mutation, id).await;
            assert_eq!(reply.error(), Some(code), "{name}, {mutation}: {reply:?}");
        }
        for (id, role) in [(BOB, "ADMIN"), (ADA, "STUDENT"), (BOB, "STUDENT")] {
            assert_eq!(set_role(&bob, id, role).await.error(), Some(code), "{name}, {role}");
        }
        let alias = "mutation ($id: ID!) { a: unsuspendUser(input: { userId: $id }) { user { id } }
            b: setUserRole(input: { userId: $id, role: ADMIN }) { user { id } } }";
        assert_eq!(bob.send(alias, json!({ "id": BOB })).await.error(), Some(code), "{name}");

        assert_eq!(before, users(&db).await, "{name}");
    }
    assert_eq!(administer(&admin(&app, NOBODY), "verifyTeacher", TOM).await.error(), Some("UNAUTHENTICATED"));
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn an_admin_whose_session_has_ended_administers_nobody(db: PgPool) {
    let app = real_app(db.clone(), &settings()).await;
    let (id, _) = dora(&app).await;
    make_admin(&db, id).await;
    let dora = bearer(&app, text(&login(&app, EMAIL, PASSWORD).await, "/login/session/accessToken"));
    assert!(administer(&dora, "verifyTeacher", TOM).await.ok().user_errors().is_empty());
    query("delete from sessions").execute(&db).await.expect("a deletion");

    assert_eq!(administer(&dora, "verifyTeacher", ULA).await.error(), Some("UNAUTHENTICATED"));
    assert_eq!(set_role(&dora, BOB, "ADMIN").await.error(), Some("UNAUTHENTICATED"));
    assert_eq!(role(&db, BOB).await, "student");
}

/// However the two meet, who is dismissed does not get back.
#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn an_admin_who_is_dismissed_at_that_moment_does_not_return(db: PgPool) {
    let app = app(db.clone()).await;
    let bob = admin(&app, BOB);

    for round in 0..10 {
        make_admin(&db, BOB).await;
        let (dismissed, _) = if round % 2 == 0 {
            let back = async { [set_role(&bob, BOB, "ADMIN").await, set_role(&bob, BOB, "ADMIN").await] };
            join(set_role(&app.admin(), BOB, "STUDENT"), back).await
        } else {
            let back =
                async { [administer(&bob, "unsuspendUser", BOB).await, administer(&bob, "unsuspendUser", BOB).await] };
            join(administer(&app.admin(), "suspendUser", BOB), back).await
        };

        assert!(dismissed.ok().user_errors().is_empty(), "round {round}");
        let is_admin: bool = query_scalar("select role = 'admin' and suspended_at is null from users where id = $1")
            .bind(BOB)
            .fetch_one(&db)
            .await
            .expect("a user");
        assert!(!is_admin, "round {round}");
    }
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn a_verification_can_be_revoked(db: PgPool) {
    let app = app(db).await;

    for _ in 0..2 {
        let reply = administer(&app.admin(), "unverifyTeacher", ALICE).await.ok();
        assert_eq!(*reply.data("/unverifyTeacher/user/isVerified"), json!(false));
    }
    let student = administer(&app.admin(), "unverifyTeacher", BOB).await.ok();
    assert_eq!(student.user_errors(), [("NOT_FOUND", "userId".to_owned())]);
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn a_role_counts_from_the_next_refresh_on(db: PgPool) {
    let app = app(db.clone()).await;
    let (id, token) = dora(&app).await;

    assert_eq!(*set_role(&app.admin(), id, "ADMIN").await.ok().data("/setUserRole/user/role"), json!("ADMIN"));
    let reply = refresh(&app, &token).await;
    assert_eq!(claims(text(&reply, "/refreshSession/session/accessToken"))["role"], json!("admin"));

    assert_eq!(*set_role(&app.admin(), id, "TEACHER").await.ok().data("/setUserRole/user/role"), json!("TEACHER"));
    let token = text(&reply, "/refreshSession/session/refreshToken");
    assert!(has_expired(&refresh(&app, token).await), "who was an admin signs in again");
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn a_teacher_is_verified_anew_after_another_role(db: PgPool) {
    let app = app(db).await;

    for role in ["STUDENT", "TEACHER"] {
        let reply = set_role(&app.admin(), ALICE, role).await.ok();
        let user = json!({ "id": ALICE, "name": "Alice", "role": role, "isVerified": false, "isSuspended": false });
        assert_eq!(*reply.data("/setUserRole/user"), user);
    }
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn the_role_that_a_user_has_already_changes_nothing(db: PgPool) {
    let app = app(db).await;

    let reply = set_role(&app.admin(), ALICE, "TEACHER").await.ok();

    assert_eq!(*reply.data("/setUserRole/user/isVerified"), json!(true), "she stays verified");
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn the_last_admin_stays_one(db: PgPool) {
    let app = app(db.clone()).await;
    let demoted = set_role(&app.admin(), ADA, "STUDENT").await.ok();
    assert_eq!(demoted.user_errors(), [("LAST_ADMIN", "role".to_owned())]);
    let suspended = administer(&app.admin(), "suspendUser", ADA).await.ok();
    assert_eq!(suspended.user_errors(), [("LAST_ADMIN", "userId".to_owned())]);

    assert!(set_role(&app.admin(), BOB, "ADMIN").await.ok().user_errors().is_empty());
    assert!(administer(&app.admin(), "suspendUser", BOB).await.ok().user_errors().is_empty());
    let demoted = set_role(&app.admin(), ADA, "STUDENT").await.ok();
    assert_eq!(demoted.user_errors(), [("LAST_ADMIN", "role".to_owned())], "one who is suspended does not count");

    assert!(administer(&app.admin(), "unsuspendUser", BOB).await.ok().user_errors().is_empty());
    assert!(set_role(&app.admin(), ADA, "STUDENT").await.ok().user_errors().is_empty());
    assert_eq!(role(&db, ADA).await, "student");
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn of_two_admins_who_take_each_others_rights_at_once_one_remains(db: PgPool) {
    let app = app(db.clone()).await;
    let bob = admin(&app, BOB);
    for round in 0..10 {
        query("update users set role = 'admin', suspended_at = null where id in ($1, $2)")
            .bind(ADA)
            .bind(BOB)
            .execute(&db)
            .await
            .expect("an update");
        let other = async {
            if round % 2 == 0 {
                set_role(&app.admin(), BOB, "STUDENT").await
            } else {
                administer(&app.admin(), "suspendUser", BOB).await
            }
        };

        let replies = join(set_role(&bob, ADA, "STUDENT"), other).await;

        let rejected = [replies.0, replies.1].iter().filter(|reply| reply.error().is_some()).count();
        assert_eq!(rejected, 1, "round {round}");
        let left: i64 = query_scalar("select count(*) from users where role = 'admin' and suspended_at is null")
            .fetch_one(&db)
            .await
            .expect("a count");
        assert_eq!(left, 1, "round {round}");
    }
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn who_is_suspended_is_signed_out_and_cannot_sign_in(db: PgPool) {
    let app = app(db.clone()).await;
    let (id, token) = dora(&app).await;

    for _ in 0..2 {
        let reply = administer(&app.admin(), "suspendUser", id).await.ok();
        assert_eq!(*reply.data("/suspendUser/user/isSuspended"), json!(true));
    }
    assert_eq!(count(&db, "sessions").await, 0);
    assert!(has_expired(&refresh(&app, &token).await));
    let refused = login(&app, EMAIL, PASSWORD).await;
    assert_eq!(refused.user_errors(), [("ACCOUNT_SUSPENDED", String::new())]);
    assert!(refused.data("/login/session").is_null());
    let guessed = login(&app, EMAIL, "wrong horse").await;
    assert_eq!(guessed.user_errors(), [("INVALID_CREDENTIALS", String::new())], "strangers learn nothing");

    let reply = administer(&app.admin(), "unsuspendUser", id).await.ok();
    assert_eq!(*reply.data("/unsuspendUser/user/isSuspended"), json!(false));
    assert_eq!(*login(&app, EMAIL, PASSWORD).await.data("/login/user/id"), json!(id));
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn a_session_that_began_while_its_user_was_suspended_is_not_refreshed(db: PgPool) {
    let app = app(db.clone()).await;
    let (_, token) = dora(&app).await;
    query("update users set suspended_at = now()").execute(&db).await.expect("an update");

    assert!(has_expired(&refresh(&app, &token).await));
    assert_eq!(count(&db, "sessions").await, 0);
}
