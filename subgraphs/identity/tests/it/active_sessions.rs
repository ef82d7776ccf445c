//! What a user sees of their sessions, how they end, and the password that ends them.

use contracts::{
    SessionId, UserId,
    claims::{Claims, Role},
};
use futures::future::{join, join_all};
use identity::{
    IdentitySettings,
    throttle::{Limit, ThrottleSettings},
};
use serde_json::{Value, json};
use sqlx::{PgPool, query, query_scalar};
use subgraph_testing::{Client, Reply, StatementCount, TestApp, claims, token};
use uuid::Uuid;

use crate::{
    fixtures::*,
    session::{EMAIL, PASSWORD, count, has_expired, insert, log_out, login, refresh, register_dora, text},
};

const LOGIN: &str = "mutation ($email: String!, $password: String!) {
    login(input: { email: $email, password: $password }) { session { accessToken refreshToken } }
}";
const SESSIONS: &str = "{ me { sessions { id client createdAt lastUsedAt isCurrent } } }";
const END: &str = "mutation ($id: ID!) { endSession(input: { sessionId: $id }) {
    session { id client isCurrent } userErrors { code message field }
} }";
const END_OTHERS: &str = "mutation { endOtherSessions { count userErrors { code message field } } }";
const CHANGE: &str = "mutation ($current: String!, $new: String!) {
    changePassword(input: { currentPassword: $current, newPassword: $new }) {
        user { id email } userErrors { code message field }
    }
}";
const DELETE: &str =
    "mutation ($password: String!) { deleteMyAccount(input: { password: $password }) { erasure { id } } }";
const EXPORT: &str = "mutation { exportMyData { dataExport { state } } }";
const EXPORT_LINK: &str = "mutation { createDataExportLink { link { path } userErrors { code } } }";
const UPDATE: &str =
    "mutation ($name: String) { updateProfile(input: { name: $name }) { user { name } userErrors { code } } }";
const NEW_PASSWORD: &str = "battery staple";

/// A signed-in client, with its refresh token.
struct Device {
    client: Client,
    refresh_token: String,
}

async fn sign_in(app: &TestApp, agent: &str) -> Device {
    let visitor = app.anonymous().at_with("192.0.2.1", agent);
    let reply = visitor.send(LOGIN, json!({ "email": EMAIL, "password": PASSWORD })).await.ok();
    Device {
        client: visitor.with_token(text(&reply, "/login/session/accessToken")),
        refresh_token: text(&reply, "/login/session/refreshToken").to_owned(),
    }
}

async fn sessions(device: &Device) -> Vec<Value> {
    let reply = device.client.send(SESSIONS, json!({})).await.ok();
    reply.data("/me/sessions").as_array().expect("a list").clone()
}

async fn change(client: &Client, current: &str, new: &str) -> Reply {
    client.send(CHANGE, json!({ "current": current, "new": new })).await.ok()
}

async fn dora(db: &PgPool, settings: &IdentitySettings) -> TestApp {
    let app = real_app(db.clone(), settings).await;
    register_dora(&app).await;
    query("delete from sessions").execute(db).await.expect("a deletion");
    app
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_user_sees_where_they_are_signed_in(db: PgPool) {
    let app = dora(&db, &settings()).await;
    let [laptop, phone] = [sign_in(&app, "Laptop").await, sign_in(&app, "Phone").await];

    let seen = sessions(&laptop).await;
    let of = |field: &str| seen.iter().map(|session| session[field].clone()).collect::<Vec<_>>();
    assert_eq!(of("client"), ["Phone", "Laptop"]);
    assert_eq!(of("isCurrent"), [false, true]);
    assert!(seen.iter().all(|session| session["createdAt"] == session["lastUsedAt"]), "{seen:?}");

    assert!(!has_expired(&refresh(&app, &laptop.refresh_token).await));
    let seen = sessions(&phone).await;
    assert_eq!([&seen[0]["client"], &seen[1]["client"]], ["Laptop", "Phone"], "the one used last is first");
    assert_ne!(seen[0]["createdAt"], seen[0]["lastUsedAt"]);

    query("update sessions set expires_at = now() where user_agent = 'Laptop'").execute(&db).await.expect("an update");
    assert_eq!(sessions(&phone).await.len(), 1, "what has expired has ended");
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn nobody_else_but_admins_sees_sessions_through_any_door(db: PgPool) {
    let app = app(db).await;
    let user = "query ($id: ID!) { user(id: $id) { name sessions { id } } }";
    let entity = json!([{ "__typename": "User", "id": BOB }]);

    for stranger in [app.anonymous(), app.student(CAROL), app.teacher(ALICE)] {
        for reply in [
            stranger.send(user, json!({ "id": BOB })).await,
            stranger.entities("... on User { name sessions { id } }", entity.clone()).await,
            stranger.entities("... on User { name: sessions { id } }", entity.clone()).await,
        ] {
            assert_eq!(reply.error(), Some("FORBIDDEN"), "{reply:?}");
        }
    }
    for client in [app.student(BOB), app.admin()] {
        let reply = client.send(user, json!({ "id": BOB })).await.ok();
        assert_eq!(*reply.data("/user/sessions"), json!([]));
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn the_sessions_of_many_users_take_one_statement(db: PgPool) {
    let app = app(db.clone()).await;
    let mut ids = Vec::new();
    for number in 0..50_u128 {
        let id = Uuid::from_u128(0x1000 + number);
        insert(&db, id, &format!("user{number}@lyceum.example"), "!").await;
        for _ in 0..2 {
            query("insert into sessions (id, user_id, refresh_token_hash, expires_at) values (gen_random_uuid(), $1, '', now() + interval '1 day')")
                .bind(id)
                .execute(&db)
                .await
                .expect("a session");
        }
        ids.push(json!({ "__typename": "User", "id": id }));
    }

    let admin = app.admin();
    for size in [1, 50] {
        let statements = StatementCount::start();
        let reply = admin.entities("... on User { sessions { id } }", json!(ids[..size])).await.ok();

        assert!(
            reply
                .data("/_entities")
                .as_array()
                .expect("entities")
                .iter()
                .all(|user| user["sessions"][1]["id"].is_string())
        );
        assert_eq!(statements.get(), 2, "users and sessions of {size}");
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_user_ends_one_of_their_sessions(db: PgPool) {
    let app = dora(&db, &settings()).await;
    let [laptop, phone] = [sign_in(&app, "Laptop").await, sign_in(&app, "Phone").await];
    let lost = sessions(&laptop).await[0]["id"].clone();

    let reply = laptop.client.send(END, json!({ "id": lost })).await.ok();
    assert_eq!(*reply.data("/endSession/session"), json!({ "id": lost, "client": "Phone", "isCurrent": false }));
    assert!(has_expired(&refresh(&app, &phone.refresh_token).await));

    let again = laptop.client.send(END, json!({ "id": lost })).await.ok();
    assert_eq!(again.user_errors(), [("NOT_FOUND", "sessionId".to_owned())]);

    let own = sessions(&laptop).await[0]["id"].clone();
    let reply = laptop.client.send(END, json!({ "id": own })).await.ok();
    assert_eq!(*reply.data("/endSession/session/isCurrent"), json!(true));
    assert!(has_expired(&refresh(&app, &laptop.refresh_token).await));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn nobody_ends_the_session_of_somebody_else(db: PgPool) {
    let app = dora(&db, &settings()).await;
    let laptop = sign_in(&app, "Laptop").await;
    let id = sessions(&laptop).await[0]["id"].clone();

    assert_eq!(app.anonymous().send(END, json!({ "id": id })).await.error(), Some("UNAUTHENTICATED"));
    let admin = app.anonymous().with_token(&{
        insert(&db, BOB, "bob@lyceum.example", &identity::password::hash_password(PASSWORD)).await;
        query("update users set role = 'admin' where id = $1").bind(BOB).execute(&db).await.expect("an update");
        text(&login(&app, "bob@lyceum.example", PASSWORD).await, "/login/session/accessToken").to_owned()
    });
    let reply = admin.send(END, json!({ "id": id })).await.ok();
    assert_eq!(reply.user_errors(), [("NOT_FOUND", "sessionId".to_owned())]);
    assert!(laptop.client.send(END, json!({ "id": "laptop" })).await.error().is_some());
    assert!(!has_expired(&refresh(&app, &laptop.refresh_token).await));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_user_ends_all_of_their_other_sessions(db: PgPool) {
    let app = dora(&db, &settings()).await;
    let [laptop, phone, tablet] =
        [sign_in(&app, "Laptop").await, sign_in(&app, "Phone").await, sign_in(&app, "Tablet").await];

    assert_eq!(*laptop.client.send(END_OTHERS, json!({})).await.ok().data("/endOtherSessions/count"), json!(2));
    assert_eq!(*laptop.client.send(END_OTHERS, json!({})).await.ok().data("/endOtherSessions/count"), json!(0));
    for ended in [phone, tablet] {
        assert!(has_expired(&refresh(&app, &ended.refresh_token).await));
    }
    assert!(!has_expired(&refresh(&app, &laptop.refresh_token).await));
    assert_eq!(app.anonymous().send(END_OTHERS, json!({})).await.error(), Some("UNAUTHENTICATED"));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_token_that_names_no_session_ends_none(db: PgPool) {
    let app = app(db.clone()).await;
    let user: Uuid = text(&register_dora(&app).await, "/register/user/id").parse().expect("an id");

    let reply = app.student(user).send(END_OTHERS, json!({})).await;

    assert_eq!(reply.error(), Some("UNAUTHENTICATED"));
    assert!(reply.message().contains("refresh"), "{reply:?}");
    assert_eq!(count(&db, "sessions").await, 1);
}

/// An access token is valid for up to 15 minutes longer.
#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_token_whose_session_has_ended_changes_nothing(db: PgPool) {
    let app = dora(&db, &settings()).await;
    for how in ["ended", "signed out", "expired", "suspended"] {
        let [laptop, phone] = [sign_in(&app, "Laptop").await, sign_in(&app, "Phone").await];
        let id =
            sessions(&laptop).await.iter().find(|session| session["client"] == "Laptop").expect("it")["id"].clone();
        let before = account(&db).await;
        match how {
            "ended" => _ = laptop.client.send(END_OTHERS, json!({})).await.ok(),
            "signed out" => log_out(&app, &phone.refresh_token).await,
            "expired" => run(&db, "update sessions set expires_at = now() where user_agent = 'Phone'").await,
            _ => run(&db, "update users set suspended_at = now()").await,
        }
        let sessions = count(&db, "sessions").await;

        changes_nothing(&phone.client, &id, how).await;

        run(&db, "update users set suspended_at = null").await;
        assert_eq!(account(&db).await, before, "{how}");
        assert_eq!(count(&db, "sessions").await, sessions, "{how}");
        assert!(!has_expired(&refresh(&app, &laptop.refresh_token).await), "{how}");
        assert!(!laptop.client.send(UPDATE, json!({})).await.ok().data("/updateProfile/user").is_null(), "{how}");
        run(&db, "delete from sessions").await;
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_token_counts_with_a_session_of_its_own_user_only(db: PgPool) {
    let app = app(db.clone()).await;
    register_dora(&app).await;
    insert(&db, BOB, "bob@lyceum.example", "!").await;
    let dora: Uuid =
        query_scalar("select id from users where email = $1").bind(EMAIL).fetch_one(&db).await.expect("an id");
    let session: Uuid = query_scalar("select public_id from sessions").fetch_one(&db).await.expect("a session");
    let client = |user: Uuid, session: Option<Uuid>| {
        let claims = Claims { sid: session.map(SessionId), ..claims(UserId(user), Role::Student, false) };
        bearer(&app, &token(&claims))
    };

    let own = client(dora, Some(session)).send(UPDATE, json!({ "name": "Theodora" })).await.ok();
    assert_eq!(*own.data("/updateProfile/user/name"), json!("Theodora"));
    changes_nothing(&client(BOB, Some(session)), &json!(session), "of somebody else").await;
    changes_nothing(&client(dora, Some(Uuid::from_u128(1))), &json!(session), "of nobody").await;

    // `lyceum admin token` issues tokens that name no session.
    let script = client(dora, None).send(UPDATE, json!({ "name": "Dora" })).await.ok();
    assert_eq!(*script.data("/updateProfile/user/name"), json!("Dora"));
    run(&db, "update users set suspended_at = now()").await;
    changes_nothing(&client(dora, None), &json!(session), "of a script").await;
}

async fn changes_nothing(client: &Client, session: &Value, why: &str) {
    for (document, variables) in [
        (UPDATE, json!({ "name": "Mallory" })),
        (UPDATE, json!({})),
        (END, json!({ "id": session })),
        (END_OTHERS, json!({})),
        (CHANGE, json!({ "current": PASSWORD, "new": NEW_PASSWORD })),
        (DELETE, json!({ "password": PASSWORD })),
        (EXPORT, json!({})),
        (EXPORT_LINK, json!({})),
    ] {
        let reply = client.send(document, variables).await;
        assert_eq!(reply.error(), Some("UNAUTHENTICATED"), "{why}: {document}: {reply:?}");
    }
}

async fn account(db: &PgPool) -> String {
    query_scalar("select users::text from users where email = $1").bind(EMAIL).fetch_one(db).await.expect("a user")
}

async fn run(db: &PgPool, statement: &'static str) {
    query(statement).execute(db).await.expect("it runs");
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_new_password_ends_the_other_sessions(db: PgPool) {
    let app = dora(&db, &settings()).await;
    let [laptop, phone] = [sign_in(&app, "Laptop").await, sign_in(&app, "Phone").await];

    let reply = change(&laptop.client, PASSWORD, NEW_PASSWORD).await;

    assert_eq!(*reply.data("/changePassword/user/email"), json!(EMAIL));
    assert!(has_expired(&refresh(&app, &phone.refresh_token).await));
    assert!(!has_expired(&refresh(&app, &laptop.refresh_token).await));
    assert_eq!(login(&app, EMAIL, PASSWORD).await.user_errors(), [("INVALID_CREDENTIALS", String::new())]);
    assert_eq!(*login(&app, EMAIL, NEW_PASSWORD).await.data("/login/user/email"), json!(EMAIL));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_password_is_not_changed_by_whoever_does_not_know_it(db: PgPool) {
    let app = dora(&db, &settings()).await;
    let [laptop, _phone] = [sign_in(&app, "Laptop").await, sign_in(&app, "Phone").await];

    for (current, new, fault) in [
        ("wrong horse", NEW_PASSWORD, ("INVALID_CREDENTIALS", "currentPassword".to_owned())),
        ("", NEW_PASSWORD, ("INVALID_CREDENTIALS", "currentPassword".to_owned())),
        ("wrong horse", "password", ("INVALID_CREDENTIALS", "currentPassword".to_owned())),
        (PASSWORD, "1234567", ("INVALID_INPUT", "newPassword".to_owned())),
        (PASSWORD, "password", ("INVALID_INPUT", "newPassword".to_owned())),
        (PASSWORD, EMAIL, ("INVALID_INPUT", "newPassword".to_owned())),
        (PASSWORD, &"x".repeat(129), ("INVALID_INPUT", "newPassword".to_owned())),
    ] {
        let reply = change(&laptop.client, current, new).await;

        assert_eq!(reply.user_errors(), [fault], "{reply:?}");
        assert!(reply.data("/changePassword/user").is_null());
    }
    let anonymous = app.anonymous().send(CHANGE, json!({ "current": PASSWORD, "new": NEW_PASSWORD })).await;
    assert_eq!(anonymous.error(), Some("UNAUTHENTICATED"));
    assert_eq!(count(&db, "sessions").await, 2);
    assert_eq!(*login(&app, EMAIL, PASSWORD).await.data("/login/user/email"), json!(EMAIL));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn who_guesses_at_the_current_password_is_throttled_like_a_sign_in(db: PgPool) {
    let throttle = ThrottleSettings { sign_in_limit: Limit::per_minutes(3, 5), ..ThrottleSettings::default() };
    let app = dora(&db, &IdentitySettings { throttle, ..settings() }).await;
    let laptop = sign_in(&app, "Laptop").await;

    for _ in 0..3 {
        change(&laptop.client, "wrong horse", NEW_PASSWORD).await;
    }
    // Also before the new one is looked at, which takes time.
    for new in [NEW_PASSWORD, "password", "1234567"] {
        let reply = laptop.client.send(CHANGE, json!({ "current": PASSWORD, "new": new })).await;

        assert_eq!(reply.error(), Some("RATE_LIMITED"), "{new}: {reply:?}");
    }
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn of_five_who_change_a_password_at_once_one_wins(db: PgPool) {
    let app = dora(&db, &settings()).await;
    let laptop = sign_in(&app, "Laptop").await;
    let new = |number: usize| format!("battery staple {number}");

    let replies = join_all((0..5).map(|number| {
        let (client, new) = (laptop.client.clone(), new(number));
        async move { change(&client, PASSWORD, &new).await }
    }))
    .await;

    let winners: Vec<_> = (0..5).filter(|number| replies[*number].user_errors().is_empty()).collect();
    assert_eq!(winners.len(), 1, "{replies:?}");
    assert_eq!(*login(&app, EMAIL, &new(winners[0])).await.data("/login/user/email"), json!(EMAIL));
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn the_password_of_an_imported_account_can_be_changed(db: PgPool) {
    let app = real_app(db.clone(), &settings()).await;
    insert(&db, BOB, "Bob@lyceum.example", &bcrypt::hash(PASSWORD, 4).expect("a hash")).await;
    let session = login(&app, "Bob@lyceum.example", PASSWORD).await;
    query("update users set password_hash = $1")
        .bind(bcrypt::hash(PASSWORD, 4).expect("a hash"))
        .execute(&db)
        .await
        .expect("an update");
    let bob = bearer(&app, text(&session, "/login/session/accessToken"));

    assert!(change(&bob, PASSWORD, NEW_PASSWORD).await.user_errors().is_empty());
    assert_eq!(*login(&app, "Bob@lyceum.example", NEW_PASSWORD).await.data("/login/user/id"), json!(BOB));
}

/// Whoever signs in with the old password at that moment has no session afterwards.
#[sqlx::test(migrations = "../../migrations/identity")]
async fn a_sign_in_with_the_old_password_does_not_outlive_it(db: PgPool) {
    let app = dora(&db, &settings()).await;
    let mut password = PASSWORD.to_owned();

    for round in 0..10 {
        let laptop = app.anonymous().send(LOGIN, json!({ "email": EMAIL, "password": password })).await.ok();
        let client = bearer(&app, text(&laptop, "/login/session/accessToken"));
        let new = format!("battery staple {round}");

        let sign_ins = join_all((0..3).map(|_| login(&app, EMAIL, &password)));
        let (changed, others) = join(change(&client, &password, &new), sign_ins).await;

        assert!(changed.user_errors().is_empty(), "{changed:?}");
        for other in others.iter().filter(|other| other.user_errors().is_empty()) {
            assert!(has_expired(&refresh(&app, text(other, "/login/session/refreshToken")).await), "round {round}");
        }
        password = new;
    }
}
